#include "tests/crash/churn_member.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/crash/churn_reader.h"

namespace sluice::crash {
namespace {

using kafka::ErrorCode;
using std::chrono::milliseconds;

constexpr milliseconds kRetryPause{10};
constexpr int64_t kLifeMsMax = 4'000;
constexpr int64_t kAwayMsMax = 300;
constexpr uint64_t kCommitOneIn = 3;    // Polls.
constexpr uint64_t kRewindOneIn = 200;  // Polls.
constexpr uint64_t kFreezeOneIn = 60;   // Polls.
constexpr int64_t kRewindMax = 20;
// A member that was silent for so many sessions and a bit is none any more, however slow the machine is.
constexpr int64_t kSessionsToBeOver = 2;
constexpr milliseconds kSurely{500};

bool IsThrownOut(ErrorCode error) {
  return error == ErrorCode::kUnknownMemberId || error == ErrorCode::kFencedInstanceId ||
         error == ErrorCode::kFencedMemberEpoch;
}

}  // namespace

ChurnMember::ChurnMember(asio::io_context& context, const ChurnOptions& options, const Place& place,
                         ChurnGroup& group)
    : context_(context),
      options_(options),
      place_(place),
      group_(group),
      random_(options.seed * 1000 + static_cast<uint64_t>(place.slot) +
              (group.protocol == GroupProtocol::kClassic ? 0 : 500)) {
  ++group_.running;
}

asio::awaitable<void> ChurnMember::Run() {
  while (!group_.stopping) {
    co_await Live();
    if (!group_.calm) {
      co_await Pause(UpTo(kAwayMsMax));
    }
  }
  life_.reset();
  ghost_.reset();
  --group_.running;
}

asio::awaitable<void> ChurnMember::Live() {
  life_ = NewLife();
  const Clock::time_point end = Clock::now() + UpTo(kLifeMsMax);
  while (!group_.stopping && !life_->is_out && (group_.calm || Clock::now() < end)) {
    if (!life_->connection->connected()) {
      const bool found = co_await Connect();
      if (!found) {
        life_->connection->Close();
        co_await Pause(kRetryPause);
      }
      continue;
    }
    if (!life_->member->is_settled() || Clock::now() >= life_->next_step) {
      co_await Step();
      continue;
    }
    if (ghost_ != nullptr) {
      co_await SendGhost();
    }
    co_await Read();
    if (!group_.calm && OneIn(kFreezeOneIn)) {
      co_await Freeze();
    }
  }
  if (life_->is_out || !life_->connection->connected()) {
    co_return;
  }
  const auto farewell = group_.stopping ? Farewell::kLeaveForGood : static_cast<Farewell>(random_.Below(4));
  if (farewell == Farewell::kHandOver && place_.is_static) {
    ghost_ = std::move(life_);
  } else if (farewell != Farewell::kVanish) {
    co_await Leave(farewell == Farewell::kLeaveForGood);
  }
}

std::unique_ptr<ChurnMember::Life> ChurnMember::NewLife() {
  auto life = std::make_unique<Life>();
  life->connection = std::make_unique<AsyncConnection>(context_, options_.connection);
  GroupMemberOptions options{.group = group_.name,
                             .topic = options_.topic,
                             .topic_id = options_.topic_id,
                             .partitions = options_.partitions,
                             .member_id = absl::StrCat("place-", place_.slot, "-life-", ++lives_),
                             .session_timeout_ms = options_.session_timeout_ms,
                             .rebalance_timeout_ms = 2 * options_.session_timeout_ms};
  if (place_.is_static) {
    options.instance_id = absl::StrCat("place-", place_.slot);
  }
  life->member = NewGroupMember(group_.protocol, *life->connection, std::move(options));
  return life;
}

asio::awaitable<bool> ChurnMember::Connect() {
  const bool connected = co_await life_->connection->Connect();
  if (!connected) {
    co_return false;
  }
  const ErrorCode error = co_await life_->member->FindCoordinator();
  co_return error == ErrorCode::kNone;
}

asio::awaitable<void> ChurnMember::Step() {
  GroupMember& member = *life_->member;
  std::vector<int32_t> kept = member.held();
  if (const std::vector<int32_t> leaving = member.giving_up(); !leaving.empty()) {
    std::map<int32_t, int64_t> last_words = Uncommitted();
    std::erase_if(last_words, [&](const auto& entry) {
      return !std::binary_search(leaving.begin(), leaving.end(), entry.first);
    });
    if (!last_words.empty() && !OneIn(4)) {
      co_await Commit(life_.get(), std::move(last_words), false);
    }
    std::erase_if(kept, [&](int32_t p) { return std::binary_search(leaving.begin(), leaving.end(), p); });
    TellHeld(kept);
  }
  const std::string before = member.id();
  ChurnEvent event = EventOf(ChurnKind::kStep, *life_);
  event.operation = group_.history.Begin(event);
  const int32_t epoch_before = member.epoch();
  const ErrorCode error = co_await member.Step();
  const bool joined = member.epoch() != epoch_before;
  event.type = error == ErrorCode::kNone               ? EventType::kOk
               : error == ErrorCode::kNetworkException ? EventType::kInfo
                                                       : EventType::kFail;
  event.member = member.id();
  event.owner = EventOf(ChurnKind::kStep, *life_).owner;
  event.epoch = member.epoch();
  event.joins = joined && (group_.protocol == GroupProtocol::kClassic || epoch_before <= 0);
  event.durable = group_.protocol == GroupProtocol::kConsumer || member.is_settled();
  group_.history.End(event);
  TakeStep(error, before);
  if (error != ErrorCode::kNone && error != ErrorCode::kRebalanceInProgress) {
    co_await Pause(kRetryPause);
  }
}

void ChurnMember::TakeStep(ErrorCode error, const std::string& member_before) {
  life_->next_step = Clock::now() + milliseconds(life_->member->heartbeat_interval_ms());
  if (IsThrownOut(error) && !member_before.empty()) {
    group_.history.Add({.kind = ChurnKind::kOut, .member = member_before});
    life_->told_held.clear();
  }
  life_->is_out = error == ErrorCode::kFencedInstanceId;
  TakeHeld();
}

// What it lost, or what may have been another's meanwhile, it does not know any more.
void ChurnMember::TakeHeld() {
  const std::vector<int32_t>& held = life_->member->held();
  const int32_t epoch = life_->member->epoch();
  if (group_.protocol == GroupProtocol::kClassic && epoch != life_->told_epoch) {
    life_->next.clear();
  }
  std::erase_if(life_->next, [&](const auto& entry) {
    return !std::binary_search(held.begin(), held.end(), entry.first);
  });
  if (held != life_->told_held || epoch != life_->told_epoch) {
    group_.lives += life_->told_held.empty() && !held.empty() ? 1 : 0;
    TellHeld(held);
  }
}

void ChurnMember::TellHeld(std::vector<int32_t> held) {
  ChurnEvent event = EventOf(ChurnKind::kHold, *life_);
  for (const int32_t partition : held) {
    event.offsets[partition] = -1;
  }
  group_.history.Add(std::move(event));
  life_->told_held = std::move(held);
  life_->told_epoch = life_->member->epoch();
}

asio::awaitable<void> ChurnMember::Read() {
  const bool found = co_await FindPositions();
  if (!found) {
    co_await Pause(kRetryPause);
    co_return;
  }
  if (life_->next.empty()) {
    co_await Pause(milliseconds(life_->member->heartbeat_interval_ms()) / 4);
    co_return;
  }
  std::vector<ReadRecord> records;
  const bool read = co_await FetchRecords(*life_->connection, options_.topic, life_->next, &records);
  if (!read) {
    co_await Pause(kRetryPause);
    co_return;
  }
  if (!records.empty()) {
    for (const ReadRecord& record : records) {
      life_->next[record.partition] = record.offset + 1;
    }
    ChurnEvent event = EventOf(ChurnKind::kRead, *life_);
    event.records = std::move(records);
    group_.history.Add(std::move(event));
  }
  if (std::map<int32_t, int64_t> offsets = Uncommitted();
      !offsets.empty() && (group_.calm || OneIn(kCommitOneIn))) {
    co_await Commit(life_.get(), std::move(offsets), false);
  } else if (!group_.calm && OneIn(kRewindOneIn)) {
    co_await Rewind();
  }
}

// False: not now.
asio::awaitable<bool> ChurnMember::FindPositions() {
  std::vector<int32_t> unknown;
  for (const int32_t partition : life_->member->held()) {
    if (!life_->next.contains(partition)) {
      unknown.push_back(partition);
    }
  }
  if (unknown.empty()) {
    co_return true;
  }
  ChurnEvent event = EventOf(ChurnKind::kFetched, *life_);
  event.operation = group_.history.Begin(event);
  GroupMember::Committed found = co_await life_->member->FetchCommitted(unknown);
  event.type = found.error == ErrorCode::kNone ? EventType::kOk : EventType::kFail;
  event.offsets = found.offsets;
  group_.history.End(std::move(event));
  if (found.error != ErrorCode::kNone) {
    life_->next_step = Clock::now();  // It may be that its epoch is over.
    co_return false;
  }
  for (const auto& [partition, offset] : found.offsets) {
    life_->next[partition] = std::max<int64_t>(offset, 0);
    life_->committed[partition] = offset;
  }
  co_return true;
}

asio::awaitable<void> ChurnMember::Commit(Life* life, std::map<int32_t, int64_t> offsets, bool overslept) {
  ChurnEvent event = EventOf(ChurnKind::kCommit, *life);
  event.offsets = offsets;
  event.overslept = overslept;
  event.reset = std::any_of(offsets.begin(), offsets.end(), [&](const auto& entry) {
    const auto known = life->committed.find(entry.first);
    return known != life->committed.end() && entry.second < known->second;
  });
  event.operation = group_.history.Begin(event);
  const ErrorCode error = co_await life->member->Commit(offsets);
  event.type = error == ErrorCode::kNone               ? EventType::kOk
               : error == ErrorCode::kNetworkException ? EventType::kInfo
                                                       : EventType::kFail;
  group_.history.End(std::move(event));
  if (error == ErrorCode::kNone) {
    ++group_.commits;
    for (const auto& [partition, offset] : offsets) {
      life->committed[partition] = offset;
    }
  } else {
    life->next_step = Clock::now();  // A heartbeat tells what it is now.
  }
}

// An operator's, or an application's, decision to read some of it again.
asio::awaitable<void> ChurnMember::Rewind() {
  if (life_->next.empty()) {
    co_return;
  }
  const auto at = std::next(life_->next.begin(), static_cast<int64_t>(random_.Below(life_->next.size())));
  const int32_t partition = at->first;
  const int64_t back = std::min(at->second, static_cast<int64_t>(1 + random_.Below(kRewindMax)));
  std::map<int32_t, int64_t> earlier = {{partition, at->second - back}};
  co_await Commit(life_.get(), std::move(earlier), false);
  life_->next.erase(partition);  // And on from what is committed now.
}

// Neither reads nor tells that it lives. Then it goes on as if nothing had been, first with a commit.
asio::awaitable<void> ChurnMember::Freeze() {
  const int64_t deaths = group_.deaths;
  const auto over = milliseconds(kSessionsToBeOver * options_.session_timeout_ms) + kSurely;
  const milliseconds time = OneIn(3) ? UpTo(options_.session_timeout_ms) : over + UpTo(300);
  const Clock::time_point begin = Clock::now();
  co_await Pause(time);
  const bool overslept = Clock::now() - begin >= over && group_.deaths == deaths;
  std::map<int32_t, int64_t> offsets = Uncommitted();
  if (offsets.empty() && overslept) {
    offsets = life_->next;  // The same once more: no less to be refused.
  }
  if (offsets.empty()) {
    co_return;
  }
  group_.overslept += overslept ? 1 : 0;
  co_await Commit(life_.get(), std::move(offsets), overslept);
}

asio::awaitable<void> ChurnMember::Leave(bool for_good) {
  if (std::map<int32_t, int64_t> offsets = Uncommitted(); !offsets.empty() && !OneIn(3)) {
    co_await Commit(life_.get(), std::move(offsets), false);
  }
  if (life_->member->id().empty() || !life_->connection->connected()) {
    co_return;
  }
  TellHeld({});
  const std::string id = life_->member->id();
  const ErrorCode error = co_await life_->member->Leave(for_good);
  if (error == ErrorCode::kNone && (for_good || !place_.is_static)) {
    group_.history.Add({.kind = ChurnKind::kOut, .member = id});
  }
}

// The predecessor, whose instance is another's now, did not notice.
asio::awaitable<void> ChurnMember::SendGhost() {
  const std::unique_ptr<Life> ghost = std::move(ghost_);
  if (ghost->connection->connected() && !ghost->next.empty()) {
    co_await Commit(ghost.get(), ghost->next, false);
  }
}

asio::awaitable<void> ChurnMember::Pause(milliseconds time) {
  asio::steady_timer timer(context_, time);
  asio::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

std::map<int32_t, int64_t> ChurnMember::Uncommitted() const {
  std::map<int32_t, int64_t> offsets;
  for (const auto& [partition, next] : life_->next) {
    const auto known = life_->committed.find(partition);
    if (known == life_->committed.end() || next > std::max<int64_t>(known->second, 0)) {
      offsets[partition] = next;
    }
  }
  return offsets;
}

ChurnEvent ChurnMember::EventOf(ChurnKind kind, const Life& life) const {
  const GroupMember& member = *life.member;
  return {.kind = kind,
          .member = member.id(),
          .owner = member.options().instance_id.value_or(member.id()),
          .epoch = member.epoch()};
}

std::string ChurnMember::Describe() const {
  if (life_ == nullptr) {
    return absl::StrCat("place ", place_.slot, ": nobody");
  }
  const GroupMember& member = *life_->member;
  return absl::StrCat("place ", place_.slot, ": ", member.id(), " epoch ", member.epoch(),
                      member.is_settled() ? " settled" : " unsettled", " holds {",
                      absl::StrJoin(member.held(), ","), "}");
}

}  // namespace sluice::crash
