#include "tests/crash/churn_reader.h"

#include "proto/base/check.h"
#include "proto/kafka/gen/fetch.h"
#include "proto/record/batch_view.h"
#include "proto/record/record_iterator.h"

namespace sluice::crash {
namespace {

constexpr int16_t kVersion = 12;
constexpr int32_t kMaxWaitMs = 20;
constexpr int32_t kBytesMax = 32 << 10;

kafka::FetchRequest MakeRequest(const std::string& topic, const std::map<int32_t, int64_t>& next) {
  kafka::FetchRequest request;
  request.max_wait_ms = kMaxWaitMs;
  request.min_bytes = 1;
  request.max_bytes = kBytesMax;
  auto& asked = request.topics.emplace_back();
  asked.topic = topic;
  for (const auto& [partition, offset] : next) {
    auto& part = asked.partitions.emplace_back();
    part.partition = partition;
    part.fetch_offset = offset;
    part.partition_max_bytes = kBytesMax;
  }
  return request;
}

// A batch may begin before the offset that was asked for, and be cut at the end.
void TakeBatches(ByteView bytes, int32_t partition, int64_t begin, std::vector<ReadRecord>* records) {
  for (record::BatchParse parse = record::ParseBatch(bytes); parse.ok(); parse = record::ParseBatch(bytes)) {
    bytes = bytes.subspan(parse.batch.size_bytes());
    record::RecordIterator it(parse.batch);
    record::RecordView record;
    while (it.Next(&record)) {
      if (record.offset.value() < begin) {
        continue;
      }
      Value value = kForeignValue;
      if (!record.value || !Value::Parse(AsText(*record.value), &value)) {
        value = kForeignValue;
      }
      records->push_back({partition, record.offset.value(), value});
    }
    CHECK_OK(it.status());
  }
}

}  // namespace

asio::awaitable<bool> FetchRecords(AsyncConnection& connection, const std::string& topic,
                                   const std::map<int32_t, int64_t>& next, std::vector<ReadRecord>* records) {
  const kafka::FetchRequest request = MakeRequest(topic, next);
  const auto answer = co_await connection.Call(request, kVersion);
  if (!answer || answer->error_code != 0) {
    co_return false;
  }
  for (const auto& found : answer->responses) {
    for (const auto& partition : found.partitions) {
      if (partition.error_code != 0) {
        co_return false;
      }
      if (partition.records) {
        TakeBatches(partition.records->bytes, partition.partition_index, next.at(partition.partition_index),
                    records);
      }
    }
  }
  co_return true;
}

}  // namespace sluice::crash
