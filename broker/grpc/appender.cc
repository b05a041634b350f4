#include "broker/grpc/appender.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/grpc/status_map.h"
#include "broker/topic/append.h"
#include "broker/topic/produce_rules.h"
#include "proto/base/murmur2.h"
#include "proto/record/batch_builder.h"

namespace sluice::broker {
namespace {

std::optional<ByteView> ViewOf(bool present, const std::string& bytes) {
  return present ? std::optional(AsBytes(bytes)) : std::nullopt;
}

absl::Status AddRecord(const v1::Record& record, int64_t now_ms, std::vector<record::Header>* headers,
                       record::BatchBuilder* builder) {
  headers->clear();
  for (const v1::Header& header : record.headers()) {
    headers->push_back({.key = header.key(), .value = ViewOf(header.has_value(), header.value())});
  }
  const int64_t timestamp_ms = record.timestamp_ms() == 0 ? now_ms : record.timestamp_ms();
  return builder->Append(timestamp_ms, ViewOf(record.has_key(), record.key()),
                         ViewOf(record.has_value(), record.value()), *headers);
}

grpc::Status CheckRequest(const v1::AppendRequest& request) {
  if (request.records().empty()) {
    return InvalidArgument("the request holds no records: an append has at least one");
  }
  if (!record::CodecFromAttributes(static_cast<int16_t>(request.codec())) ||
      !v1::CompressionCodec_IsValid(request.codec())) {
    return InvalidArgument(
        absl::StrCat("compression codec ", static_cast<int>(request.codec()), " is not known"));
  }
  if (!v1::Acks_IsValid(request.acks())) {
    return InvalidArgument(absl::StrCat("acks ", static_cast<int>(request.acks()), " is not known"));
  }
  for (int i = 0; i < request.records_size(); ++i) {
    if (request.records(i).timestamp_ms() < 0) {
      return InvalidArgument(absl::StrCat("record ", i, " has timestamp ", request.records(i).timestamp_ms(),
                                          ": it must be milliseconds since 1970, or 0 for now"));
    }
  }
  return grpc::Status::OK;
}

}  // namespace

// What must live until the append is answered.
struct Appender::Batch {
  TopicPtr topic;
  std::shared_ptr<Partition> partition;  // Shared with the catalog, which may drop the topic meanwhile.
  Bytes bytes;
  record::BatchView view;
  int64_t now_ms = 0;
  bool wait_for_disk = true;
  v1::AppendResponse response;
  Callbacks callbacks;

  void Fail(grpc::Status status) {
    if (callbacks.on_appended) {
      callbacks.on_appended(false);
    }
    callbacks.on_done(std::move(status), {});
  }
};

Appender::~Appender() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(
      +[](int64_t* appending) { return *appending == 0; }, &appending_));
}

void Appender::Append(const v1::AppendRequest& request, Callbacks callbacks) {
  auto batch = std::make_shared<Batch>();
  batch->callbacks = std::move(callbacks);
  if (grpc::Status status = Prepare(request, batch.get()); !status.ok()) {
    batch->Fail(std::move(status));
    return;
  }
  {
    absl::MutexLock lock(&mu_);
    ++appending_;
  }
  AppendJob job = {.partition = batch->partition, .batch = batch->view, .now_ms = batch->now_ms};
  AppendBatch(std::move(job), pool_, [this, batch](const storage::AppendOutcome& outcome) {
    Appended(batch, outcome);
    absl::MutexLock lock(&mu_);
    --appending_;
  });
}

grpc::Status Appender::Prepare(const v1::AppendRequest& request, Batch* batch) {
  batch->topic = catalog_.Find(request.topic());
  if (batch->topic == nullptr) {
    return NoSuchTopic(catalog_, request.topic());
  }
  if (grpc::Status status = CheckRequest(request); !status.ok()) {
    return status;
  }
  if (grpc::Status status = ChoosePartition(request, batch); !status.ok()) {
    return status;
  }
  batch->now_ms = clock_.NowMs();
  batch->wait_for_disk = request.acks() == v1::ACKS_ALL;
  return BuildBatch(request, batch->now_ms, batch);
}

