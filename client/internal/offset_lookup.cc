#include "client/internal/offset_lookup.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/status.h"
#include "proto/kafka/gen/list_offsets.h"
#include "sluice/errors.h"

namespace sluice::client_internal {
namespace {

using kafka::ErrorCode;
using Result = kafka::ListOffsetsResponse::ListOffsetsPartitionResponse;

constexpr int64_t kLatest = -1;
constexpr int64_t kEarliest = -2;
constexpr absl::Duration kRetryInterval = absl::Milliseconds(100);

// Rounds of requests, one for each leader, until every query has its answer. A position may need two
// questions: the last ten are found from the end and, so as not to start before it, the beginning.
class Lookup : public std::enable_shared_from_this<Lookup> {
 public:
  Lookup(Core& core, std::vector<OffsetQuery> queries, absl::Duration timeout,
         std::function<void(std::vector<OffsetAnswer>)> done)
      : core_(core),
        deadline_(MonotonicNow() + timeout),
        done_(std::move(done)),
        timer_(core.loop().context()) {
    for (OffsetQuery& query : queries) {
      State& state = states_.emplace_back();
      state.asked_timestamp = FirstQuestion(query.position);
      state.query = std::move(query);
    }
  }

  void Start() {
    for (const State& state : states_) {
      core_.metadata().Watch(state.query.topic, false);
    }
    Refresh();
  }

 private:
  struct State {
    OffsetQuery query;
    OffsetAnswer answer;
    bool resolved = false;
    int64_t asked_timestamp = 0;
    int64_t latest = -1;
    absl::Status last_error;
    int unknown = 0;  // How often the topic or partition was said not to exist.
  };

  static int64_t FirstQuestion(const Position& position) {
    switch (position.kind()) {
      case Position::Kind::kBeginning:
        return kEarliest;
      case Position::Kind::kTime:
        return std::max<int64_t>(position.value(), 0);
      default:
        return kLatest;
    }
  }

  void Refresh() {
    core_.metadata().Refresh([self = shared_from_this()](const absl::Status& status) {
      if (absl::IsCancelled(status)) {
        self->FailAll(status);
        return;
      }
      for (State& state : self->states_) {
        if (!status.ok() && !state.resolved) {
          state.last_error = status;
        }
      }
      self->Ask();
    });
  }

  void Ask() {
    std::map<int32_t, std::vector<size_t>> by_leader;
    std::set<std::pair<std::string, int32_t>> asked;  // A request may name a partition once only.
    for (size_t i = 0; i < states_.size(); ++i) {
      State& state = states_[i];
      if (state.resolved) {
        continue;
      }
      const std::optional<int32_t> leader = FindLeader(state);
      if (leader.has_value() && state.query.position.kind() == Position::Kind::kOffset) {
        Resolve(state, state.query.position.value(), -1, -1);
        continue;
      }
      if (leader.has_value() && asked.emplace(state.query.topic, state.query.partition).second) {
        by_leader[*leader].push_back(i);
      }
    }
    outstanding_ = by_leader.size();
    if (by_leader.empty()) {
      FinishRound();
      return;
    }
    for (const auto& [leader, indexes] : by_leader) {
      AskLeader(leader, indexes);
    }
  }

  std::optional<int32_t> FindLeader(State& state) {
    const std::string what = absl::StrCat("partition ", state.query.topic, "-", state.query.partition);
    const TopicInfo* topic = core_.metadata().FindTopic(state.query.topic);
    const absl::Status topic_status = core_.metadata().TopicStatus(state.query.topic);
    if (!topic_status.ok()) {
      state.last_error = topic_status;
      if (absl::IsNotFound(topic_status)) {
        Unknown(state, topic_status);
      } else if (!IsRetriable(topic_status)) {
        Reject(state, topic_status);
      }
      return std::nullopt;
    }
    if (state.query.partition < 0 || static_cast<size_t>(state.query.partition) >= topic->partitions.size()) {
      Unknown(state,
              KafkaStatus(ErrorCode::kUnknownTopicOrPartition, what,
                          absl::StrCat("the topic has the partitions 0 to ", topic->partitions.size() - 1)));
      return std::nullopt;
    }
    const int32_t leader = topic->partitions[static_cast<size_t>(state.query.partition)].leader;
    if (leader < 0) {
      state.last_error = KafkaStatus(ErrorCode::kLeaderNotAvailable, what);
      return std::nullopt;
    }
    return leader;
  }

  // What was created a moment ago may not have reached the broker that was asked: believe it the third time.
  void Unknown(State& state, const absl::Status& status) {
    state.last_error = status;
    if (++state.unknown >= 3) {
      Reject(state, status);
    }
  }

