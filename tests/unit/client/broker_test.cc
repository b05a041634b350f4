// The client against a real Sluice broker in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "sluice/client.h"
#include "sluice/errors.h"
#include "tests/support/test_broker.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class ClientAgainstBrokerTest : public ::testing::Test {
 protected:
  ClientAgainstBrokerTest() {
    client_ = *Client::Connect({.bootstrap = absl::StrCat("127.0.0.1:", broker_.port())});
  }

  std::vector<std::string> ReadAll(const std::string& topic, size_t count) {
    const auto consumer = *client_->NewConsumer();
    CHECK_OK(consumer->AssignTopic(topic, Position::Beginning()));
    std::vector<std::string> values;
    while (values.size() < count) {
      const auto records = consumer->Poll(10s);
      CHECK_OK(records.status());
      if (records->empty()) {
        break;
      }
      for (const RecordView& record : *records) {
        values.emplace_back(TextOf(*record.value));
      }
    }
    return values;
  }

  TestBroker broker_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientAgainstBrokerTest, EveryCodecGoesInAndComesOut) {
  for (const Compression codec : {Compression::kNone, Compression::kGzip, Compression::kSnappy,
                                  Compression::kLz4, Compression::kZstd}) {
    const std::string topic = absl::StrCat("codec", static_cast<int>(codec));
    ASSERT_TRUE(client_->admin().CreateTopic({.name = topic, .partitions = 1}).ok());
    const auto producer = *client_->NewProducer({.compression = codec});
    std::vector<std::string> sent;
    for (int i = 0; i < 1000; ++i) {
      sent.push_back(absl::StrCat("value ", i));
      ASSERT_TRUE(producer->Send({.topic = topic, .value = BytesOf(sent.back())}).ok());
    }
    ASSERT_TRUE(producer->Flush(20s).ok());
    EXPECT_EQ(ReadAll(topic, sent.size()), sent);
  }
}

TEST_F(ClientAgainstBrokerTest, TailedRecordsArriveWhileTheyAreWritten) {
  broker_.CreateTopic("live", 3);
  const auto consumer = *client_->NewConsumer();
  ASSERT_TRUE(consumer->AssignTopic("live", Position::End()).ok());
  constexpr int kCount = 3000;
  std::thread writer([&] {
    const auto producer = *client_->NewProducer({.linger = 0ms});
    for (int i = 0; i < kCount; ++i) {
      CHECK_OK(producer->Send({.topic = "live", .partition = i % 3, .value = BytesOf("x")}));
    }
    CHECK_OK(producer->Flush(20s));
  });
  int64_t next[3] = {0, 0, 0};
  int seen = 0;
  while (seen < kCount) {
    const auto records = consumer->Poll(10s);
    ASSERT_TRUE(records.ok()) << records.status();
    ASSERT_FALSE(records->empty());
    for (const RecordView& record : *records) {
      ASSERT_EQ(record.offset, next[record.partition]++);
      ++seen;
    }
  }
  writer.join();
}

TEST_F(ClientAgainstBrokerTest, AdminDoesItsRound) {
  Admin& admin = client_->admin();
  ASSERT_TRUE(admin.CreateTopic({.name = "t", .partitions = 2, .configs = {{"retention.ms", "1000"}}}).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(admin.CreateTopic({.name = "t"})));
  EXPECT_EQ(admin.DescribeTopic("t")->partitions.size(), 2u);
  ASSERT_TRUE(admin.AddPartitions("t", 3).ok());
  EXPECT_EQ(admin.DescribeTopic("t")->partitions.size(), 3u);
  const ConfigResource resource{.type = ConfigResourceType::kTopic, .name = "t"};
  ASSERT_TRUE(admin.AlterConfigs(resource, {{.name = "retention.ms", .value = "2000"}}).ok());
  const auto configs = admin.DescribeConfigs(resource);
  ASSERT_TRUE(configs.ok()) << configs.status();
  const auto retention = std::find_if(configs->begin(), configs->end(),
                                      [](const auto& entry) { return entry.name == "retention.ms"; });
  ASSERT_NE(retention, configs->end());
  EXPECT_EQ(retention->value, "2000");
  EXPECT_EQ(retention->source, ConfigEntry::Source::kTopic);
  const auto cluster = admin.DescribeCluster();
  ASSERT_TRUE(cluster.ok());
  EXPECT_EQ(cluster->brokers.size(), 1u);
  EXPECT_FALSE(cluster->cluster_id.empty());
  ASSERT_TRUE(admin.DeleteTopic("t").ok());
  EXPECT_TRUE(absl::IsNotFound(admin.DescribeTopic("t").status()));
  EXPECT_TRUE(absl::IsNotFound(admin.DeleteTopic("t")));
}

