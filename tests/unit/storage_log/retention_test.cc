#include "storage/log/retention.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "tests/support/log_fixture.h"

namespace sluice::storage {
namespace {

std::vector<SegmentSummary> Row() {
  return {{Offset(0), Offset(10), 100, 1000},
          {Offset(10), Offset(20), 100, 3000},
          {Offset(20), Offset(30), 100, 2000},
          {Offset(30), Offset(35), 50, 5000}};
}

TEST(RetentionPolicyTest, WithoutLimitsAllStays) {
  EXPECT_EQ(DecideRetention(Row(), {}, 1'000'000), RetentionDecision{});
}

TEST(RetentionPolicyTest, ASegmentExpiresWithItsNewestRecordAndNotBeforeThoseInFront) {
  EXPECT_EQ(DecideRetention(Row(), {.retention_ms = 1000}, 2000).drop_count, 0u);
  EXPECT_EQ(DecideRetention(Row(), {.retention_ms = 1000}, 2001).drop_count, 1u);
  EXPECT_EQ(DecideRetention(Row(), {.retention_ms = 1000}, 3500).drop_count, 1u);
  EXPECT_EQ(DecideRetention(Row(), {.retention_ms = 1000}, 4001).drop_count, 3u);
}

TEST(RetentionPolicyTest, AnExpiredActiveSegmentIsRolledFirst) {
  const RetentionDecision decision = DecideRetention(Row(), {.retention_ms = 1000}, 9000);
  EXPECT_EQ(decision, (RetentionDecision{.drop_count = 3, .roll_active = true}));
}

TEST(RetentionPolicyTest, AnEmptyActiveSegmentIsNotRolled) {
  std::vector<SegmentSummary> row = Row();
  row.back() = {Offset(30), Offset(30), 0, -1};
  EXPECT_FALSE(DecideRetention(row, {.retention_ms = 1000}, 9000).roll_active);
}

TEST(RetentionPolicyTest, BySizeTheRestStillHoldsTheLimit) {
  EXPECT_EQ(DecideRetention(Row(), {.retention_bytes = 251}, 0).drop_count, 0u);
  EXPECT_EQ(DecideRetention(Row(), {.retention_bytes = 250}, 0).drop_count, 1u);
  EXPECT_EQ(DecideRetention(Row(), {.retention_bytes = 0}, 0).drop_count, 3u);
}

class RetentionTest : public LogFixture {
 protected:
  RetentionTest() {
    options_.segment_bytes = 4096;
    options_.file_delete_delay_ms = 1000;
    options_.retention_ms = -1;
  }
};

TEST_F(RetentionTest, OldSegmentsGoByAgeAndTheirFilesLater) {
  options_.retention_ms = 60'000;
  OpenNew();
  PutMany(3, {.value_size = 3000, .timestamp_ms = clock_.NowMs()});
  PutMany(2, {.value_size = 3000, .timestamp_ms = clock_.NowMs() + 50'000});
  const ReadOutcome held = ReadAt(0);
  clock_.Advance(absl::Milliseconds(60'001));
  dir_->Tick();
  EXPECT_EQ(log_->start().value(), 3);
  EXPECT_EQ(log_->segment_count(), 2u);
  EXPECT_EQ(ReadAt(2).code, ReadCode::kOffsetOutOfRange);
  ExpectLogHolds(3);
  EXPECT_TRUE(posix_.Exists(LogPath("00000000000000000000.log.deleted")));
  clock_.Advance(absl::Milliseconds(1000));
  dir_->Tick();
  EXPECT_FALSE(posix_.Exists(LogPath("00000000000000000000.log.deleted")));
  EXPECT_EQ(Split(ReadRange(held.range)).size(), 1u);
}

TEST_F(RetentionTest, WhenAllHasExpiredTheLogEmptiesAndKeepsItsEnd) {
  options_.retention_ms = 1000;
  OpenNew();
  PutMany(3, {.value_size = 3000, .timestamp_ms = clock_.NowMs()});
  clock_.Advance(absl::Milliseconds(5000));
  dir_->Tick();
  dir_->Tick();
  EXPECT_EQ(log_->start().value(), 3);
  EXPECT_EQ(log_->end().value(), 3);
  EXPECT_EQ(log_->size_bytes(), 0u);
  CrashAndReopen();
  EXPECT_EQ(log_->start().value(), 3);
  EXPECT_EQ(log_->end().value(), 3);
  PutMany(1);
  ExpectLogHolds(3);
}

TEST_F(RetentionTest, RecordsWithoutATimeAgeFromTheirAppend) {
  options_.retention_ms = 60'000;
  OpenNew();
  PutMany(2, {.value_size = 3000, .timestamp_ms = record::kNoTimestamp});
  clock_.Advance(absl::Milliseconds(50'000));
  PutMany(2, {.value_size = 3000, .timestamp_ms = record::kNoTimestamp});
  dir_->Tick();
  EXPECT_EQ(log_->start().value(), 0);
  clock_.Advance(absl::Milliseconds(10'001));
  dir_->Tick();
  EXPECT_EQ(log_->start().value(), 2);
}

TEST_F(RetentionTest, AfterARestartRecordsWithoutATimeAgeFromTheirFilesChange) {
  options_.retention_ms = 60'000;
  OpenNew();
  PutMany(4, {.value_size = 3000, .timestamp_ms = record::kNoTimestamp});
  Crash();
  const std::vector<std::string> files = SegmentFiles();
  for (size_t i = 0; i < files.size(); ++i) {
    const int64_t changed_ms = clock_.NowMs() - (i < 3 ? 60'001 : 59'000);
    const timespec time{.tv_sec = changed_ms / 1000, .tv_nsec = changed_ms % 1000 * 1'000'000};
    const timespec times[2] = {time, time};
    ASSERT_EQ(::utimensat(AT_FDCWD, LogPath(files[i]).c_str(), times, 0), 0);
  }
  Open();
  dir_->Tick();
  EXPECT_EQ(log_->start().value(), 3);
  ExpectLogHolds(3);
}

TEST_F(RetentionTest, TheOldestGoBySize) {
  options_.retention_bytes = 10'000;
  OpenNew();
  PutMany(10, {.value_size = 3000});
  dir_->Tick();
  EXPECT_EQ(log_->segment_count(), 4u);
  EXPECT_EQ(log_->start().value(), 6);
  ExpectLogHolds(6);
  CrashAndReopen();
  EXPECT_EQ(log_->start().value(), 6);
  ExpectLogHolds(6);
}

TEST_F(RetentionTest, ALogWhoseOptionsAreNotKnownYetDropsNothing) {
  OpenNew();
  PutMany(3, {.value_size = 3000, .timestamp_ms = 1000});
  Crash();
  const auto opened = LogDir::Open(dir_options_, cluster_, {disk_, clock_, pool_, nullptr});
  ASSERT_TRUE(opened.ok()) << opened.status();
  (*opened)->Tick();
  EXPECT_EQ((*opened)->Find(id_)->start().value(), 0);
}

TEST_F(RetentionTest, AdvancingTheStartDropsWholeSegmentsBelowIt) {
  OpenNew();
  PutMany(10, {.value_size = 1500});  // Two to a segment.
  ASSERT_EQ(log_->AdvanceStart(Offset(5)), absl::OkStatus());
  EXPECT_EQ(log_->start().value(), 5);
  EXPECT_EQ(log_->segment_count(), 3u);
  ASSERT_EQ(log_->AdvanceStart(Offset(2)), absl::OkStatus());
  EXPECT_EQ(log_->start().value(), 5);
  EXPECT_EQ(log_->AdvanceStart(Offset(11)).code(), absl::StatusCode::kOutOfRange);
  ASSERT_EQ(log_->AdvanceStart(Offset(10)), absl::OkStatus());
  EXPECT_EQ(log_->start(), log_->end());
  CrashAndReopen();
  EXPECT_EQ(log_->start().value(), 10);
  PutMany(1);
  ExpectLogHolds(10);
}

TEST_F(RetentionTest, WhatWasDeletedInsideASegmentStaysDeletedWithoutTheIndex) {
  OpenNew();
  PutMany(10, {.value_size = 1500});
  ASSERT_EQ(log_->AdvanceStart(Offset(5)), absl::OkStatus());
  Crash();
  RemoveIndex();
  Open();
  EXPECT_EQ(log_->start().value(), 5);
  EXPECT_EQ(ReadAt(4).code, ReadCode::kOffsetOutOfRange);
  ExpectLogHolds(5);
}

TEST_F(RetentionTest, OfStartsThatAreSetAtOnceTheLastOneIsKept) {
  OpenNew();
  PutMany(40, {.value_size = 10});
  const auto advance = [this](int first) {
    for (int start = first; start <= 40; start += 2) {
      EXPECT_EQ(log_->AdvanceStart(Offset(start)), absl::OkStatus());
    }
  };
  std::thread odd([&] { advance(1); });
  advance(2);
  odd.join();
  Crash();
  RemoveIndex();
  Open();
  EXPECT_EQ(log_->start().value(), 40);
}

TEST_F(RetentionTest, AnOldSegmentRollsWithoutAnAppend) {
  options_.segment_ms = 1000;
  OpenNew();
  PutMany(1);
  clock_.Advance(absl::Milliseconds(1001));
  dir_->Tick();
  EXPECT_EQ(log_->segment_count(), 2u);
  dir_->Tick();
  EXPECT_EQ(log_->segment_count(), 2u);
}

TEST_F(RetentionTest, FlushMsSyncsWhatIsOlder) {
  options_.flush_ms = 500;
  OpenNew();
  PutMany(3);
  dir_->Tick();
  EXPECT_EQ(log_->durable_end().value(), 0);
  clock_.Advance(absl::Milliseconds(500));
  dir_->Tick();
  AwaitDurable(Offset(3));
}

TEST_F(RetentionTest, SealedSegmentsKeepADescriptorOnlyWhileTheyAreRead) {
  OpenNew();
  PutMany(10, {.value_size = 3000});
  dir_->Tick();
  dir_->Tick();
  const ReadRequest request{.offset = Offset(4), .limit = log_->end(), .max_bytes = 1 << 20};
  EXPECT_EQ(log_->TryRead(request, nullptr).code, ReadCode::kWouldBlock);
  EXPECT_EQ(log_->Read(request, nullptr).code, ReadCode::kOk);
  EXPECT_EQ(log_->TryRead(request, nullptr).code, ReadCode::kOk);
  dir_->Tick();
  EXPECT_EQ(log_->TryRead(request, nullptr).code, ReadCode::kOk);
  dir_->Tick();
  dir_->Tick();
  EXPECT_EQ(log_->TryRead(request, nullptr).code, ReadCode::kWouldBlock);
}

TEST_F(RetentionTest, AnIdleLogGivesItsMapBackAndTakesItAgain) {
  OpenNew();
  PutMany(1);
  dir_->Tick();
  clock_.Advance(absl::Minutes(1));
  const int64_t maps = disk_.calls(DiskCall::kMap);
  dir_->Tick();
  const Bytes batch = MakeBatch({});
  EXPECT_EQ(log_->TryAppend(record::BatchView(batch), {}).code, AppendCode::kWouldBlock);
  PutMany(2);
  EXPECT_EQ(disk_.calls(DiskCall::kMap), maps + 1);
  ExpectLogHolds();
}

uint64_t AllocatedBytes(const std::string& path) {
  struct stat info = {};
  CHECK_EQ(::stat(path.c_str(), &info), 0);
  return static_cast<uint64_t>(info.st_blocks) * 512;
}

TEST_F(RetentionTest, AnIdleLogGivesBackTheRoomBehindItsEndAndTakesItAgain) {
  options_.segment_bytes = 1 << 20;
  OpenNew();
  PutMany(1);
  const std::string segment = log_->directory() + "/00000000000000000000.log";
  EXPECT_GE(AllocatedBytes(segment), 128u << 10);
  dir_->Tick();
  clock_.Advance(absl::Minutes(1));
  dir_->Tick();
  EXPECT_LE(AllocatedBytes(segment), 4096u);
  EXPECT_EQ(std::filesystem::file_size(segment), log_->size_bytes());
  ExpectLogHolds();
  PutMany(2);
  EXPECT_GE(AllocatedBytes(segment), 128u << 10);
  ExpectLogHolds();
}

TEST_F(RetentionTest, WhatAnEarlierRunLeftBehindTheEndIsGivenBackWhenIdle) {
  options_.segment_bytes = 1 << 20;
  OpenNew();
  PutMany(1);
  const std::string segment = log_->directory() + "/00000000000000000000.log";
  Crash();
  Open();
  EXPECT_GE(AllocatedBytes(segment), 128u << 10);
  dir_->Tick();
  clock_.Advance(absl::Minutes(1));
  dir_->Tick();
  EXPECT_LE(AllocatedBytes(segment), 4096u);
  ExpectLogHolds();
}

TEST_F(RetentionTest, AnIdleLogIsLookedAtEachHalfMinuteAndAtOnceWhenItsOptionsChange) {
  options_.retention_ms = 3'600'000;
  options_.durability = Durability::kSynced;
  OpenNew();
  PutMany(10, {.value_size = 3000, .timestamp_ms = clock_.NowMs()});
  AwaitDurable(log_->end());
  for (int i = 0; i < 4; ++i) {
    clock_.Advance(absl::Minutes(1));
    dir_->Tick();  // From the second round on it rests.
  }
  clock_.Advance(absl::Seconds(1));
  options_.retention_ms = 1;
  dir_->Tick();
  EXPECT_EQ(log_->start().value(), 0);
  log_->SetOptions(options_);
  dir_->Tick();
  EXPECT_GT(log_->start().value(), 0);
}

}  // namespace
}  // namespace sluice::storage
