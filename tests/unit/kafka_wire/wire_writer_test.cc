// Frames, external records, tagged fields, and what a version cannot carry.
#include "proto/kafka/wire_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/kafka/gen/fetch.h"
#include "proto/kafka/gen/find_coordinator.h"
#include "proto/kafka/gen/metadata.h"
#include "proto/kafka/gen/produce.h"
#include "proto/kafka/wire_reader.h"

namespace sluice::kafka {
namespace {

using testing::HasSubstr;

// A response whose partitions hold these records.
FetchResponse FetchOf(const std::vector<Records>& records) {
  FetchResponse response;
  auto& topic = response.responses.emplace_back();
  topic.topic = "t";
  for (const Records& r : records) {
    auto& partition = topic.partitions.emplace_back();
    partition.partition_index = static_cast<int32_t>(topic.partitions.size()) - 1;
    partition.records = r;
  }
  return response;
}

// What goes over the socket: the buffer with each cut filled by `size` bytes of the letter 'a' + external_id.
Bytes Spliced(const WireWriter& out) {
  Bytes all;
  size_t from = 0;
  for (const WireWriter::Cut& cut : out.cuts()) {
    const ByteView piece = out.buffer().subspan(from, cut.position - from);
    all.insert(all.end(), piece.begin(), piece.end());
    all.insert(all.end(), cut.size, static_cast<std::byte>('a' + cut.external_id));
    from = cut.position;
  }
  const ByteView rest = out.buffer().subspan(from);
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

class ExternalRecordsTest : public testing::TestWithParam<int16_t> {};

TEST_P(ExternalRecordsTest, SplicedFrameIsTheFrameOfTheSameBytesInMemory) {
  const Bytes a(300, std::byte{'a'});
  const Bytes b(5, std::byte{'b'});
  WireWriter in_memory = WireWriter::Framed();
  FetchOf({{.bytes = a}, {}, {.bytes = b}}).Encode(in_memory, GetParam());
  in_memory.FinishFrame();
  WireWriter external = WireWriter::Framed();
  FetchOf({{.external_size = 300, .external_id = 0}, {}, {.external_size = 5, .external_id = 1}})
      .Encode(external, GetParam());
  external.FinishFrame();

  ASSERT_TRUE(external.ok()) << external.error();
  ASSERT_EQ(external.cuts().size(), 2u);
  EXPECT_EQ(external.total_size(), in_memory.buffer().size());
  EXPECT_EQ(external.buffer().size() + 305, in_memory.buffer().size());
  EXPECT_EQ(Spliced(external), ToBytes(in_memory.buffer()));
}

INSTANTIATE_TEST_SUITE_P(ClassicAndFlexible, ExternalRecordsTest, testing::Values(4, 11, 12, 18));

TEST(WireWriterTest, FrameLengthCountsExternalBytes) {
  WireWriter out = WireWriter::Framed();
  FetchOf({{.external_size = 1000, .external_id = 3}}).Encode(out, 4);
  out.FinishFrame();
  WireReader in(out.buffer());
  EXPECT_EQ(static_cast<uint64_t>(in.ReadInt32()) + 4, out.total_size());
  EXPECT_EQ(out.cuts().front().external_id, 3u);
}

TEST(WireWriterTest, FrameBeyondTwoGigabytesIsAnError) {
  WireWriter out = WireWriter::Framed();
  FetchOf({{.external_size = 1u << 30, .external_id = 0}, {.external_size = 1u << 30, .external_id = 1}})
      .Encode(out, 4);
  out.FinishFrame();
  EXPECT_THAT(std::string(out.error()), HasSubstr("frame of"));
}

TEST(WireWriterTest, LongTaggedFieldGetsALongerSize) {
  WireWriter out;
  out.WriteInt8(1);
  const size_t begin = out.BeginTag(5);
  const Bytes payload(300, std::byte{7});
  out.WriteBytes(payload, /*flexible=*/true);
  out.EndTag(begin);
  out.WriteInt8(2);

  WireReader in(out.buffer());
  EXPECT_EQ(in.ReadInt8(), 1);
  EXPECT_EQ(in.ReadUvarint(), 5u);
  EXPECT_EQ(in.ReadUvarint(), 302u);
  EXPECT_TRUE(std::ranges::equal(in.ReadBytes(true), payload));
  EXPECT_EQ(in.ReadInt8(), 2);
  EXPECT_EQ(in.remaining(), 0u);
}

TEST(WireWriterTest, TaggedFieldsAreWrittenOnlyWhenNotDefault) {
  ProduceResponse response;
  response.responses.emplace_back().partition_responses.emplace_back();
  WireWriter without;
  response.Encode(without, 10);
  response.responses[0].partition_responses[0].current_leader.leader_id = 5;
  WireWriter with;
  response.Encode(with, 10);
  // Tag, size, two int32, and the tag section of the inner structure.
  EXPECT_EQ(with.buffer().size(), without.buffer().size() + 2 + 8 + 1);
}

TEST(WireWriterTest, StringLongerThanKafkaAllowsIsAnError) {
  for (const bool flexible : {false, true}) {
    WireWriter out;
    out.WriteString(std::string(32767, 'x'), flexible);
    EXPECT_TRUE(out.ok());
    out.WriteString(std::string(32768, 'x'), flexible);
    EXPECT_THAT(std::string(out.error()), HasSubstr("string of 32768 bytes"));
  }
}

TEST(VersionTest, FieldThatTheVersionLacksIsDroppedWhereTheSchemaAllows) {
  MetadataResponse response;
  response.cluster_id = "c";  // From version 2, ignorable.
  WireWriter out;
  response.Encode(out, 1);
  ASSERT_TRUE(out.ok()) << out.error();
  WireReader in(out.buffer());
  response.Decode(in, 1);
  EXPECT_EQ(response.cluster_id, std::nullopt);
}

TEST(VersionTest, FieldThatTheVersionLacksIsAnErrorOtherwise) {
  FindCoordinatorRequest request;
  request.coordinator_keys = {"g"};
  WireWriter out;
  request.Encode(out, 3);
  EXPECT_EQ(out.error(), "FindCoordinatorRequest: coordinator_keys is set, which this version cannot carry");
}

TEST(VersionTest, NullThatTheVersionLacksIsAnErrorBothWays) {
  MetadataRequest all_topics;
  ASSERT_EQ(all_topics.topics, std::nullopt);
  WireWriter version_1;
  all_topics.Encode(version_1, 1);
  EXPECT_TRUE(version_1.ok());
  WireWriter version_0;
  all_topics.Encode(version_0, 0);
  EXPECT_THAT(std::string(version_0.error()), HasSubstr("topics is null"));

  WireReader in(version_1.buffer());
  MetadataRequest decoded;
  decoded.Decode(in, 0);
  EXPECT_THAT(std::string(in.error()), HasSubstr("topics is null"));
}

TEST(DebugTextTest, ShowsEveryFieldOnOneLine) {
  ProduceRequest request;
  request.acks = -1;
  request.timeout_ms = 1500;
  auto& topic = request.topic_data.emplace_back();
  topic.name = "a\"b";
  topic.partition_data.emplace_back().records = Records{.external_size = 9, .external_id = 2};
  EXPECT_EQ(request.DebugText(),
            "ProduceRequest{transactional_id: null, acks: -1, timeout_ms: 1500, topic_data: "
            "[TopicProduceData{name: "
            "\"a\\\"b\", topic_id: AAAAAAAAAAAAAAAAAAAAAA, partition_data: [PartitionProduceData{index: 0, "
            "records: "
            "0 bytes and 9 external bytes as 2}]}]}");
}

}  // namespace
}  // namespace sluice::kafka