grpc::Status Appender::ChoosePartition(const v1::AppendRequest& request, Batch* batch) {
  const auto partitions = static_cast<int32_t>(batch->topic->partitions.size());
  int32_t chosen = 0;
  if (request.has_partition()) {
    chosen = request.partition();
  } else if (request.records(0).has_key()) {
    chosen = PartitionOfKey(AsBytes(request.records(0).key()), partitions);
  } else {
    chosen = static_cast<int32_t>(next_partition_.fetch_add(1, std::memory_order_relaxed) %
                                  static_cast<uint32_t>(partitions));
  }
  batch->partition = batch->topic->Share(PartitionId(chosen));
  return batch->partition == nullptr ? NoSuchPartition(*batch->topic, chosen) : grpc::Status::OK;
}

grpc::Status Appender::BuildBatch(const v1::AppendRequest& request, int64_t now_ms, Batch* batch) {
  const TopicConfig& config = batch->topic->config;
  // At once with the topic's codec, where it has one: there is nothing to compress anew.
  record::BatchBuilder builder({.codec = config.codec().value_or(static_cast<record::Codec>(request.codec())),
                                .level = config.compression_level()});
  std::vector<record::Header> headers;
  for (const v1::Record& record : request.records()) {
    if (absl::Status status = AddRecord(record, now_ms, &headers, &builder); !status.ok()) {
      return ToGrpcStatus(status);
    }
  }
  const absl::StatusOr<ByteView> built = builder.Build();
  if (!built.ok()) {
    return ToGrpcStatus(built.status());
  }
  batch->bytes = ToBytes(*built);
  const ProduceVerdict verdict = CheckBatch(batch->bytes, config, now_ms, &batch->view);
  return ToGrpcStatus(verdict.code, verdict.message);
}

void Appender::Appended(const std::shared_ptr<Batch>& batch, const storage::AppendOutcome& outcome) {
  if (outcome.code == storage::AppendCode::kClosed) {
    batch->Fail(PartitionClosed(catalog_, *batch->topic));
    return;
  }
  if (outcome.code == storage::AppendCode::kStorageError && batch->partition->offline()) {
    batch->Fail(HealthOf(*batch->partition));
    return;
  }
  if (grpc::Status status = ToGrpcStatus(outcome); !status.ok()) {
    batch->Fail(std::move(status));
    return;
  }
  batch->response.set_partition(batch->partition->id().value());
  batch->response.set_base_offset(outcome.base_offset.value());
  batch->response.set_last_offset(outcome.next_offset.value() - 1);
  batch->response.set_log_append_time_ms(outcome.log_append_time_ms);
  batch->bytes = {};  // They are in the log.
  if (batch->callbacks.on_appended) {
    batch->callbacks.on_appended(true);
  }
  if (batch->wait_for_disk) {
    AnswerWhenCommitted(batch, outcome.next_offset);
  } else {
    batch->callbacks.on_done(grpc::Status::OK, std::move(batch->response));
  }
}

void Appender::AnswerWhenCommitted(const std::shared_ptr<Batch>& batch, Offset next_offset) {
  // Called back by the flusher, who has better things to do than to write to a socket.
  batch->partition->AwaitCommitted(
      next_offset, [batch, &catalog = catalog_, &pool = pool_](const absl::Status& committed) {
        grpc::Status status;
        if (!committed.ok()) {
          const grpc::Status health = HealthOf(*batch->partition);
          status = health.ok() ? PartitionClosed(catalog, *batch->topic) : health;
        }
        pool.Post([batch, status = std::move(status)]() mutable {
          batch->callbacks.on_done(std::move(status), std::move(batch->response));
        });
      });
}

}  // namespace sluice::broker
