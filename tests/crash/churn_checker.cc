#include "tests/crash/churn_checker.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "tests/crash/churn_offsets.h"

namespace sluice::crash {
namespace {

std::string At(int32_t partition, int64_t offset) {
  return absl::StrCat(" at ", partition, "/", offset);
}

// Who was last told that it holds a partition, and when.
struct Owner {
  std::string name;
  size_t since = 0;
};

// What is known of the group at one moment: by this, later answers are judged.
struct Known {
  std::string out = {};      // Why the member is none; empty: nothing says so.
  std::string fenced = {};   // Why nothing of its generation can be taken any more.
  int32_t epoch_floor = -1;  // The group is at least so far.
};

struct Begun {
  const ChurnEvent* event = nullptr;
  size_t position = 0;
  Known known = {};
  std::map<int32_t, std::string> taken = {};    // Commits: the partitions that were another's, and whose.
  std::map<int32_t, int64_t> read_before = {};  // Commits: up to where everything had been read.
};

// The records of one partition: what lies where, and what of it was read.
struct Records {
  std::map<int64_t, Value> acked;
  absl::flat_hash_map<int64_t, Value> at;
  std::vector<bool> read;
  int64_t read_end = 0;  // Everything below it was read.
};

class Checker {
 public:
  explicit Checker(const ChurnRules& rules) : rules_(rules) {}

  ChurnFindings Run(const std::vector<ChurnEvent>& history) {
    for (size_t position = 0; position < history.size(); ++position) {
      Take(history[position], position);
    }
    for (auto& [operation, begun] : begun_) {
      if (begun.event->kind == ChurnKind::kCommit) {
        CountCommit(*begun.event, EventType::kInfo);
      }
    }
    CheckUnread();
    CheckOffsets();
    return std::move(found_);
  }

 private:
  template <class... Parts>
  void Note(ChurnAnomaly anomaly, const Parts&... parts) {
    const auto kind = static_cast<size_t>(anomaly);
    if (++found_.counts[kind] == 1) {
      found_.first[kind] = absl::StrCat(parts...);
    }
  }

  void Take(const ChurnEvent& event, size_t position) {
    switch (event.kind) {
      case ChurnKind::kAppend:
        return TakeAppend(event);
      case ChurnKind::kHold:
        return TakeHold(event, position);
      case ChurnKind::kOut:
        out_.insert(event.member);
        return DropHolds(event.member);
      case ChurnKind::kRead:
        return TakeRead(event);
      case ChurnKind::kDied:
        return TakeDeath(position);
      case ChurnKind::kStep:
      case ChurnKind::kCommit:
      case ChurnKind::kFetched:
        return event.type == EventType::kInvoke ? Begin(event, position) : End(event, position);
    }
  }

  void Begin(const ChurnEvent& event, size_t position) {
    Begun begun{.event = &event, .position = position, .known = KnownOf(event)};
    if (event.kind == ChurnKind::kCommit) {
      for (const auto& [partition, offset] : event.offsets) {
        begun.read_before[partition] = records_[partition].read_end;
        const auto owner = owners_.find(partition);
        if (owner != owners_.end() && owner->second.name != event.owner) {
          begun.taken[partition] = owner->second.name;
        }
      }
    }
    begun_.emplace(event.operation, std::move(begun));
  }

  Known KnownOf(const ChurnEvent& event) const {
    Known known{.epoch_floor = std::max(durable_epoch_, remembered_epoch_)};
    if (out_.contains(event.member)) {
      known.out = absl::StrCat(event.member, " had been told that it is no member");
    }
    const auto current = current_.find(event.owner);
    if (current != current_.end() && current->second != event.member) {
      known.fenced = absl::StrCat(current->second, " had taken the place of ", event.owner);
    } else if (rules_.classic && event.epoch < known.epoch_floor) {
      known.fenced = absl::StrCat("generation ", known.epoch_floor, " had begun");
    }
    return known;
  }

  void End(const ChurnEvent& event, size_t position) {
    const auto node = begun_.extract(event.operation);
    const Begun& begun = node.mapped();
    switch (event.kind) {
      case ChurnKind::kStep:
        return EndStep(event, begun);
      case ChurnKind::kCommit:
        return EndCommit(event, begun, position);
      case ChurnKind::kFetched:
        return EndFetch(event, begun, position);
      default:
        return;
    }
  }

  void EndStep(const ChurnEvent& event, const Begun& begun) {
    if (event.type != EventType::kOk) {
      return;
    }
    if (event.joins) {
      out_.erase(event.member);
    } else if (!begun.known.out.empty()) {
      Note(ChurnAnomaly::kGhost, begun.known.out, ", and was counted in again");
    }
    if ((rules_.classic || event.joins) && event.epoch < begun.known.epoch_floor) {
      Note(ChurnAnomaly::kEpochWentBack, event.member, " was let into epoch ", event.epoch,
           ", after others into ", begun.known.epoch_floor);
    }
    CheckHoldersAlive(event, begun);
    found_.epoch_max = std::max(found_.epoch_max, event.epoch);
    int32_t& known = event.durable ? durable_epoch_ : remembered_epoch_;
    known = std::max(known, event.epoch);
    // Only the last that came in holds the place: a late answer to its predecessor does not win it back.
    if (event.joins || !current_.contains(event.owner)) {
      current_[event.owner] = event.member;
    }
  }