TEST_F(ClientAgainstBrokerTest, OffsetsAreFoundByWhatTheyMean) {
  broker_.CreateTopic("t", 1);
  const auto producer = *client_->NewProducer();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(
        producer->Send({.topic = "t", .value = BytesOf("x"), .timestamp_ms = 1'700'000'000'000 + i}).ok());
  }
  ASSERT_TRUE(producer->Flush(10s).ok());
  const auto offsets = client_->admin().ListOffsets({{"t", 0, Position::Beginning()},
                                                     {"t", 0, Position::End()},
                                                     {"t", 0, Position::Tail(4)},
                                                     {"t", 0, Position::SinceMs(1'700'000'000'007)},
                                                     {"absent", 0, Position::End()}});
  ASSERT_TRUE(offsets.ok());
  EXPECT_EQ((*offsets)[0].offset, 0);
  EXPECT_EQ((*offsets)[1].offset, 10);
  EXPECT_EQ((*offsets)[2].offset, 6);
  EXPECT_EQ((*offsets)[3].offset, 7);
  EXPECT_TRUE(absl::IsNotFound((*offsets)[4].status));
}

TEST_F(ClientAgainstBrokerTest, BrokersErrorNamesItsReason) {
  const absl::Status status =
      client_->admin().CreateTopic({.name = "t", .partitions = 1, .configs = {{"retention.ms", "soon"}}});
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(KafkaErrorCode(status), 40);
  EXPECT_THAT(std::string(status.message()), HasSubstr("retention.ms"));
}

TEST_F(ClientAgainstBrokerTest, DeletedRecordsAreGone) {
  broker_.CreateTopic("cut", 2);
  const auto producer = *client_->NewProducer();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(producer->Send({.topic = "cut", .partition = i % 2, .value = BytesOf("x")}).ok());
  }
  ASSERT_TRUE(producer->Flush(20s).ok());
  Admin& admin = client_->admin();
  const auto deleted = admin.DeleteRecords({{"cut", 1, 2}, {"cut", 0, -1}, {"cut", 7, 0}, {"nowhere", 0, 0}});
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  ASSERT_EQ(deleted->size(), 4u);
  EXPECT_TRUE((*deleted)[0].status.ok()) << (*deleted)[0].status;
  EXPECT_EQ((*deleted)[0].low_watermark, 2);
  EXPECT_EQ((*deleted)[1].low_watermark, 5);
  EXPECT_TRUE(absl::IsNotFound((*deleted)[2].status)) << (*deleted)[2].status;
  EXPECT_TRUE(absl::IsNotFound((*deleted)[3].status)) << (*deleted)[3].status;
  const auto offsets =
      *admin.ListOffsets({{"cut", 0, Position::Beginning()}, {"cut", 1, Position::Beginning()}});
  EXPECT_EQ(offsets[0].offset, 5);
  EXPECT_EQ(offsets[1].offset, 2);

  const auto beyond = admin.DeleteRecords({{"cut", 1, 6}});
  EXPECT_TRUE(absl::IsOutOfRange(beyond->front().status)) << beyond->front().status;
  EXPECT_THAT(std::string(beyond->front().status.message()), HasSubstr("cut-1"));
  EXPECT_TRUE(absl::IsInvalidArgument(admin.DeleteRecords({{"cut", 1, 2}, {"cut", 1, 3}}).status()));
}

