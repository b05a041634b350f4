#include "tests/crash/checker.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace sluice::crash {
namespace {

struct Place {
  int32_t partition = 0;
  int64_t offset = 0;
  bool in_last_read = false;
};

// A send, from its invoke on. `floor` is the highest offset of its partition that was acked before it began.
struct Send {
  const Event* invoke = nullptr;
  EventType outcome = EventType::kInfo;
  int64_t offset = -1;
  int64_t floor = -1;
};

// Where a consumer is in a partition.
struct Position {
  int64_t last = -1;
  bool known = false;
  int64_t poll = -1;  // The poll that it is from.
};

std::string At(int32_t partition, int64_t offset) {
  return absl::StrCat(" at ", partition, "/", offset);
}

class Checker {
 public:
  Findings Run(const std::vector<Event>& history) {
    for (const Event& event : history) {
      if (event.kind == EventKind::kStart) {
        start_[event.partition] = event.offset;
      }
    }
    for (const Event& event : history) {
      Take(event);
    }
    CheckSends();
    CheckOrderOfSends();
    CheckWhatWasSeen();
    return std::move(found_);
  }

 private:
  template <class... Parts>
  void Note(Anomaly anomaly, const Parts&... parts) {
    const auto kind = static_cast<size_t>(anomaly);
    if (++found_.counts[kind] == 1) {
      found_.first[kind] = absl::StrCat(parts...);
    }
  }

  void Take(const Event& event) {
    switch (event.kind) {
      case EventKind::kSend:
        return TakeSend(event);
      case EventKind::kEnd:
        return TakeEnd(event);
      case EventKind::kSeek:
        positions_[{event.actor, event.partition}] = {event.offset - 1, event.offset >= 0, -1};
        return;
      case EventKind::kPoll:
        return TakePoll(event);
      case EventKind::kStart:
        return;
    }
  }

  void TakeSend(const Event& event) {
    if (event.type == EventType::kInvoke) {
      for (const Value& value : event.values) {
        sent_[value] = sends_.size();
      }
      send_of_[event.operation] = sends_.size();
      sends_.push_back({.invoke = &event, .floor = HighestAcked(event.partition)});
      return;
    }
    Send& send = sends_[send_of_.at(event.operation)];
    send.outcome = event.type;
    send.offset = event.offset;
    if (event.type == EventType::kOk && event.offset >= 0) {
      int64_t& highest = acked_.try_emplace(event.partition, -1).first->second;
      highest = std::max(highest, event.offset + static_cast<int64_t>(send.invoke->values.size()) - 1);
    }
  }

  void TakeEnd(const Event& event) {
    if (event.type == EventType::kInvoke) {
      end_floor_[event.operation] = HighestAcked(event.partition);
    } else if (event.type == EventType::kOk && event.offset <= end_floor_.at(event.operation)) {
      Note(Anomaly::kEndBelowAck, "end offset ", event.offset, " of partition ", event.partition,
           ", although ", end_floor_.at(event.operation), " was acked before");
    }
  }

  void TakePoll(const Event& event) {
    ++found_.polls;
    for (const ReadRecord& record : event.records) {
      CheckPosition(event, record);
      NotePlace(event, record);
      int64_t& highest = highest_polled_.try_emplace(record.partition, -1).first->second;
      highest = std::max(highest, record.offset);
    }
  }

  void CheckPosition(const Event& event, const ReadRecord& record) {
    Position& position = positions_[{event.actor, record.partition}];
    const bool internal = position.poll == found_.polls;
    if (position.known && record.offset <= position.last) {
      Note(internal ? Anomaly::kInternalNonmonotonicPoll : Anomaly::kNonmonotonicPoll, "consumer ",
           event.actor, " was given", At(record.partition, record.offset), " after ", position.last);
    } else if (position.known && record.offset > std::max(position.last + 1, StartOf(record.partition))) {
      Note(internal ? Anomaly::kInternalPollSkip : Anomaly::kPollSkip, "consumer ", event.actor, " was given",
           At(record.partition, record.offset), " after ", position.last);
    }
    position = {record.offset, true, found_.polls};
  }

  void NotePlace(const Event& event, const ReadRecord& record) {
    const Value& value = record.value;
    const auto [there, new_offset] = log_[record.partition].try_emplace(record.offset, value);
    if (!new_offset && there->second != value) {
      Note(Anomaly::kInconsistentOffsets, value.Text(), " and ", there->second.Text(),
           At(record.partition, record.offset));
      return;
    }
    if (!sent_.contains(value)) {
      Note(Anomaly::kForeign, "nobody sent ", value.Text(), At(record.partition, record.offset));
      return;
    }
    const auto [place, new_value] = places_.try_emplace(value, Place{record.partition, record.offset});
    if (place->second.partition != record.partition || place->second.offset != record.offset) {
      Note(Anomaly::kDuplicate, value.Text(), At(place->second.partition, place->second.offset), " and",
           At(record.partition, record.offset));
      return;
    }
    if (event.last_read) {
      found_.values_read += place->second.in_last_read ? 0 : 1;
      place->second.in_last_read = true;
    }
  }

