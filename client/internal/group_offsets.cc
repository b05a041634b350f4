#include "client/internal/group_offsets.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/group_offset_messages.h"
#include "client/internal/group_state.h"
#include "client/internal/status.h"
#include "sluice/errors.h"

namespace sluice::client_internal {
namespace {

using kafka::ErrorCode;

constexpr absl::Duration kRetryInterval = absl::Milliseconds(100);
constexpr size_t kCommitsMax = 1'000;  // That wait: each holds its offsets.

// The one that tells most: what every partition has, or the first that went wrong.
size_t WorstOf(const std::vector<ErrorCode>& codes) {
  const auto bad =
      std::find_if(codes.begin(), codes.end(), [](ErrorCode c) { return c != ErrorCode::kNone; });
  return bad == codes.end() ? 0 : static_cast<size_t>(bad - codes.begin());
}

// A topic that is said not to exist may only be unknown to a broker that has just started: it is believed the
// third time.
constexpr int kUnknownMax = 3;

bool IsWorthARetry(ErrorCode code, int attempts) {
  if (code == ErrorCode::kUnknownTopicOrPartition) {
    return attempts < kUnknownMax;
  }
  const GroupEffect effect = EffectOf(code);
  return effect == GroupEffect::kRetry || effect == GroupEffect::kLookUp;
}

}  // namespace

GroupOffsets::GroupOffsets(Core& core, std::shared_ptr<Coordinator> coordinator, Hooks hooks)
    : core_(core),
      coordinator_(std::move(coordinator)),
      hooks_(std::move(hooks)),
      timer_(core.loop().context()) {}

void GroupOffsets::Commit(std::vector<GroupOffset> offsets, bool retry, absl::Duration deadline,
                          CommitCallback done) {
  absl::Status refusal;
  if (lifetime_.revoked()) {
    refusal = ClosedStatus("the consumer");
  } else if (commits_.size() >= kCommitsMax) {
    refusal = absl::ResourceExhaustedError(
        absl::StrCat("commit for group \"", coordinator_->group_id(), "\": ", kCommitsMax,
                     " commits wait for their answers already; commit less often"));
  }
  if (!refusal.ok()) {
    core_.loop().Post([done = std::move(done), refusal] { done(refusal); });
    return;
  }
  commits_.push_back(
      {.offsets = std::move(offsets), .retry = retry, .deadline = deadline, .done = std::move(done)});
  if (commits_.size() == 1) {
    // Not from inside the caller.
    core_.loop().Post(lifetime_.Guard([this] { StartCommit(); }));
  }
}

// One that came while the next was about to begin has asked for it as well.
void GroupOffsets::StartCommit() {
  if (!commits_.empty() && !std::exchange(commit_under_way_, true)) {
    SendCommit();
  }
}

void GroupOffsets::SendCommit() {
  Pending& pending = commits_.front();
  ++pending.attempts;
  const absl::StatusOr<MemberClaim> claim = hooks_.claim();
  if (pending.offsets.empty() || !claim.ok()) {
    OnCommitAnswer(pending.offsets.empty() ? absl::OkStatus() : claim.status(), false);
    return;
  }
  kafka::OffsetCommitRequest request = MakeCommit(coordinator_->group_id(), pending.offsets);
  request.member_id = claim->member_id;
  request.group_instance_id = claim->instance_id;
  request.generation_id_or_member_epoch = claim->generation;
  const absl::Duration timeout =
      std::clamp(pending.deadline - MonotonicNow(), absl::Milliseconds(1), core_.request_timeout());
  coordinator_->Call<kafka::OffsetCommitRequest>(
      {.version_cap = kOffsetCommitCap}, std::move(request), timeout,
      lifetime_.Guard([this](const absl::StatusOr<Answer<kafka::OffsetCommitResponse>>& answer) {
        if (!answer.ok()) {
          OnCommitAnswer(answer.status(), IsRetriable(answer.status()));
          return;
        }
        const Pending& asked = commits_.front();
        const std::vector<ErrorCode> codes = CodesOf(answer->message, asked.offsets);
        const size_t worst = WorstOf(codes);
        if (EffectOf(codes[worst]) == GroupEffect::kLookUp) {
          coordinator_->Forget();
        }
        hooks_.on_code(codes[worst]);
        OnCommitAnswer(CommitStatus(coordinator_->group_id(), asked.offsets[worst], codes[worst]),
                       IsWorthARetry(codes[worst], asked.attempts));
      }));
}

void GroupOffsets::OnCommitAnswer(absl::Status status, bool again) {
  const Pending& pending = commits_.front();
  if (again && pending.retry && MonotonicNow() < pending.deadline) {
    timer_.expires_after(
        absl::ToChronoNanoseconds(std::min(kRetryInterval, pending.deadline - MonotonicNow())));
    timer_.async_wait(lifetime_.Guard([this](const asio::error_code& error) {
      if (!error) {
        SendCommit();
      }
    }));
    return;
  }
  commit_under_way_ = false;
  const CommitCallback done = std::move(commits_.front().done);
  commits_.pop_front();
  core_.loop().Post(lifetime_.Guard([this] { StartCommit(); }));
  done(status);
}

struct GroupOffsets::Fetching {
  Fetching(asio::io_context& context) : timer(context) {}
  std::vector<TopicPartition> partitions;
  absl::Duration deadline;
  Fetched done;
  asio::steady_timer timer;

