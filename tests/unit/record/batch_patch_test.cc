#include "proto/record/batch_patch.h"

#include "record_support.h"

namespace sluice::record {
namespace {

TEST(BatchPatchTest, AssigningAnOffsetLeavesTheCrcRight) {
  Bytes bytes = SomeBatch();
  const uint32_t crc = BatchView(bytes).crc();
  AssignOffset(bytes, Offset(123456789012), LeaderEpoch(17));
  const BatchView batch(bytes);
  EXPECT_EQ(batch.base_offset(), Offset(123456789012));
  EXPECT_EQ(batch.leader_epoch(), LeaderEpoch(17));
  EXPECT_EQ(batch.crc(), crc);
  EXPECT_TRUE(CrcMatches(batch));
  EXPECT_EQ(ReadAll(batch)[2].offset, 123456789014);
}

TEST(BatchPatchTest, LogAppendTimeReplacesTheTimeOfEveryRecord) {
  Bytes bytes = SomeBatch({.codec = Codec::kGzip});
  StampLogAppendTime(bytes, kNow + 60'000);
  const BatchView batch(bytes);
  EXPECT_EQ(batch.timestamp_type(), TimestampType::kLogAppendTime);
  EXPECT_EQ(batch.codec(), Codec::kGzip);
  EXPECT_EQ(batch.max_timestamp(), kNow + 60'000);
  EXPECT_EQ(batch.base_timestamp(), kNow);
  EXPECT_TRUE(CrcMatches(batch));
  for (const OwnedRecord& record : ReadAll(batch)) {
    EXPECT_EQ(record.timestamp_ms, kNow + 60'000);
  }
}

TEST(BatchPatchTest, SettingTheGreatestTimestampKeepsTheRecordsTimes) {
  Bytes bytes = With<int64_t>(SomeBatch(), kMaxTimestampAt, kNoTimestamp);
  SetMaxTimestamp(bytes, kNow + 7);
  EXPECT_EQ(bytes, SomeBatch());
}

}  // namespace
}  // namespace sluice::record
