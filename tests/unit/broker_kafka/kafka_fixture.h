// A broker, a client, and requests with the usual things in them. A request is a view of its batches: they
// must outlive it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/kafka/error_code.h"
#include "proto/kafka/gen/fetch.h"
#include "proto/kafka/gen/produce.h"
#include "proto/record/batch_builder.h"
#include "proto/record/batch_format.h"
#include "proto/record/batch_view.h"
#include "proto/record/record_iterator.h"
#include "tests/support/raw_client.h"
#include "tests/support/test_broker.h"

namespace sluice {

inline constexpr int16_t kFetchByName = 12;  // The last version that names topics.
inline constexpr int16_t kProduceByName = 12;

// Records with `values`, timestamps counting up from now, as a producer would send them.
inline Bytes MakeBatch(const std::vector<std::string>& values, const record::BatchOptions& options = {}) {
  record::BatchBuilder builder(options);
  int64_t timestamp_ms = Clock::System().NowMs();
  for (const std::string& value : values) {
    CHECK_OK(builder.Append(timestamp_ms++, AsBytes("key"), AsBytes(value)));
  }
  const absl::StatusOr<ByteView> batch = builder.Build();
  CHECK_OK(batch.status());
  return ToBytes(*batch);
}

// The values of all records in what a fetch returned.
inline std::vector<std::string> ValuesOf(ByteView records) {
  std::vector<std::string> values;
  while (!records.empty()) {
    const record::BatchParse parse = record::ParseBatch(records);
    EXPECT_TRUE(parse.ok());
    if (!parse.ok()) {
      break;
    }
    EXPECT_TRUE(record::CrcMatches(parse.batch));
    record::RecordIterator records_of_batch(parse.batch);
    record::RecordView record;
    while (records_of_batch.Next(&record)) {
      values.push_back(record.value.has_value() ? std::string(AsText(*record.value)) : "(null)");
    }
    records = records.subspan(parse.batch.size_bytes());
  }
  return values;
}

inline kafka::ProduceRequest MakeProduce(const std::string& topic, ByteView batch, int16_t acks = -1,
                                         int32_t partition = 0) {
  kafka::ProduceRequest request;
  request.acks = acks;
  request.timeout_ms = 10'000;
  auto& asked = request.topic_data.emplace_back();
  asked.name = topic;
  auto& data = asked.partition_data.emplace_back();
  data.index = partition;
  data.records = kafka::Records{.bytes = batch};
  return request;
}

struct FetchSpec {
  int64_t offset = 0;
  int32_t partition = 0;
  int32_t max_wait_ms = 0;
  int32_t min_bytes = 1;
  int32_t max_bytes = 1 << 20;
  int32_t partition_max_bytes = 1 << 20;
};

inline kafka::FetchRequest MakeFetch(const std::string& topic, const FetchSpec& spec = {}) {
  kafka::FetchRequest request;
  request.max_wait_ms = spec.max_wait_ms;
  request.min_bytes = spec.min_bytes;
  request.max_bytes = spec.max_bytes;
  auto& asked = request.topics.emplace_back();
  asked.topic = topic;
  auto& partition = asked.partitions.emplace_back();
  partition.partition = spec.partition;
  partition.fetch_offset = spec.offset;
  partition.partition_max_bytes = spec.partition_max_bytes;
  return request;
}

inline const auto& OnlyPartition(const kafka::ProduceResponse& response) {
  CHECK_EQ(response.responses.size(), 1u);
  CHECK_EQ(response.responses[0].partition_responses.size(), 1u);
  return response.responses[0].partition_responses[0];
}
inline const auto& OnlyPartition(const kafka::FetchResponse& response) {
  CHECK_EQ(response.responses.size(), 1u);
  CHECK_EQ(response.responses[0].partitions.size(), 1u);
  return response.responses[0].partitions[0];
}

inline std::string Name(int16_t error_code) {
  return std::string(kafka::ErrorName(static_cast<kafka::ErrorCode>(error_code)));
}

class KafkaTest : public testing::Test {
 protected:
  explicit KafkaTest(TestBroker::Options options = {})
      : broker_(std::move(options)), client_(broker_.Connect()) {}

  // The base offset.
  int64_t Produce(const std::string& topic, ByteView batch, int32_t partition = 0) {
    const auto response = client_.Call(MakeProduce(topic, batch, -1, partition), kProduceByName);
    const auto& answer = OnlyPartition(response);
    EXPECT_EQ(Name(answer.error_code), "NONE") << answer.error_message.value_or("");
    return answer.base_offset;
  }
  int64_t Produce(const std::string& topic, const std::vector<std::string>& values, int32_t partition = 0) {
    return Produce(topic, MakeBatch(values), partition);
  }
  std::vector<std::string> Fetch(const std::string& topic, const FetchSpec& spec = {}) {
    const auto response = client_.Call(MakeFetch(topic, spec), kFetchByName);
    const auto& answer = OnlyPartition(response);
    EXPECT_EQ(Name(answer.error_code), "NONE");
    return ValuesOf(answer.records->bytes);
  }

  TestBroker broker_;
  RawClient client_;
};

}  // namespace sluice