  // It was counted in after someone else had been given what it still holds.
  void CheckHoldersAlive(const ChurnEvent& event, const Begun& begun) {
    const auto held = holds_.find(event.member);
    if (held == holds_.end()) {
      return;
    }
    for (const auto& [partition, unused] : held->second->offsets) {
      const auto owner = owners_.find(partition);
      if (owner != owners_.end() && owner->second.name != event.owner &&
          owner->second.since < begun.position) {
        Note(ChurnAnomaly::kTwoHolders, event.owner, " was counted in and held partition ", partition,
             " when ", owner->second.name, " had been given it");
      }
    }
  }

  void TakeHold(const ChurnEvent& event, size_t position) {
    DropHolds(event.member);
    for (const auto& [partition, unused] : event.offsets) {
      const auto [holder, is_new] = holders_.try_emplace(std::make_pair(event.epoch, partition), event.owner);
      if (!is_new && holder->second != event.owner) {
        Note(ChurnAnomaly::kTwoHolders, holder->second, " and ", event.owner, " held partition ", partition,
             " in epoch ", event.epoch);
      }
      owners_[partition] = {event.owner, position};
    }
    if (!event.offsets.empty()) {
      holds_[event.member] = &event;
    }
  }

  void DropHolds(const std::string& member) {
    const auto held = holds_.find(member);
    if (held == holds_.end()) {
      return;
    }
    for (const auto& [partition, unused] : held->second->offsets) {
      const auto owner = owners_.find(partition);
      if (owner != owners_.end() && owner->second.name == held->second->owner) {
        owners_.erase(owner);
      }
    }
    holds_.erase(held);
  }

  void EndCommit(const ChurnEvent& end, const Begun& begun, size_t position) {
    const ChurnEvent& event = *begun.event;
    CountCommit(event, end.type);
    for (const auto& [partition, offset] : event.offsets) {
      offsets_[partition].Commit({.offset = offset,
                                  .begin = begun.position,
                                  .end = end.type == EventType::kOk ? position : kNever,
                                  .outcome = end.type,
                                  .reset = event.reset});
      if (end.type == EventType::kOk) {
        CheckAccepted(event, begun, partition, offset);
      }
    }
  }

  void CheckAccepted(const ChurnEvent& event, const Begun& begun, int32_t partition, int64_t offset) {
    const std::string what = absl::StrCat(event.member, " committed", At(partition, offset));
    const auto taken = begun.taken.find(partition);
    if (event.overslept) {
      Note(ChurnAnomaly::kOversleptCommit, what, " after its session had ended");
    } else if (!begun.known.out.empty()) {
      Note(ChurnAnomaly::kGhost, what, ", and ", begun.known.out);
    } else if (!begun.known.fenced.empty()) {
      Note(ChurnAnomaly::kFencedCommit, what, ", and ", begun.known.fenced);
    } else if (taken != begun.taken.end()) {
      Note(ChurnAnomaly::kFencedCommit, what, ", which ", taken->second, " held");
    }
    const int64_t read_end = begun.read_before.at(partition);
    if (offset > read_end) {
      Note(ChurnAnomaly::kMissed, what, ", and nobody had read", At(partition, read_end));
    }
  }

  void CountCommit(const ChurnEvent& event, EventType outcome) {
    const auto partitions = static_cast<int64_t>(event.offsets.size());
    found_.commits_ok += outcome == EventType::kOk ? partitions : 0;
    found_.commits_refused += outcome == EventType::kFail ? partitions : 0;
    found_.commits_unknown += outcome == EventType::kInfo ? partitions : 0;
    found_.overslept_refused += event.overslept && outcome == EventType::kFail ? 1 : 0;
  }

  void EndFetch(const ChurnEvent& event, const Begun& begun, size_t position) {
    if (event.type != EventType::kOk) {
      return;
    }
    for (const auto& [partition, offset] : event.offsets) {
      offsets_[partition].Fetch({.offset = offset, .begin = begun.position, .end = position});
      next_[{begun.event->member, partition}] = std::max<int64_t>(offset, 0);
    }
  }

  void TakeAppend(const ChurnEvent& event) {
    for (size_t i = 0; i < event.values.size(); ++i) {
      const int64_t offset = event.offset + static_cast<int64_t>(i);
      records_[event.partition].acked[offset] = event.values[i];
      CheckValue(event.partition, offset, event.values[i]);
    }
  }

