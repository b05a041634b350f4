// Fetch (1): record batches from some partitions, as ranges of their files.
//
//   v4 isolation level      v5 log start offset      v7 sessions      v9 leader epochs      v11 rack
//   v12 flexible, diverging epochs                   v13 topics by id v15 replica state     v16 node
//   endpoints v17 directory ids       v18 the follower's high watermark
//
// Answered at once when nothing is to be waited for: max_wait_ms <= 0, no partitions, an error or divergence,
// or min_bytes are there, or the broker stops. Else when one of the partitions moved and there is enough, or
// when the time is over. After each move the answer is planned again from scratch, so it never holds an
// outdated file or position.
//
// A session (fetch_session.h) turns an incremental request into one for what is due, and strikes from the
// answer what the client knows.
#include <algorithm>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/kafka/alarm.h"
#include "broker/kafka/fetch_plan.h"
#include "broker/kafka/fetch_session_cache.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/self.h"
#include "broker/net/disk_pool.h"
#include "broker/topic/fetch_wait.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::FetchRequest;

constexpr int16_t kSessionsFrom = 7;
// The epochs of full fetches.
constexpr int32_t kOpenSession = 0;
constexpr int32_t kNoSession = -1;
constexpr int16_t kEndpointsFrom = 16;
// Bounds how long a client that went away is remembered. A client cannot tell such an answer from a quiet
// topic.
constexpr std::chrono::milliseconds kWaitMax = std::chrono::minutes(5);
// Keeps the frame's length within its 32 bits.
constexpr int64_t kBytesMax = 1 << 30;

// One request at work. Lives in the handler's coroutine.
class Fetching {
 public:
  // `session`: null for a request that names all its partitions.
  Fetching(const Request& request, Call& call, std::shared_ptr<FetchSession> session)
      : request_(request),
        call_(call),
        session_(std::move(session)),
        scope_{.catalog = call.services.catalog,
               .cursors = call.state.cursors,
               .version = call.version(),
               .bytes_max =
                   static_cast<uint64_t>(std::min(call.services.config.Int("fetch.max.bytes"), kBytesMax)),
               .node_id = call.services.node_id},
        deadline_(std::chrono::steady_clock::now() +
                  std::min(std::chrono::milliseconds(std::max(request.max_wait_ms, 0)), kWaitMax)) {}

  asio::awaitable<void> Run() {
    co_await Plan();
    if (!IsEnough()) {
      co_await WaitForEnough();
    }
    Send();
  }

 private:
  asio::awaitable<void> Plan() {
    if (session_ != nullptr) {
      due_ = session_->Collect(request_.session_epoch, request_);
    }
    const Request* const asked = Asked();
    if (asked == nullptr) {
      co_return;
    }
    plan_ = PlanFetch(*asked, scope_, MayBlock::kNo);
    if (plan_.would_block) {
      plan_ = co_await OnPool(call_.services.pool,
                              [this, asked] { return PlanFetch(*asked, scope_, MayBlock::kYes); });
    }
    if (session_ != nullptr) {
      session_->Settle(request_.session_epoch, plan_);
      plan_.can_grow |= session_->any_at_rest();
    }
  }

  // Null: another request has taken the session over.
  const Request* Asked() const {
    if (session_ == nullptr) {
      return &request_;
    }
    return due_.has_value() ? &*due_ : nullptr;
  }

  bool IsEnough() const {
    const auto asked_min = static_cast<uint64_t>(std::max(request_.min_bytes, 0));
    const auto asked_max = static_cast<uint64_t>(std::max(request_.max_bytes, 0));
    return Asked() == nullptr || request_.max_wait_ms <= 0 || plan_.is_final || !plan_.can_grow ||
           call_.services.catalog.long_polls_ended() ||
           plan_.bytes >= std::min({asked_min, asked_max, scope_.bytes_max});
  }

  asio::awaitable<void> WaitForEnough() {
    Alarm alarm(call_.connection.executor, deadline_);
    FetchWait wait;
    while (!IsEnough()) {
      const bool missed = Arm(wait, alarm) || call_.services.catalog.long_polls_ended();
      if (!(missed ? co_await TakeTurns() : co_await alarm.Sleep())) {
        co_return;
      }
      co_await Plan();
    }
  }

  // True: something moved since the plan was made.
  bool Arm(FetchWait& wait, Alarm& alarm) {
    if (session_ != nullptr) {
      return session_->Arm(request_.session_epoch, alarm.bell());
    }
    wait.Arm(WatchedPartitions(), alarm.bell());
    return IsStale(plan_);
  }

  // Producers may move a partition during every plan: between plans the thread's other connections go on, and
  // the time runs out as it does while asleep.
  asio::awaitable<bool> TakeTurns() const {
    co_await asio::post(asio::use_awaitable);
    co_return std::chrono::steady_clock::now() < deadline_;
  }

  std::vector<std::shared_ptr<Partition>> WatchedPartitions() const {
    std::vector<std::shared_ptr<Partition>> partitions;
    for (const FetchPlan::Watched& watched : plan_.watched) {
      partitions.push_back(watched.partition);
    }
    return partitions;
  }

  void Send() {
    for (const FetchPlan::Moved& moved : plan_.moved) {
      call_.state.cursors.Put(moved.key, moved.cursor);
    }
    if (plan_.is_final && call_.version() >= kEndpointsFrom) {
      AddEndpoint();
    }
    if (session_ != nullptr) {
      plan_.response.error_code = kafka::ToWire(session_->Finish(request_.session_epoch, &plan_.response));
    } else if (call_.version() >= kSessionsFrom && request_.session_epoch == kOpenSession) {
      plan_.response.session_id = call_.fetch_sessions.Open(request_, plan_.response, call_.version());
    }
    SendReply(call_.reply_to, plan_.response, call_.slot, plan_.parts);
  }

  // Where the leader is, for those that were told to look for it.
  void AddEndpoint() {
    const Self self = DescribeSelf(call_);
    auto& endpoint = plan_.response.node_endpoints.emplace_back();
    endpoint.node_id = self.node_id;
    endpoint.host = self.host;
    endpoint.port = self.port;
    endpoint.rack = self.rack;
  }

  const Request& request_;
  Call& call_;
  const std::shared_ptr<FetchSession> session_;  // Shared with the cache, which may let go of it meanwhile.
  std::optional<Request> due_;                   // What the session makes of the request.
  const FetchScope scope_;
  const std::chrono::steady_clock::time_point deadline_;
  FetchPlan plan_;
};

bool IsIncremental(const Request& request) {
  return request.session_epoch != kOpenSession && request.session_epoch != kNoSession;
}

void Refuse(ErrorCode error, Call& call) {
  kafka::FetchResponse refusal;
  refusal.error_code = kafka::ToWire(error);
  SendReply(call.reply_to, refusal, call.slot);
}

}  // namespace

// Nobody is a follower here, so every session is a consumer's.
asio::awaitable<void> HandleFetch(const Request& request, Call& call) {
  FetchSessionCache::Resumed resumed;
  if (call.version() >= kSessionsFrom && IsIncremental(request)) {
    resumed = call.fetch_sessions.Resume(request, call.version());
  } else if (request.session_id != 0) {
    call.fetch_sessions.Close(request.session_id);
  }
  if (resumed.error != ErrorCode::kNone) {
    Refuse(resumed.error, call);
    co_return;
  }
  Fetching fetching(request, call, std::move(resumed.session));
  co_await fetching.Run();
}

}  // namespace sluice::broker
