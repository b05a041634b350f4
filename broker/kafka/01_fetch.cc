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
#include <algorithm>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <vector>

#include "broker/kafka/alarm.h"
#include "broker/kafka/fetch_plan.h"
#include "broker/kafka/fetch_session.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/self.h"
#include "broker/net/disk_pool.h"
#include "broker/topic/fetch_wait.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::FetchRequest;

constexpr int16_t kSessionsFrom = 7;
constexpr int16_t kEndpointsFrom = 16;
// Bounds how long a client that went away is remembered. A client cannot tell such an answer from a quiet
// topic.
constexpr std::chrono::milliseconds kWaitMax = std::chrono::minutes(5);
// Keeps the frame's length within its 32 bits.
constexpr int64_t kBytesMax = 1 << 30;

// One request at work. Lives in the handler's coroutine.
class Fetching {
 public:
  Fetching(const Request& request, Call& call)
      : request_(request),
        call_(call),
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
    plan_ = PlanFetch(request_, scope_, MayBlock::kNo);
    if (plan_.would_block) {
      plan_ = co_await OnPool(call_.services.pool,
                              [this] { return PlanFetch(request_, scope_, MayBlock::kYes); });
    }
  }

  bool IsEnough() const {
    const auto asked_min = static_cast<uint64_t>(std::max(request_.min_bytes, 0));
    const auto asked_max = static_cast<uint64_t>(std::max(request_.max_bytes, 0));
    return request_.max_wait_ms <= 0 || plan_.is_final || !plan_.can_grow ||
           call_.services.catalog.long_polls_ended() ||
           plan_.bytes >= std::min({asked_min, asked_max, scope_.bytes_max});
  }

  asio::awaitable<void> WaitForEnough() {
    Alarm alarm(call_.connection.executor, deadline_);
    FetchWait wait;
    while (!IsEnough()) {
      wait.Arm(WatchedPartitions(), alarm.bell());
      const bool missed = IsStale(plan_) || call_.services.catalog.long_polls_ended();
      if (!(missed ? co_await TakeTurns() : co_await alarm.Sleep())) {
        co_return;
      }
      co_await Plan();
    }
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
  const FetchScope scope_;
  const std::chrono::steady_clock::time_point deadline_;
  FetchPlan plan_;
};

}  // namespace

asio::awaitable<void> HandleFetch(const Request& request, Call& call) {
  if (call.version() >= kSessionsFrom) {
    if (const ErrorCode error = CheckFetchSession(request.session_epoch); error != ErrorCode::kNone) {
      kafka::FetchResponse refusal;
      refusal.error_code = kafka::ToWire(error);
      SendReply(call.reply_to, refusal, call.slot);
      co_return;
    }
  }
  Fetching fetching(request, call);
  co_await fetching.Run();
}

}  // namespace sluice::broker