// A producer whose batches are larger than its topic allows.
class SplitTest : public ClientAgainstBrokerTest {
 protected:
  SplitTest() { broker_.CreateTopic("small", 1, {{"max.message.bytes", "1000"}}); }

  // Each record's answer names the place where the record then is.
  void SendAndExpectAll(ProducerOptions options) {
    constexpr int kCount = 500;
    std::vector<std::string> sent;
    std::vector<int64_t> offsets(kCount, -1);
    {
      const auto producer = *client_->NewProducer(options);
      for (int i = 0; i < kCount; ++i) {
        sent.push_back(absl::StrCat("record ", i, std::string(static_cast<size_t>(i % 90), 'x')));
        CHECK_OK(producer->Send({.topic = "small", .value = BytesOf(sent.back())},
                                [&offsets, i](const absl::StatusOr<Delivery>& delivery) {
                                  CHECK_OK(delivery.status());
                                  offsets[static_cast<size_t>(i)] = delivery->offset;
                                }));
      }
      ASSERT_TRUE(producer->Flush(30s).ok());
      EXPECT_GT(producer->stats().batches_split, 0u);
      EXPECT_EQ(producer->stats().records_acked, static_cast<uint64_t>(kCount));
      EXPECT_EQ(producer->stats().buffered_bytes, 0u);
    }
    EXPECT_EQ(ReadAll("small", kCount), sent);
    for (int i = 0; i < kCount; ++i) {
      ASSERT_EQ(offsets[static_cast<size_t>(i)], i);
    }
    EXPECT_EQ(broker_.log("small").end().value(), kCount) << "nothing twice";
  }
};

TEST_F(SplitTest, IdempotentBatchesThatAreTooLargeAreSplitAndKeepTheirOrder) {
  SendAndExpectAll({.batch_bytes = 8000, .linger = 5ms});
}

TEST_F(SplitTest, CompressedBatchesToo) {
  SendAndExpectAll({.batch_bytes = 16000, .linger = 5ms, .compression = Compression::kLz4});
}

TEST_F(SplitTest, PlainProducersWithOneRequestAheadKeepTheirOrderToo) {
  SendAndExpectAll({.idempotent = false, .batch_bytes = 8000, .linger = 5ms, .in_flight_max = 1});
}

TEST_F(SplitTest, OneRecordThatIsTooLargeFailsAloneAndHeadersSurvive) {
  const auto producer = *client_->NewProducer({.batch_bytes = 16000, .linger = 100ms});
  const std::vector<MessageHeader> headers = {{"trace", BytesOf("1")}, {"none", std::nullopt}};
  std::vector<std::string> failed;
  const auto send = [&](const std::string& value) {
    CHECK_OK(producer->Send({.topic = "small", .key = BytesOf("key"), .value = BytesOf(value), .headers = headers},
                            [&failed, value](const absl::StatusOr<Delivery>& delivery) {
                              if (!delivery.ok()) {
                                EXPECT_EQ(KafkaErrorCode(delivery.status()), 10);
                                failed.push_back(value.substr(0, 3));
                              }
                            }));
  };
  send("first");
  send("big" + std::string(3000, 'x'));
  send("second");
  send("third");
  EXPECT_EQ(KafkaErrorCode(producer->Flush(30s)), 10);
  EXPECT_THAT(failed, ElementsAre("big"));
  const auto consumer = *client_->NewConsumer();
  CHECK_OK(consumer->AssignTopic("small", Position::Beginning()));
  std::vector<std::string> values;
  while (values.size() < 3) {
    const auto records = consumer->Poll(10s);
    ASSERT_TRUE(records.ok());
    ASSERT_FALSE(records->empty());
    for (const RecordView& record : *records) {
      values.emplace_back(TextOf(*record.value));
      EXPECT_EQ(TextOf(*record.key), "key");
      EXPECT_EQ(record.headers.size(), 2u);
    }
  }
  EXPECT_THAT(values, ElementsAre("first", "second", "third"));
}

}  // namespace
}  // namespace sluice