  void TakeRead(const ChurnEvent& event) {
    for (const ReadRecord& record : event.records) {
      ++found_.read;
      int64_t& next = next_[{event.member, record.partition}];
      if (record.offset != next) {
        Note(ChurnAnomaly::kSkipped, event.member, " was handed the record",
             At(record.partition, record.offset), " in place of ", next);
      }
      next = record.offset + 1;
      CheckValue(record.partition, record.offset, record.value);
      MarkRead(&records_[record.partition], record.offset);
    }
  }

  static void MarkRead(Records* records, int64_t offset) {
    const auto index = static_cast<size_t>(offset);
    if (index >= records->read.size()) {
      records->read.resize(2 * index + 1);
    }
    records->read[index] = true;
    const auto size = static_cast<int64_t>(records->read.size());
    while (records->read_end < size && records->read[static_cast<size_t>(records->read_end)]) {
      ++records->read_end;
    }
  }

  void CheckValue(int32_t partition, int64_t offset, const Value& value) {
    const auto [there, is_new] = records_[partition].at.try_emplace(offset, value);
    if (!is_new && there->second != value) {
      Note(ChurnAnomaly::kChanged, value.Text(), " and ", there->second.Text(), At(partition, offset));
    }
  }

  // The broker that knew it is gone, and with it what was not on its disk.
  void TakeDeath(size_t position) {
    ++found_.deaths;
    deaths_.push_back(position);
    remembered_epoch_ = -1;
    current_.clear();
    out_.clear();
  }

  void CheckUnread() {
    for (const auto& [partition, records] : records_) {
      for (const auto& [offset, value] : records.acked) {
        const auto index = static_cast<size_t>(offset);
        if (index >= records.read.size() || !records.read[index]) {
          Note(ChurnAnomaly::kUnread, value.Text(), At(partition, offset));
        }
      }
    }
  }

  void CheckOffsets() {
    for (const auto& [operation, begun] : begun_) {
      if (begun.event->kind == ChurnKind::kCommit) {
        for (const auto& [partition, offset] : begun.event->offsets) {
          offsets_[partition].Commit(
              {.offset = offset, .begin = begun.position, .reset = begun.event->reset});
        }
      }
    }
    for (auto& [partition, offsets] : offsets_) {
      const auto note = [this, partition = partition](OffsetFault fault, const std::string& what) {
        const auto anomaly = fault == OffsetFault::kWentBack ? ChurnAnomaly::kCommitWentBack
                             : fault == OffsetFault::kLost   ? ChurnAnomaly::kLostCommit
                                                             : ChurnAnomaly::kForeignOffset;
        Note(anomaly, "partition ", partition, ": ", what);
      };
      offsets.Judge(deaths_, note);
    }
  }

  const ChurnRules rules_;
  ChurnFindings found_;
  std::map<int64_t, Begun> begun_;  // By operation: what has no end yet.
  std::map<int32_t, Records> records_;
  std::map<std::pair<std::string, int32_t>, int64_t> next_;  // By member and partition: what it reads next.
  std::map<int32_t, OffsetHistory> offsets_;
  std::vector<size_t> deaths_;

  int32_t durable_epoch_ = -1;
  int32_t remembered_epoch_ = -1;
  absl::flat_hash_map<std::string, std::string> current_;      // By owner: the member that it is now.
  absl::flat_hash_set<std::string> out_;                       // Members that were told that they are none.
  absl::flat_hash_map<std::string, const ChurnEvent*> holds_;  // By member.
  std::map<int32_t, Owner> owners_;                            // By partition.
  absl::flat_hash_map<std::pair<int32_t, int32_t>, std::string> holders_;  // By epoch and partition.
};

}  // namespace

absl::string_view NameOf(ChurnAnomaly anomaly) {
  static constexpr absl::string_view kNames[] = {
      "missed", "unread",      "changed",         "skipped",          "fenced-commit", "overslept-commit",
      "ghost",  "two-holders", "epoch-went-back", "commit-went-back", "lost-commit",   "foreign-offset"};
  static_assert(std::size(kNames) == ChurnFindings::kKinds);
  return kNames[static_cast<size_t>(anomaly)];
}

bool ChurnFindings::none() const {
  return std::all_of(counts.begin(), counts.end(), [](int64_t count) { return count == 0; });
}

std::string ChurnFindings::ToString() const {
  std::string text;
  for (size_t kind = 0; kind < kKinds; ++kind) {
    if (counts[kind] > 0) {
      absl::StrAppend(&text, NameOf(static_cast<ChurnAnomaly>(kind)), ": ", counts[kind],
                      ", the first: ", first[kind], "\n");
    }
  }
  return text;
}

ChurnFindings CheckChurn(const std::vector<ChurnEvent>& history, const ChurnRules& rules) {
  return Checker(rules).Run(history);
}

}  // namespace sluice::crash