  void CheckSends() {
    for (const Send& send : sends_) {
      found_.sends_ok += send.outcome == EventType::kOk ? 1 : 0;
      found_.sends_failed += send.outcome == EventType::kFail ? 1 : 0;
      found_.sends_unknown += send.outcome == EventType::kInfo ? 1 : 0;
      int64_t before = -1;
      for (size_t i = 0; i < send.invoke->values.size(); ++i) {
        const Value& value = send.invoke->values[i];
        const auto place = places_.find(value);
        if (send.outcome == EventType::kOk) {
          CheckAcked(send, i, place == places_.end() ? nullptr : &place->second);
        }
        if (place == places_.end()) {
          continue;
        }
        if (send.outcome == EventType::kFail) {
          Note(Anomaly::kAbortedRead, value.Text(), " was refused and is",
               At(place->second.partition, place->second.offset));
        }
        if (place->second.offset <= send.floor) {
          Note(Anomaly::kRealTimeOrder, value.Text(), At(place->second.partition, place->second.offset),
               " was sent after the ack of offset ", send.floor);
        }
        if (place->second.offset < before) {
          Note(Anomaly::kInternalNonmonotonicSend, value.Text(),
               At(place->second.partition, place->second.offset),
               " stands before one that was sent before it, at ", before);
        }
        before = place->second.offset;
      }
    }
  }

  void CheckAcked(const Send& send, size_t index, const Place* place) {
    ++found_.values_acked;
    const Value& value = send.invoke->values[index];
    const int32_t partition = send.invoke->partition;
    const int64_t offset = send.offset < 0 ? -1 : send.offset + static_cast<int64_t>(index);
    if (place != nullptr) {
      if (place->partition != partition || (offset >= 0 && place->offset != offset)) {
        Note(Anomaly::kMoved, value.Text(), " was acked", At(partition, offset), " and is",
             At(place->partition, place->offset));
      }
      return;
    }
    if (offset < StartOf(partition) && StartOf(partition) > 0) {
      return;  // Retention may have taken it, and an unknown offset may lie there.
    }
    const auto highest = highest_polled_.find(partition);
    const bool below = highest != highest_polled_.end() && offset <= highest->second;
    Note(below ? Anomaly::kLostWrite : Anomaly::kUnseen, value.Text(), " was acked", At(partition, offset),
         " and never read");
  }

  // By acks only: a send of unknown outcome may land late.
  void CheckOrderOfSends() {
    absl::flat_hash_map<std::pair<int32_t, int32_t>, int64_t> last;
    for (const Send& send : sends_) {
      if (send.outcome != EventType::kOk || send.offset < 0) {
        continue;
      }
      int64_t& before = last.try_emplace({send.invoke->actor, send.invoke->partition}, -1).first->second;
      if (send.offset <= before) {
        Note(Anomaly::kNonmonotonicSend, send.invoke->values.front().Text(),
             At(send.invoke->partition, send.offset), ", and what its producer sent before it at ", before);
      }
      before = send.offset + static_cast<int64_t>(send.invoke->values.size()) - 1;
    }
  }

  void CheckWhatWasSeen() {
    for (const auto& [value, place] : places_) {
      if (!place.in_last_read && place.offset >= StartOf(place.partition)) {
        Note(Anomaly::kSeenThenGone, value.Text(), " was read", At(place.partition, place.offset),
             " and was not there at the end");
      }
    }
  }

  int64_t StartOf(int32_t partition) const { return Get(start_, partition, 0); }
  int64_t HighestAcked(int32_t partition) const { return Get(acked_, partition, -1); }
  static int64_t Get(const std::map<int32_t, int64_t>& map, int32_t key, int64_t otherwise) {
    const auto found = map.find(key);
    return found == map.end() ? otherwise : found->second;
  }

  Findings found_;
  std::map<int32_t, int64_t> start_;  // By partition, as the next two.
  std::map<int32_t, int64_t> acked_;
  std::map<int32_t, int64_t> highest_polled_;
  std::vector<Send> sends_;
  absl::flat_hash_map<int64_t, size_t> send_of_;  // By operation.
  absl::flat_hash_map<Value, size_t> sent_;
  absl::flat_hash_map<int64_t, int64_t> end_floor_;                        // By operation.
  absl::flat_hash_map<std::pair<int32_t, int32_t>, Position> positions_;   // By consumer and partition.
  absl::flat_hash_map<int32_t, absl::flat_hash_map<int64_t, Value>> log_;  // By partition and offset.
  absl::flat_hash_map<Value, Place> places_;
};

}  // namespace

absl::string_view NameOf(Anomaly anomaly) {
  static constexpr absl::string_view kNames[] = {"lost-write",
                                                 "unseen",
                                                 "duplicate",
                                                 "inconsistent-offsets",
                                                 "G1a",
                                                 "foreign",
                                                 "poll-skip",
                                                 "nonmonotonic-poll",
                                                 "int-poll-skip",
                                                 "int-nonmonotonic-poll",
                                                 "nonmonotonic-send",
                                                 "int-nonmonotonic-send",
                                                 "real-time-order",
                                                 "moved",
                                                 "end-below-ack",
                                                 "seen-then-gone"};
  static_assert(std::size(kNames) == Findings::kKinds);
  return kNames[static_cast<size_t>(anomaly)];
}

bool Findings::none() const {
  return std::all_of(counts.begin(), counts.end(), [](int64_t count) { return count == 0; });
}

std::string Findings::ToString() const {
  std::string text;
  for (size_t kind = 0; kind < kKinds; ++kind) {
    if (counts[kind] > 0) {
      absl::StrAppend(&text, NameOf(static_cast<Anomaly>(kind)), ": ", counts[kind],
                      ", the first: ", first[kind], "\n");
    }
  }
  return text;
}

Findings Check(const std::vector<Event>& history) {
  return Checker().Run(history);
}

}  // namespace sluice::crash
