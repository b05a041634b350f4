// Produce (0): appends one batch to each of some partitions.
//
//   v3 RecordBatch v2 (v0-2 are advertised and refused, see api_table.h)      v5 log start offset
//   v7 zstd      v8 record errors and messages      v9 flexible      v10 current leader      v12 TV2
//   v13 topics by id
//
// acks=0: nothing is answered, and an error closes the connection, the only way to tell. acks=1: answered
// after the append. acks=-1: answered when the batches are committed, while the connection's next requests
// are already appended (pending_produce.h). Every partition succeeds or fails by itself.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/partition_lookup.h"
#include "broker/kafka/pending_produce.h"
#include "broker/net/disk_pool.h"
#include "broker/topic/produce_rules.h"
#include "broker/topic/recompress.h"
#include "broker/topic/topic_rules.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::ProduceRequest;
using Answer = kafka::ProduceResponse::PartitionProduceResponse;

constexpr int16_t kAcksNone = 0;
constexpr int16_t kAcksLeader = 1;
constexpr int16_t kAcksAll = -1;
constexpr int16_t kTopicIdsFrom = 13;
constexpr int16_t kZstdFrom = 7;
constexpr int64_t kNoOffset = -1;
constexpr char kNoTransactions[] = "this broker does not serve transactions";

ProduceVerdict Refusal(ErrorCode code, std::string message) {
  return {.code = code, .message = std::move(message)};
}

// What is wrong with the request as a whole, and so with each of its partitions.
ProduceVerdict CheckRequest(const Request& request) {
  if (request.acks != kAcksNone && request.acks != kAcksLeader && request.acks != kAcksAll) {
    return Refusal(ErrorCode::kInvalidRequiredAcks,
                   absl::StrCat("acks is ", request.acks, ", not -1, 0 or 1"));
  }
  if (request.transactional_id.has_value()) {
    return Refusal(ErrorCode::kInvalidTxnState, kNoTransactions);
  }
  return {};
}

ProduceVerdict CheckRecords(const Request::PartitionProduceData& data, const Topic& topic, const Call& call,
                            int64_t now_ms, record::BatchView* batch) {
  if (!data.records.has_value()) {
    return Refusal(ErrorCode::kInvalidRecord, "the partition is given no records");
  }
  ProduceVerdict verdict = CheckBatch(data.records->bytes, topic.config, now_ms, batch,
                                      {.zstd_allowed = call.version() >= kZstdFrom});
  if (verdict.ok() && batch->is_transactional()) {
    return Refusal(ErrorCode::kInvalidTxnState, kNoTransactions);
  }
  return verdict;
}

void SetError(const ProduceVerdict& verdict, Answer* answer) {
  answer->error_code = kafka::ToWire(verdict.code);
  answer->base_offset = kNoOffset;
  answer->error_message = verdict.message;
  if (verdict.record_index >= 0) {
    auto& record = answer->record_errors.emplace_back();
    record.batch_index = verdict.record_index;
    record.batch_index_error_message = verdict.message;
  }
}

void SetOutcome(const storage::AppendOutcome& outcome, const storage::Log& log, Answer* answer) {
  answer->log_start_offset = log.start().value();
  if (const ErrorCode code = ToErrorCode(outcome); code != ErrorCode::kNone) {
    SetError(Refusal(code, DescribeOutcome(outcome)), answer);
    return;
  }
  answer->base_offset = outcome.base_offset.value();
  answer->log_append_time_ms = outcome.log_append_time_ms;
}

// One request at work. Lives in the handler's coroutine.
class Producing {
 public:
  Producing(const Request& request, Call& call)
      : request_(request),
        call_(call),
        now_ms_(call.services.clock.NowMs()),
        refusal_(CheckRequest(request)) {}

  asio::awaitable<void> AppendAll() {
    for (const auto& asked : request_.topic_data) {
      auto& topic_answer = response_.responses.emplace_back();
      topic_answer.name = asked.name;
      topic_answer.topic_id = asked.topic_id;
      const TopicLookup& topic = topics_.emplace_back(FindTopic(asked));
      for (const auto& data : asked.partition_data) {
        Answer& answer = topic_answer.partition_responses.emplace_back();
        answer.index = data.index;
        Job job;
        if (const ProduceVerdict verdict = Prepare(data, topic, &job); !verdict.ok()) {
          SetError(verdict, &answer);
          continue;
        }
        if (job.recompress.has_value()) {
          const ProduceVerdict verdict =
              co_await OnPool(call_.services.pool, [&job, this] { return RecompressOf(&job); });
          if (!verdict.ok()) {
            SetError(verdict, &answer);
            continue;
          }
        }
        storage::AppendOutcome outcome = job.log->TryAppend(job.batch, job.context);
        if (outcome.code == storage::AppendCode::kWouldBlock) {
          outcome = co_await OnPool(call_.services.pool,
                                    [&job] { return job.log->Append(job.batch, job.context); });
        }
        SetOutcome(outcome, *job.log, &answer);
        NoteCommit(outcome, job, topic_answer);
      }
    }
  }