  void AskLeader(int32_t leader, const std::vector<size_t>& indexes) {
    kafka::ListOffsetsRequest request;
    request.replica_id = -1;
    for (const size_t i : indexes) {
      const State& state = states_[i];
      auto topic = std::find_if(request.topics.begin(), request.topics.end(),
                                [&](const auto& known) { return known.name == state.query.topic; });
      if (topic == request.topics.end()) {
        topic = request.topics.insert(topic, {.name = state.query.topic, .partitions = {}});
      }
      auto& partition = topic->partitions.emplace_back();
      partition.partition_index = state.query.partition;
      partition.timestamp = state.asked_timestamp;
    }
    core_.Call<kafka::ListOffsetsRequest>(
        {.target = leader}, std::move(request), std::max(deadline_ - MonotonicNow(), absl::Milliseconds(1)),
        [self = shared_from_this(),
         indexes](const absl::StatusOr<Answer<kafka::ListOffsetsResponse>>& answer) {
          self->OnAnswer(indexes, answer);
        });
  }

  void OnAnswer(const std::vector<size_t>& indexes,
                const absl::StatusOr<Answer<kafka::ListOffsetsResponse>>& answer) {
    for (const size_t i : indexes) {
      State& state = states_[i];
      if (!answer.ok()) {
        state.last_error = answer.status();
        if (!IsRetriable(answer.status())) {
          Reject(state, answer.status());
        }
      } else if (const Result* result = Find(answer->message, state.query); result != nullptr) {
        Apply(state, *result);
      }
    }
    if (--outstanding_ == 0) {
      FinishRound();
    }
  }

  static const Result* Find(const kafka::ListOffsetsResponse& response, const OffsetQuery& query) {
    for (const auto& topic : response.topics) {
      for (const auto& partition : topic.partitions) {
        if (topic.name == query.topic && partition.partition_index == query.partition) {
          return &partition;
        }
      }
    }
    return nullptr;
  }

  void Apply(State& state, const Result& result) {
    if (result.error_code != 0) {
      const absl::Status status = KafkaStatus(
          result.error_code,
          absl::StrCat("look up an offset of partition ", state.query.topic, "-", state.query.partition));
      state.last_error = status;
      if (!IsRetriable(status)) {
        Reject(state, status);
      }
      return;
    }
    switch (state.query.position.kind()) {
      case Position::Kind::kTime:
        if (result.offset < 0 && state.asked_timestamp >= 0) {
          state.asked_timestamp = kLatest;  // Nothing is that young.
          progressed_ = true;
          return;
        }
        break;
      case Position::Kind::kTail:
        if (state.asked_timestamp == kLatest) {
          state.latest = result.offset;
          state.asked_timestamp = kEarliest;
          progressed_ = true;
          return;
        }
        Resolve(state, std::max(result.offset, state.latest - state.query.position.value()), -1,
                result.leader_epoch);
        return;
      default:
        break;
    }
    Resolve(state, result.offset, result.timestamp, result.leader_epoch);
  }

  void Resolve(State& state, int64_t offset, int64_t timestamp_ms, int32_t leader_epoch) {
    state.answer = {.status = absl::OkStatus(),
                    .offset = offset,
                    .timestamp_ms = timestamp_ms,
                    .leader_epoch = leader_epoch};
    state.resolved = true;
    progressed_ = true;
  }

  void Reject(State& state, const absl::Status& status) {
    state.answer.status = status;
    state.resolved = true;
  }

  void FinishRound() {
    const bool all =
        std::all_of(states_.begin(), states_.end(), [](const State& state) { return state.resolved; });
    if (all) {
      Finish();
      return;
    }
    if (MonotonicNow() >= deadline_) {
      for (State& state : states_) {
        if (!state.resolved) {
          Reject(state, state.last_error.ok()
                            ? absl::DeadlineExceededError("the offset could not be looked up in time")
                            : state.last_error);
        }
      }
      Finish();
      return;
    }
    if (std::exchange(progressed_, false)) {
      Ask();
      return;
    }
    timer_.expires_after(absl::ToChronoNanoseconds(
        std::clamp(deadline_ - MonotonicNow(), absl::Milliseconds(1), kRetryInterval)));
    timer_.async_wait([self = shared_from_this()](const asio::error_code&) { self->Refresh(); });
  }

  void FailAll(const absl::Status& status) {
    for (State& state : states_) {
      if (!state.resolved) {
        Reject(state, status);
      }
    }
    Finish();
  }

  void Finish() {
    std::vector<OffsetAnswer> answers;
    for (State& state : states_) {
      answers.push_back(std::move(state.answer));
    }
    done_(std::move(answers));
  }

  Core& core_;
  const absl::Duration deadline_;
  const std::function<void(std::vector<OffsetAnswer>)> done_;
  asio::steady_timer timer_;
  std::vector<State> states_;
  size_t outstanding_ = 0;
  bool progressed_ = false;
};

}  // namespace

void LookUpOffsets(Core& core, std::vector<OffsetQuery> queries, absl::Duration timeout,
                   std::function<void(std::vector<OffsetAnswer>)> done) {
  std::make_shared<Lookup>(core, std::move(queries), timeout, std::move(done))->Start();
}

}  // namespace sluice::client_internal
