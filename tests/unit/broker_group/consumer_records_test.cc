// The records of consumer groups: their bytes are Kafka's, and what is written is read.
#include "broker/group/consumer_records.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/unit/broker_group/consumer_dump.h"

namespace sluice::broker {
namespace {

Uuid TopicId(uint8_t number) {
  Uuid id;
  id.bytes.fill(number);
  return id;
}

const std::string kTopic1(32, '1');  // TopicId(0x11), in hexadecimal.

TopicIdPartition At(uint8_t topic, int32_t partition) {
  return {TopicId(topic), PartitionId(partition)};
}

std::string Hex(const GroupRecord& record) {
  return absl::StrCat(absl::BytesToHexString(AsText(record.key)), " ",
                      record.value ? absl::BytesToHexString(AsText(*record.value)) : "null");
}

// Texts of flexible messages: their length plus 1 in a varint. 00 at the end of each: no tags.
TEST(ConsumerRecordsTest, AGroupIsWrittenAsKafkaWritesIt) {
  EXPECT_EQ(Hex(ToGroupRecord("g", GroupEpochRecord{GroupEpoch{.epoch = 3, .metadata_hash = 5}})),
            "0003000167 "
            "0000"
            "00000003"
            "01"
            "0008"
            "0000000000000005");
  EXPECT_EQ(Hex(ToGroupRecord("g", GroupEpochRecord{})), "0003000167 null");
  EXPECT_EQ(Hex(ToGroupRecord("g", TargetEpochRecord{TargetEpoch{.epoch = 3, .computed_ms = 7}})),
            "0006000167 "
            "0000"
            "00000003"
            "01"
            "0008"
            "0000000000000007");
  EXPECT_EQ(Hex(ToGroupRecord("g", TargetEpochRecord{})), "0006000167 null");
}

TEST(ConsumerRecordsTest, AMemberIsWrittenAsKafkaWritesIt) {
  const MemberSubscription subscription{.client_id = "c",
                                        .client_host = "/h",
                                        .topics = {"a", "b"},
                                        .regex = "x",
                                        .rebalance_timeout_ms = 256,
                                        .assignor = "range"};
  EXPECT_EQ(Hex(ToGroupRecord("g", MemberSubscriptionRecord{"m", subscription})),
            "000500016700016d "
            "0000"
            "00"
            "00"
            "0263"
            "032f68"
            "0302610262"
            "0278"
            "00000100"
            "0672616e6765"
            "00");
  EXPECT_EQ(Hex(ToGroupRecord("g", TargetAssignmentRecord{"m", PartitionList{At(0x11, 0), At(0x11, 2)}})),
            "000700016700016d "
            "0000"
            "02" +
                kTopic1 +
                "030000000000000002"
                "00"
                "00");
  const MemberAssignment assignment{.epoch = 4,
                                    .previous_epoch = 3,
                                    .state = MemberState::kUnrevokedPartitions,
                                    .assigned = {{At(0x11, 1), 2}}};
  EXPECT_EQ(Hex(ToGroupRecord("g", MemberAssignmentRecord{"m", assignment})),
            "000800016700016d "
            "0000"
            "00000004"
            "00000003"
            "01"
            "02" +
                kTopic1 +
                "0200000001"
                "01"
                "0005"
                "0200000002"
                "01"
                "00");
}

TEST(ConsumerRecordsTest, ARegularExpressionIsWrittenAsKafkaWritesIt) {
  const ResolvedRegex resolved{.topics = {"a"}, .topics_version = 1, .resolved_ms = 2};
  EXPECT_EQ(Hex(ToGroupRecord("g", RegexRecord{"x", resolved})),
            "0010000167000178 "
            "0000"
            "020261"
            "0000000000000001"
            "0000000000000002"
            "00");
}

class Reader final : public GroupRecordVisitor {
 public:
  void OnOffset(const std::string&, const TopicPartition&, const CommittedOffset*) override { FAIL(); }
  void OnGroup(const std::string&, const kafka::GroupMetadataValue*) override { FAIL(); }
  void OnConsumerRecord(const std::string& group, const ConsumerRecord& record) override {
    EXPECT_EQ(group, "g");
    records.push_back(record);
  }
  std::vector<ConsumerRecord> records;
};

absl::Status Read(const GroupRecord& record, Reader* reader) {
  return VisitGroupRecord(ByteView(record.key),
                          record.value ? std::optional(ByteView(*record.value)) : std::nullopt, reader);
}

std::vector<ConsumerRecord> RecordsOfEveryKind() {
  const MemberSubscription consumer{.instance_id = "i",
                                    .rack_id = "r",
                                    .client_id = "c",
                                    .client_host = "/h",
                                    .topics = {"a", "b"},
                                    .regex = "x.*",
                                    .rebalance_timeout_ms = 1,
                                    .assignor = "uniform"};
  MemberSubscription classic{.topics = {"a"}, .rebalance_timeout_ms = 2};
  classic.classic = ClassicSide{.session_timeout_ms = 9, .protocols = {{"range", "bytes"}, {"other", ""}}};
  const MemberAssignment assignment{.epoch = 4,
                                    .previous_epoch = 3,
                                    .state = MemberState::kUnreleasedPartitions,
                                    .assigned = {{At(1, 0), 2}, {At(1, 1), 3}, {At(2, 0), 4}},
                                    .revoking = {{At(2, 7), 1}}};
  return {GroupEpochRecord{GroupEpoch{.epoch = 4, .metadata_hash = -5, .created_ms = 77}},
          MemberSubscriptionRecord{"m1", consumer},
          MemberSubscriptionRecord{"m2", classic},
          TargetEpochRecord{TargetEpoch{.epoch = 4, .computed_ms = 78}},
          TargetAssignmentRecord{"m1", PartitionList{At(1, 0), At(1, 1), At(2, 0)}},
          TargetAssignmentRecord{"m2", PartitionList{}},
          MemberAssignmentRecord{"m1", assignment},
          MemberAssignmentRecord{"m2", MemberAssignment{.epoch = 4}},
          RegexRecord{"x.*", ResolvedRegex{.topics = {"xa", "xb"}, .topics_version = 3, .resolved_ms = 9}}};
}

TEST(ConsumerRecordsTest, WhatIsWrittenIsRead) {
  Reader reader;
  ConsumerGroup written("g", {});
  for (const ConsumerRecord& record : RecordsOfEveryKind()) {
    written.Apply(record);
    ASSERT_EQ(Read(ToGroupRecord("g", record), &reader), absl::OkStatus());
  }
  ConsumerGroup read("g", {});
  for (const ConsumerRecord& record : reader.records) {
    read.Apply(record);
  }
  EXPECT_EQ(Dump(read), Dump(written));
  EXPECT_EQ(read.members().size(), 2u);
}

TEST(ConsumerRecordsTest, TombstonesLeaveNothing) {
  Reader reader;
  ConsumerGroup group("g", {});
  for (const ConsumerRecord& record : RecordsOfEveryKind()) {
    group.Apply(record);
  }
  for (const ConsumerRecord& record : group.Tombstones()) {
    const GroupRecord written = ToGroupRecord("g", record);
    EXPECT_FALSE(written.value.has_value());
    ASSERT_EQ(Read(written, &reader), absl::OkStatus());
  }
  for (const ConsumerRecord& record : reader.records) {
    group.Apply(record);
  }
  EXPECT_EQ(Dump(group), Dump(ConsumerGroup("g", {})));
  EXPECT_FALSE(group.exists());
}

// Without "since when": what Kafka wrote up to 4.2.
TEST(ConsumerRecordsTest, PartitionsOfOlderRecordsAreTheMembersSinceItsEpoch) {
  const MemberAssignment assignment{.epoch = 4, .previous_epoch = 3};
  GroupRecord record = ToGroupRecord("g", MemberAssignmentRecord{"m", assignment});
  const std::string bytes = absl::HexStringToBytes(
      absl::StrCat("0000", "00000004", "00000003", "00", "02", kTopic1, "0200000001", "00", "01", "00"));
  record.value = Bytes(AsBytes(bytes).begin(), AsBytes(bytes).end());
  Reader reader;
  ASSERT_EQ(Read(record, &reader), absl::OkStatus());
  const auto& read = std::get<MemberAssignmentRecord>(reader.records.at(0));
  EXPECT_EQ(read.value->assigned, (OwnedPartitions{{At(0x11, 1), 4}}));
}

TEST(ConsumerRecordsTest, RecordsThatAreCutShortAreTold) {
  for (const ConsumerRecord& record : RecordsOfEveryKind()) {
    GroupRecord written = ToGroupRecord("g", record);
    Reader reader;
    written.value->resize(written.value->size() - 1);
    EXPECT_FALSE(Read(written, &reader).ok());
    EXPECT_TRUE(reader.records.empty());
  }
}

}  // namespace
}  // namespace sluice::broker