  void Finish() {
    if (request_.acks == kAcksNone) {
      FinishUnanswered();
    } else if (request_.acks == kAcksAll && !commits_.empty()) {
      FinishCommitted();
    } else {
      SendReply(call_.reply_to, response_, call_.slot);
    }
  }

 private:
  TopicLookup FindTopic(const Request::TopicProduceData& asked) const {
    const Catalog& catalog = call_.services.catalog;
    return call_.version() >= kTopicIdsFrom ? FindTopicById(catalog, asked.topic_id)
                                            : FindTopicByName(catalog, asked.name);
  }

  // A batch that may be appended.
  struct Job {
    Partition* partition = nullptr;
    storage::Log* log = nullptr;
    record::BatchView batch;  // In the frame, or in `changed`.
    Bytes changed;
    storage::AppendContext context;
    const TopicConfig* config = nullptr;
    std::optional<ProduceVerdict> recompress;  // What CheckBatch said, when the codec is not the topic's.
  };

  // Where it may take its time.
  ProduceVerdict RecompressOf(Job* job) const {
    Bytes changed;
    ProduceVerdict verdict = Recompress(job->batch, *job->recompress, *job->config, now_ms_, &changed);
    job->changed = std::move(changed);
    job->batch = verdict.ok() ? record::BatchView(job->changed) : record::BatchView();
    return verdict;
  }

  ProduceVerdict Prepare(const Request::PartitionProduceData& data, const TopicLookup& topic,
                         Job* job) const {
    if (!refusal_.ok()) {
      return refusal_;
    }
    const PartitionLookup found = FindPartition(topic, data.index);
    if (found.partition == nullptr) {
      return Refusal(found.error, topic.topic == nullptr ? "there is no such topic"
                                                         : absl::StrCat("topic \"", topic.topic->name,
                                                                        "\" has no partition ", data.index));
    }
    if (IsInternalTopic(topic.topic->name)) {
      return Refusal(ErrorCode::kInvalidTopicException,
                     absl::StrCat(topic.topic->name, " is the broker's own: only it writes there"));
    }
    ProduceVerdict verdict = CheckRecords(data, *topic.topic, call_, now_ms_, &job->batch);
    job->config = &topic.topic->config;
    if (verdict.ok() && NeedsRecompression(job->batch, *job->config)) {
      job->recompress = verdict;
    } else if (verdict.ok() && verdict.max_timestamp_ms.has_value()) {
      job->changed = WithMaxTimestamp(job->batch, *verdict.max_timestamp_ms);
      job->batch = record::BatchView(job->changed);
    }
    job->partition = found.partition;
    job->log = &found.partition->log();
    job->context = {.leader_epoch = found.partition->leader_epoch(), .now_ms = now_ms_};
    return verdict;
  }

  void NoteCommit(const storage::AppendOutcome& outcome, const Job& job,
                  const kafka::ProduceResponse::TopicProduceResponse& topic_answer) {
    if (topic_answer.partition_responses.back().error_code == 0) {
      commits_.push_back({.partition = job.partition,
                          .offset = outcome.next_offset,
                          .topic_index = response_.responses.size() - 1,
                          .partition_index = topic_answer.partition_responses.size() - 1});
    }
  }

  void FinishUnanswered() {
    for (const auto& topic : response_.responses) {
      for (const Answer& answer : topic.partition_responses) {
        if (answer.error_code != 0) {
          call_.slot.Close(absl::StrCat("Produce with acks=0 failed for partition ", answer.index, " of \"",
                                        topic.name, "\": ", answer.error_message.value_or("")));
          return;
        }
      }
    }
    call_.slot.SendNothing();
  }

  void FinishCommitted() {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(std::max(request_.timeout_ms, 0));
    auto pending = std::make_shared<PendingProduce>(call_.reply_to, std::move(response_), std::move(commits_),
                                                    std::move(call_.slot));
    pending->Start();
    if (!pending->finished()) {
      call_.state.produce_timeouts.Add(call_.connection.executor, deadline, pending);
    }
  }

  const Request& request_;
  Call& call_;
  const int64_t now_ms_;
  const ProduceVerdict refusal_;
  std::vector<TopicLookup> topics_;  // Keeps the partitions alive.
  kafka::ProduceResponse response_;
  std::vector<PendingProduce::Wait> commits_;
};

}  // namespace

asio::awaitable<void> HandleProduce(const Request& request, Call& call) {
  Producing producing(request, call);
  co_await producing.AppendAll();
  producing.Finish();
}

}  // namespace sluice::broker