  void Finish(absl::StatusOr<std::vector<GroupOffset>> offsets) {
    if (const Fetched fetched = std::exchange(done, nullptr)) {
      fetched(std::move(offsets));
    }
  }
};

void GroupOffsets::Fetch(std::vector<TopicPartition> partitions, absl::Duration deadline, Fetched done) {
  if (lifetime_.revoked() || partitions.empty()) {
    done(lifetime_.revoked() ? absl::StatusOr<std::vector<GroupOffset>>(ClosedStatus("the consumer"))
                             : std::vector<GroupOffset>());
    return;
  }
  auto fetching = std::make_shared<Fetching>(core_.loop().context());
  fetching->partitions = std::move(partitions);
  fetching->deadline = deadline;
  fetching->done = std::move(done);
  fetches_.push_back(fetching);
  StartFetch(std::move(fetching));
}

void GroupOffsets::StartFetch(std::shared_ptr<Fetching> fetching) {
  kafka::OffsetFetchRequest request = MakeFetch(coordinator_->group_id(), &fetching->partitions);
  request.require_stable = true;  // Offsets of a transaction that is open are not final (KIP-447).
  coordinator_->Call<kafka::OffsetFetchRequest>(
      {.version_cap = kOffsetFetchCap}, std::move(request), core_.request_timeout(),
      lifetime_.Guard([this, fetching](const absl::StatusOr<Answer<kafka::OffsetFetchResponse>>& answer) {
        absl::StatusOr<std::vector<GroupOffset>> offsets =
            answer.ok() ? OffsetsOf(coordinator_->group_id(), answer->message) : answer.status();
        if (!offsets.ok() && KafkaErrorCode(offsets.status()).has_value()) {
          coordinator_->Forget();
        }
        if (!offsets.ok() && IsRetriable(offsets.status()) && MonotonicNow() < fetching->deadline) {
          fetching->timer.expires_after(absl::ToChronoNanoseconds(kRetryInterval));
          fetching->timer.async_wait(lifetime_.Guard([this, fetching](const asio::error_code& error) {
            if (!error) {
              StartFetch(fetching);
            }
          }));
          return;
        }
        std::erase(fetches_, fetching);
        fetching->Finish(std::move(offsets));
      }));
}

void GroupOffsets::Stop(const absl::Status& why) {
  lifetime_.Revoke();
  timer_.cancel();
  for (const Pending& pending : std::exchange(commits_, {})) {
    pending.done(why);
  }
  for (const auto& fetching : std::exchange(fetches_, {})) {
    fetching->timer.cancel();
    fetching->Finish(why);
  }
}

}  // namespace sluice::client_internal
