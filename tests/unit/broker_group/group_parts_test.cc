// The small parts: where a group's records go, and their bytes.
#include "absl/strings/escaping.h"
#include "broker/group/core/consumer_subscription.h"
#include "broker/group/group_partition.h"
#include "broker/group/group_records.h"
#include "gtest/gtest.h"

namespace sluice::broker {
namespace {

std::string Hex(const Bytes& bytes) {
  return absl::BytesToHexString(AsText(bytes));
}

// Of Java's String.hashCode: "shop" 3529462, "test-group" -1924459166, "" 0, "polygenelubricants"
// Integer.MIN_VALUE.
TEST(GroupPartitionTest, AGroupGoesWhereKafkaWouldPutIt) {
  EXPECT_EQ(PartitionOfGroup("", 50), 0);
  EXPECT_EQ(PartitionOfGroup("a", 50), 97 % 50);
  EXPECT_EQ(PartitionOfGroup("ab", 50), (97 * 31 + 98) % 50);
  EXPECT_EQ(PartitionOfGroup("polygenelubricants", 50), 0);
}

TEST(GroupPartitionTest, LettersBeyondTheBasicPlaneAreTwoOfJavas) {
  const int32_t expected = (0xD83D * 31 + 0xDE00) % 50;  // U+1F600.
  EXPECT_EQ(PartitionOfGroup("\xF0\x9F\x98\x80", 50), expected);
  EXPECT_EQ(PartitionOfGroup("\xC3\xA4", 50), 0xE4 % 50);
  EXPECT_EQ(PartitionOfGroup("\xFF", 50), 0xFFFD % 50);  // No UTF-8.
}

TEST(GroupRecordsTest, AnOffsetIsWrittenAsKafkaWritesIt) {
  const GroupRecord record = OffsetRecord("g", {"t", PartitionId(3)},
                                          {.offset = Offset(42),
                                           .leader_epoch = LeaderEpoch(7),
                                           .metadata = "m",
                                           .commit_ms = 1'700'000'000'000});
  EXPECT_EQ(Hex(record.key),
            "0001"
            "000167"
            "000174"
            "00000003");
  EXPECT_EQ(Hex(*record.value),
            "0003"
            "000000000000002a"
            "00000007"
            "00016d"
            "0000018bcfe56800");
  EXPECT_FALSE(OffsetTombstone("g", {"t", PartitionId(3)}).value.has_value());
}

class Recorder final : public GroupRecordVisitor {
 public:
  void OnOffset(const std::string& group, const TopicPartition& at, const CommittedOffset* offset) override {
    last_group = group;
    last_at = at;
    last_offset = offset == nullptr ? std::nullopt : std::optional(*offset);
  }
  void OnGroup(const std::string& group, const kafka::GroupMetadataValue* value) override {
    last_group = group;
    generation = value == nullptr ? -1 : value->generation;
  }
  void OnConsumerRecord(const std::string& group, const ConsumerRecord&) override { last_group = group; }
  std::string last_group;
  TopicPartition last_at;
  std::optional<CommittedOffset> last_offset;
  int32_t generation = 0;
};

absl::Status Visit(const GroupRecord& record, Recorder* recorder) {
  return VisitGroupRecord(ByteView(record.key),
                          record.value ? std::optional(ByteView(*record.value)) : std::nullopt, recorder);
}

TEST(GroupRecordsTest, WhatIsWrittenIsRead) {
  Recorder recorder;
  const CommittedOffset offset{.offset = Offset(42), .metadata = "m", .commit_ms = 5};
  ASSERT_EQ(Visit(OffsetRecord("g", {"t", PartitionId(3)}, offset), &recorder), absl::OkStatus());
  EXPECT_EQ(recorder.last_offset, offset);
  EXPECT_EQ(recorder.last_at, (TopicPartition{"t", PartitionId(3)}));
  ASSERT_EQ(Visit(OffsetTombstone("g", {"t", PartitionId(3)}), &recorder), absl::OkStatus());
  EXPECT_FALSE(recorder.last_offset.has_value());
}

// Clients of old may say for how long an offset is to be kept: it stays so over a restart.
TEST(GroupRecordsTest, AnOffsetsOwnExpiryIsKept) {
  Recorder recorder;
  const CommittedOffset offset{.offset = Offset(1), .commit_ms = 5, .expire_ms = 1000};
  ASSERT_EQ(Visit(OffsetRecord("g", {"t", PartitionId(0)}, offset), &recorder), absl::OkStatus());
  EXPECT_EQ(recorder.last_offset, offset);
}

TEST(GroupRecordsTest, RecordsOfKindsThatAreNotKnownArePassedOver) {
  Recorder recorder;
  const std::string key = absl::HexStringToBytes(
      "0063"
      "ffff");
  EXPECT_EQ(VisitGroupRecord(AsBytes(key), AsBytes("anything"), &recorder), absl::OkStatus());
  EXPECT_EQ(recorder.last_group, "");
}

TEST(GroupRecordsTest, DamageIsSaidAndNotRead) {
  Recorder recorder;
  const std::string key = absl::HexStringToBytes(
      "0001"
      "000167"
      "000174");
  EXPECT_EQ(VisitGroupRecord(AsBytes(key), std::nullopt, &recorder).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(VisitGroupRecord(std::nullopt, std::nullopt, &recorder).code(), absl::StatusCode::kDataLoss);
}

TEST(ConsumerSubscriptionTest, TopicsAreReadAlsoOfVersionsFromTheFuture) {
  const std::string version1 = absl::HexStringToBytes(
      "0001"
      "00000001"
      "000174"
      "ffffffff"
      "00000000");
  EXPECT_EQ(ParseSubscription(version1)->topics, std::vector<std::string>{"t"});
  const std::string version9 = absl::HexStringToBytes(
      "0009"
      "00000001"
      "000174"
      "ffffffff"
      "00000000"
      "ffffffff"
      "ffff"
      "0102");
  EXPECT_EQ(ParseSubscription(version9)->topics, std::vector<std::string>{"t"});
  EXPECT_FALSE(ParseSubscription("").has_value());
  EXPECT_FALSE(ParseSubscription("no subscription").has_value());
}

}  // namespace
}  // namespace sluice::broker
