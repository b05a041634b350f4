// Nothing that a client sends stops the broker, or changes a log that it should not.
#include <gmock/gmock.h>

#include <functional>

#include "broker/kafka/api_table.h"
#include "proto/kafka/gen/all_messages.h"
#include "proto/record/batch_patch.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"
#include "tests/unit/kafka_wire/random_messages.h"
#include "tests/unit/kafka_wire/randomizer.h"

namespace sluice {
namespace {

class HostileTest : public KafkaTest {
 protected:
  HostileTest() { broker_.CreateTopic("orders"); }

  void ExpectAlive() {
    RawClient client = broker_.Connect();
    const auto response = client.Call(MakeFetch("orders"), kFetchByName);
    EXPECT_EQ(Name(OnlyPartition(response).error_code), "NONE");
  }
  // Their bodies were empty before version 3: whatever comes is behind them.
  static bool HasBody(int16_t key, int16_t version) {
    return version >= 3 ||
           (key != kafka::ListGroupsRequest::kApiKey && key != kafka::ApiVersionsRequest::kApiKey);
  }
  static kafka::WireWriter Header(int16_t key, int16_t version) {
    kafka::WireWriter out;
    kafka::RequestHeader header;
    header.api_key = key;
    header.api_version = version;
    header.correlation_id = 1;
    header.client_id = "hostile";
    kafka::EncodeRequestHeader(out, header);
    return out;
  }
};

TEST_F(HostileTest, BodyThatIsNoneClosesTheConnectionForEveryKeyAndVersion) {
  for (const broker::ApiRow& row : broker::ApiTable()) {
    for (int16_t version = row.min_version; version <= row.max_version; ++version) {
      kafka::WireWriter frame = Header(static_cast<int16_t>(row.key), version);
      for (int i = 0; i < 40; ++i) {
        frame.WriteInt8(-3);  // Negative lengths, huge counts, endless varints.
      }
      RawClient client = broker_.Connect();
      client.SendFrame(frame.buffer());
      EXPECT_EQ(client.IsClosedByPeer(), HasBody(static_cast<int16_t>(row.key), version))
          << static_cast<int16_t>(row.key) << " version " << version;
    }
  }
  ExpectAlive();
}

// librdkafka writes the list of all topics as one byte and leaves the three others of its usual length behind
// it (its issue 5049). Kafka reads what it knows and no further.
TEST_F(HostileTest, BytesBehindTheBodyAreNotRead) {
  kafka::MetadataRequest all;
  all.topics = std::nullopt;
  for (int16_t version = 9; version <= 13; ++version) {
    kafka::WireWriter frame = Header(kafka::MetadataRequest::kApiKey, version);
    all.Encode(frame, version);
    for (int i = 0; i < 3; ++i) {
      frame.WriteInt8(0);
    }
    RawClient client = broker_.Connect();
    client.SendFrame(frame.buffer());
    const std::optional<ByteView> answer = client.ReceiveFrame();
    ASSERT_TRUE(answer.has_value()) << version;
    kafka::WireReader in(*answer);
    int32_t correlation_id = 0;
    kafka::DecodeResponseHeader(in, kafka::MetadataRequest::kApiKey, version, &correlation_id);
    kafka::MetadataResponse response;
    response.Decode(in, version);
    ASSERT_TRUE(in.ok()) << version;
    ASSERT_EQ(response.topics.size(), 1u) << version;
    EXPECT_EQ(response.topics[0].name, "orders");
  }
  ExpectAlive();
}

TEST_F(HostileTest, UnknownKeysAndVersionsCloseTheConnection) {
  const std::vector<std::pair<int16_t, int16_t>> unknown = {
      {0, 2},  {0, 14}, {1, 3},  {1, 19},        {3, -1}, {22, 6}, {4, 0},  {8, 2},
      {36, 0}, {-1, 0}, {95, 0}, {32767, 32767}, {60, 3}, {19, 1}, {20, 0}, {23, 1}};
  for (const auto& [key, version] : unknown) {
    RawClient client = broker_.Connect();
    client.SendFrame(Header(key, version).buffer());
    EXPECT_TRUE(client.IsClosedByPeer()) << key << " version " << version;
  }
  ExpectAlive();
}

TEST_F(HostileTest, HeaderThatIsCutClosesTheConnection) {
  const kafka::WireWriter whole = Header(3, 12);
  for (size_t size = 1; size < whole.buffer().size(); ++size) {
    RawClient client = broker_.Connect();
    client.SendFrame(whole.buffer().first(size));
    EXPECT_TRUE(client.IsClosedByPeer()) << size << " bytes";
  }
  ExpectAlive();
}

TEST_F(HostileTest, RequestsBeforeAMalformedOneAreStillAnswered) {
  client_.Send(MakeProduce("orders", MakeBatch({"good"})), kProduceByName);
  client_.SendFrame(Header(9999, 0).buffer());
  EXPECT_EQ(OnlyPartition(client_.Receive<kafka::ProduceResponse>()).base_offset, 0);
  EXPECT_TRUE(client_.IsClosedByPeer());
}

// Twice sluice.partitions.max, and 10,000 at least.
TEST(ManyElementsTest, RequestThatNamesMorePartitionsThanThereCanBeIsRefusedBeforeItTakesMemory) {
  TestBroker broker({.configs = {{"sluice.partitions.max", "6000"}}});
  broker.CreateTopic("orders");
  kafka::FetchRequest request = MakeFetch("orders");
  auto& partitions = request.topics[0].partitions;
  partitions.resize(11'999, partitions[0]);  // And one topic.
  RawClient client = broker.Connect();
  EXPECT_EQ(client.Call(request, kFetchByName).responses[0].partitions.size(), 11'999u);
  partitions.push_back(partitions[0]);
  client.SendUnanswered(request, kFetchByName);
  EXPECT_TRUE(client.IsClosedByPeer());
  broker.Restart();  // The peer may see the end before it is logged.
  EXPECT_THAT(broker.log_lines(), testing::Contains(testing::HasSubstr("array of 12000 elements")));
}

// Well-formed nonsense: every field any value that its type allows.
TEST_F(HostileTest, RandomRequestsOfEveryKeyAndVersionLeaveTheBrokerAlive) {
  constexpr int kRounds = 12;
  kafka::Randomizer randomizer(20240611);
  kafka::VisitMessages([&](auto type) {
    using Message = typename decltype(type)::type;
    if constexpr (requires { typename Message::Response; }) {
      const broker::ApiRow* row = broker::FindApiRow(Message::kApiKey);
      if (row == nullptr) {
        return;
      }
      for (int16_t version = row->min_version; version <= row->max_version; ++version) {
        for (int round = 0; round < kRounds; ++round) {
          Message message;
          kafka::Randomize(randomizer, version, &message);
          if constexpr (requires { message.max_wait_ms; }) {
            message.max_wait_ms = 0;
          }
          RawClient client = broker_.Connect();
          client.SendUnanswered(message, version);
          client.FinishSending();
          // An answer, or a close: some random requests ask for none (acks=0).
          client.ReceiveFrame();
        }
      }
    }
  });
  ExpectAlive();
  // A handler that fails, or an answer that its version cannot carry, is a bug of ours.
  EXPECT_THAT(broker_.log_lines(), testing::Each(testing::Not(testing::AnyOf(
                                       testing::HasSubstr("cannot encode"), testing::HasSubstr("failed: "),
                                       testing::HasSubstr("malformed")))));
}

// One field of a good batch changed, the CRC made right again where that is not the point.
struct Mutation {
  std::string name;
  std::function<void(Bytes*)> change;
  std::string code;
};

template <class T>
std::function<void(Bytes*)> Store(size_t at, T value) {
  return [at, value](Bytes* batch) {
    StoreBigEndian<T>(batch->data() + at, value);
    if (at >= record::kCrcCoversFrom) {
      record::RefreshCrc(*batch);
    }
  };
}

std::vector<Mutation> Mutations() {
  using namespace record;  // NOLINT: the names of the fields.
  return {
      {"length below a header", Store<int32_t>(kLengthAt, 10), "CORRUPT_MESSAGE"},
      {"length beyond the bytes", Store<int32_t>(kLengthAt, 1 << 20), "CORRUPT_MESSAGE"},
      {"negative length", Store<int32_t>(kLengthAt, -1), "CORRUPT_MESSAGE"},
      {"older magic", Store<int8_t>(kMagicAt, 1), "UNSUPPORTED_FOR_MESSAGE_FORMAT"},
      {"CRC", Store<int32_t>(kCrcAt, 12345), "CORRUPT_MESSAGE"},
      {"control batch", Store<int16_t>(kAttributesAt, kControlBit), "INVALID_RECORD"},
      {"unknown attribute", Store<int16_t>(kAttributesAt, 1 << 9), "INVALID_RECORD"},
      {"unknown codec", Store<int16_t>(kAttributesAt, 7), "UNSUPPORTED_COMPRESSION_TYPE"},
      {"last offset delta too small", Store<int32_t>(kLastOffsetDeltaAt, 0), "INVALID_RECORD"},
      {"last offset delta too large", Store<int32_t>(kLastOffsetDeltaAt, 1000), "INVALID_RECORD"},
      {"no records", Store<int32_t>(kRecordCountAt, 0), "INVALID_RECORD"},
      {"negative record count", Store<int32_t>(kRecordCountAt, -1), "INVALID_RECORD"},
      {"too many records", Store<int32_t>(kRecordCountAt, 1'000'000), "INVALID_RECORD"},
      {"producer without sequence", Store<int64_t>(kProducerIdAt, 5), "INVALID_RECORD"},
      {"far future",
       [](Bytes* batch) {
         StoreBigEndian<int64_t>(batch->data() + kBaseTimestampAt, int64_t{1} << 60);
         StoreBigEndian<int64_t>(batch->data() + kMaxTimestampAt, (int64_t{1} << 60) + 2);
         RefreshCrc(*batch);
       },
       "INVALID_TIMESTAMP"},
      {"record length",
       [](Bytes* batch) {
         (*batch)[kHeaderSize] = std::byte{0x7e};
         RefreshCrc(*batch);
       },
       "INVALID_RECORD"},
      {"two batches",
       [](Bytes* batch) {
         const Bytes copy = *batch;
         batch->insert(batch->end(), copy.begin(), copy.end());
       },
       "INVALID_RECORD"},
      {"a byte missing", [](Bytes* batch) { batch->pop_back(); }, "CORRUPT_MESSAGE"},
      {"too large", [](Bytes* batch) { *batch = MakeBatch({std::string(2 << 20, 'x')}); },
       "MESSAGE_TOO_LARGE"},
  };
}

TEST_F(HostileTest, EveryDamagedBatchIsRefusedAndTheLogUnchanged) {
  Produce("orders", {"before"});
  const uint64_t size_before = broker_.log("orders").size_bytes();
  for (const Mutation& mutation : Mutations()) {
    Bytes batch = MakeBatch({"a", "b", "c"});
    mutation.change(&batch);
    for (const int16_t version : {int16_t{3}, int16_t{12}}) {
      const auto response = client_.Call(MakeProduce("orders", batch), version);
      const auto& answer = OnlyPartition(response);
      EXPECT_EQ(Name(answer.error_code), mutation.code) << mutation.name;
      EXPECT_EQ(answer.base_offset, -1) << mutation.name;
      if (version >= 8) {
        EXPECT_NE(answer.error_message.value_or(""), "") << mutation.name;
      }
    }
    EXPECT_EQ(broker_.log("orders").end().value(), 1) << mutation.name;
    EXPECT_EQ(broker_.log("orders").size_bytes(), size_before) << mutation.name;
  }
  EXPECT_EQ(Produce("orders", {"after"}), 1);
  EXPECT_THAT(Fetch("orders"), testing::ElementsAre("before", "after"));
}

TEST_F(HostileTest, ZstdIsRefusedBeforeVersion7) {
  const Bytes batch = MakeBatch({std::string(1000, 'x')}, {.codec = record::Codec::kZstd});
  EXPECT_EQ(Name(OnlyPartition(client_.Call(MakeProduce("orders", batch), 6)).error_code),
            "UNSUPPORTED_COMPRESSION_TYPE");
  EXPECT_EQ(Name(OnlyPartition(client_.Call(MakeProduce("orders", batch), 7)).error_code), "NONE");
}

}  // namespace
}  // namespace sluice
