#include <array>
#include <fstream>

#include "proto/base/endian.h"
#include "tests/support/log_fixture.h"

namespace sluice::storage {
namespace {

using ::testing::ElementsAre;

class AppendReadTest : public LogFixture {};

TEST_F(AppendReadTest, OffsetsAreContinuousAndBytesAreThoseAppended) {
  OpenNew();
  PutMany(5, {.records = 3});
  Put({.records = 1});
  EXPECT_EQ(log_->start().value(), 0);
  EXPECT_EQ(log_->end().value(), 16);
  ExpectLogHolds();
}

TEST_F(AppendReadTest, TheFirstAppendMustBlockAndLaterOnesNeedNot) {
  OpenNew();
  const Bytes batch = MakeBatch({});
  const AppendContext context{.leader_epoch = LeaderEpoch(0), .now_ms = 1};
  EXPECT_EQ(log_->TryAppend(record::BatchView(batch), context).code, AppendCode::kWouldBlock);
  EXPECT_EQ(log_->end().value(), 0);
  EXPECT_EQ(log_->Append(record::BatchView(batch), context).code, AppendCode::kOk);
  EXPECT_EQ(log_->TryAppend(record::BatchView(batch), context).code, AppendCode::kOk);
}

TEST_F(AppendReadTest, ReadsFromEveryOffsetAcrossSegmentsGiveTheBatchThatHoldsIt) {
  OpenNew();
  PutMany(300, {.records = 3, .value_size = 200});
  EXPECT_GT(log_->segment_count(), 2u);
  for (int64_t offset = 0; offset < next_; ++offset) {
    const ReadOutcome outcome = ReadAt(offset, 1500);
    ASSERT_EQ(outcome.code, ReadCode::kOk) << outcome.status;
    const std::vector<Bytes> batches = Split(ReadRange(outcome.range));
    ASSERT_FALSE(batches.empty()) << offset;
    EXPECT_EQ(record::BatchView(batches[0]).base_offset().value(), offset / 3 * 3);
    EXPECT_LE(outcome.range.size, 1500u);
  }
}

TEST_F(AppendReadTest, ReadingWithAndWithoutCursorGivesTheSame) {
  OpenNew();
  PutMany(400, {.records = 2, .value_size = 150});
  for (const uint64_t max_bytes : {1u, 700u, 5'000u, 100'000u}) {
    EXPECT_EQ(ReadAll(0, max_bytes, true), ReadAll(0, max_bytes, false));
    EXPECT_EQ(ReadAll(0, max_bytes, true).size(), expected_.size());
  }
}

TEST_F(AppendReadTest, ATryReadWithACursorNeverBlocksAtTheHotEnd) {
  OpenNew();
  PutMany(100, {.value_size = 100});
  ReadCursor cursor;
  ASSERT_EQ(ReadAt(0, 1 << 20, &cursor).code, ReadCode::kOk);
  ASSERT_EQ(cursor.next_offset.value(), 100);
  for (int i = 0; i < 1000; ++i) {
    Put({.value_size = 100});
    const ReadRequest request{.offset = cursor.next_offset, .limit = log_->end(), .max_bytes = 1 << 20};
    const ReadOutcome outcome = log_->TryRead(request, &cursor);
    ASSERT_EQ(outcome.code, ReadCode::kOk) << i;
    ASSERT_EQ(Split(ReadRange(outcome.range)).size(), 1u);
  }
}

TEST_F(AppendReadTest, RangesAreTrimmedToWholeBatches) {
  OpenNew();
  PutMany(10, {.value_size = 1000});
  const uint64_t batch_size = expected_[0].size();
  EXPECT_EQ(ReadAt(0, batch_size * 3 + batch_size / 2).range.size, batch_size * 3);
  EXPECT_EQ(ReadAt(0, batch_size * 3).range.size, batch_size * 3);
  EXPECT_EQ(ReadAt(2, batch_size - 1).range.size, batch_size);  // At least one.
  const ReadRequest strict{.offset = Offset(2), .limit = log_->end(), .max_bytes = batch_size - 1};
  EXPECT_EQ(log_->Read(strict, nullptr).range.size, 0u);
}

TEST_F(AppendReadTest, RecordsAtOrAfterTheLimitAreNotGiven) {
  OpenNew();
  PutMany(200, {.records = 2, .value_size = 100});
  for (int64_t limit = 1; limit <= next_; limit += 7) {
    const ReadOutcome outcome = log_->Read(
        {.offset = Offset(0), .limit = Offset(limit), .max_bytes = 1 << 20, .at_least_one_batch = true},
        nullptr);
    ASSERT_EQ(outcome.code, ReadCode::kOk);
    const std::vector<Bytes> batches = Split(ReadRange(outcome.range));
    ASSERT_EQ(batches.size(), static_cast<size_t>(limit / 2)) << limit;
  }
}

TEST_F(AppendReadTest, OffsetsOutsideTheLogAreRefusedAndItsEndIsEmpty) {
  OpenNew();
  PutMany(3);
  EXPECT_EQ(ReadAt(3).code, ReadCode::kOk);
  EXPECT_EQ(ReadAt(3).range.size, 0u);
  EXPECT_EQ(ReadAt(4).code, ReadCode::kOffsetOutOfRange);
  EXPECT_EQ(ReadAt(-1).code, ReadCode::kOffsetOutOfRange);
}

TEST_F(AppendReadTest, SegmentsRollBySizeAndAreNamedByTheirFirstOffset) {
  options_.segment_bytes = 4096;
  OpenNew();
  PutMany(4, {.value_size = 2000});
  EXPECT_EQ(log_->segment_count(), 4u);
  EXPECT_THAT(SegmentFiles(), ElementsAre("00000000000000000000.log", "00000000000000000001.log",
                                          "00000000000000000002.log", "00000000000000000003.log"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(*posix_.FileSize(LogPath(SegmentFiles()[static_cast<size_t>(i)])), expected_[0].size());
  }
  ExpectLogHolds();
}

TEST_F(AppendReadTest, ASegmentNeverExceedsItsLimit) {
  OpenNew();
  PutMany(300, {.value_size = 777});
  for (const std::string& name : SegmentFiles()) {
    EXPECT_LE(*posix_.FileSize(LogPath(name)), 64u << 10) << name;
  }
}

TEST_F(AppendReadTest, SegmentsRollByAgeAtTheNextAppend) {
  options_.segment_ms = 1000;
  OpenNew();
  Put({});
  clock_.Advance(absl::Milliseconds(1000));
  Put({});
  EXPECT_EQ(log_->segment_count(), 1u);
  clock_.Advance(absl::Milliseconds(1));
  Put({});
  EXPECT_EQ(log_->segment_count(), 2u);
  ExpectLogHolds();
}

TEST_F(AppendReadTest, ABatchLargerThanASegmentIsRefused) {
  OpenNew();
  EXPECT_EQ(Append({.value_size = 64 << 10}).code, AppendCode::kBatchTooLarge);
  EXPECT_EQ(log_->end().value(), 0);
}

TEST_F(AppendReadTest, ALargerSegmentSizeAppliesAtOnce) {
  OpenNew();
  options_.segment_bytes = 1 << 20;
  log_->SetOptions(options_);
  Put({.value_size = 100 << 10});
  Put({.value_size = 100 << 10});
  EXPECT_EQ(log_->segment_count(), 1u);
  ExpectLogHolds();
}

TEST_F(AppendReadTest, LogAppendTimeIsStampedUnderAValidCrc) {
  options_.timestamp_type = record::TimestampType::kLogAppendTime;
  for (const AppendMethod method : {AppendMethod::kMmap, AppendMethod::kPwrite}) {
    options_.append_method = method;
    id_.partition = PartitionId(static_cast<int32_t>(method));
    OpenNew();
    const AppendOutcome outcome = Append({.records = 2, .timestamp_ms = 5});
    EXPECT_EQ(outcome.log_append_time_ms, clock_.NowMs());
    const std::vector<Bytes> batches = Split(ReadRange(ReadAt(0).range));
    ASSERT_EQ(batches.size(), 1u);
    EXPECT_EQ(record::BatchView(batches[0]).timestamp_type(), record::TimestampType::kLogAppendTime);
    EXPECT_EQ(record::BatchView(batches[0]).max_timestamp(), clock_.NowMs());
    Crash();
  }
}

TEST_F(AppendReadTest, MmapAndPwriteLeaveTheSameBytes) {
  std::array<std::string, 2> contents;
  for (const AppendMethod method : {AppendMethod::kMmap, AppendMethod::kPwrite}) {
    options_.append_method = method;
    dir_options_.path = temp_ / absl::StrCat("data", static_cast<int>(method));
    next_ = 0;
    expected_.clear();
    OpenNew();
    PutMany(500, {.records = 2, .value_size = 300});
    ExpectLogHolds();
    ASSERT_EQ(dir_->Close(), absl::OkStatus());
    for (const std::string& name : SegmentFiles()) {
      contents[static_cast<size_t>(method)] += name + *posix_.ReadFile(LogPath(name));
    }
    Crash();
  }
  EXPECT_GT(contents[0].size(), 300'000u);
  EXPECT_TRUE(contents[0] == contents[1]);
}

TEST_F(AppendReadTest, TheLeaderEpochIsStampedAndItsHistoryKept) {
  OpenNew();
  PutMany(3);
  epoch_ = 4;
  PutMany(2);
  EXPECT_EQ(log_->latest_epoch(), LeaderEpoch(4));
  EXPECT_EQ(log_->EpochOf(Offset(2)), LeaderEpoch(0));
  EXPECT_EQ(log_->EpochOf(Offset(3)), LeaderEpoch(4));
  EXPECT_EQ(log_->FindEpochEnd(LeaderEpoch(2))->epoch, LeaderEpoch(0));
  EXPECT_EQ(log_->FindEpochEnd(LeaderEpoch(2))->end_offset, Offset(3));
  EXPECT_EQ(log_->FindEpochEnd(LeaderEpoch(4))->end_offset, Offset(5));
  EXPECT_FALSE(log_->FindEpochEnd(LeaderEpoch(5)).has_value());
  const std::vector<Bytes> batches = ReadAll(3, 1 << 20, false);
  EXPECT_EQ(record::BatchView(batches[0]).leader_epoch(), LeaderEpoch(4));
}

TEST_F(AppendReadTest, SyncedReadersSeeOnlyWhatIsDurable) {
  options_.durability = Durability::kSynced;
  OpenNew();
  disk_.Hold(DiskCall::kSync);
  PutMany(20);
  EXPECT_EQ(log_->readable_end().value(), 0);
  disk_.Release(DiskCall::kSync);
  AwaitDurable(Offset(20));
  EXPECT_EQ(log_->readable_end().value(), 20);
  ExpectLogHolds();
}

TEST_F(AppendReadTest, PageCacheReadersSeeEverythingAndTheDiskFollowsOnRequest) {
  OpenNew();
  PutMany(20);
  EXPECT_EQ(log_->readable_end().value(), 20);
  EXPECT_EQ(log_->durable_end().value(), 0);
  log_->RequestSync();
  AwaitDurable(Offset(20));
}

TEST_F(AppendReadTest, BecomingSyncedHidesNothingThatWasSeen) {
  OpenNew();
  PutMany(20);
  options_.durability = Durability::kSynced;
  log_->SetOptions(options_);
  EXPECT_EQ(log_->readable_end().value(), 20);
}

TEST_F(AppendReadTest, FlushMessagesSyncsEachSoMany) {
  options_.flush_messages = 10;
  OpenNew();
  PutMany(9);
  EXPECT_EQ(log_->durable_end().value(), 0);
  PutMany(1);
  AwaitDurable(Offset(10));
}

TEST_F(AppendReadTest, ADeletedLogIsClosedAndItsRangesStayReadable) {
  OpenNew();
  PutMany(5);
  const ReadOutcome before = ReadAt(0);
  const std::shared_ptr<Log> shared = dir_->Share(id_);
  ASSERT_EQ(dir_->Delete(id_), absl::OkStatus());
  EXPECT_EQ(Split(ReadRange(before.range)).size(), 5u);
  EXPECT_EQ(Append({}).code, AppendCode::kClosed);
  EXPECT_EQ(ReadAt(0).code, ReadCode::kClosed);
  EXPECT_EQ(dir_->Find(id_), nullptr);
  EXPECT_FALSE(posix_.Exists(LogPath()));
  EXPECT_GT(changes_, 5);
}

}  // namespace
}  // namespace sluice::storage
