#include "tests/support/log_fixture.h"

namespace sluice::storage {
namespace {

using ::testing::HasSubstr;

class FaultsTest : public LogFixture {};

TEST_F(FaultsTest, AFullDiskRefusesAppendsReadsGoOnAndAppendsResume) {
  for (const AppendMethod method : {AppendMethod::kMmap, AppendMethod::kPwrite}) {
    options_.append_method = method;
    options_.segment_bytes = 1 << 20;
    dir_options_.path = temp_ / absl::StrCat("full", static_cast<int>(method));
    expected_.clear();
    next_ = 0;
    OpenNew();
    PutMany(2, {.value_size = 1000});
    disk_.FailAllFrom(DiskCall::kAllocate, 1, absl::ResourceExhaustedError("full: fallocate: no space"));
    AppendOutcome outcome;
    for (int i = 0; i < 2000 && outcome.code == AppendCode::kOk; ++i) {
      const Bytes batch = MakeBatch({.value_size = 1000});
      outcome = AppendBytes(batch);
      if (outcome.code == AppendCode::kOk) {
        expected_.push_back(batch);
        ++next_;
      }
    }
    EXPECT_EQ(outcome.code, AppendCode::kStorageError);
    EXPECT_EQ(outcome.status.code(), absl::StatusCode::kResourceExhausted);
    ExpectLogHolds();
    disk_.Heal(DiskCall::kAllocate);
    PutMany(100, {.value_size = 1000});
    ExpectLogHolds();
    EXPECT_TRUE(fatal_.empty());
    Crash();
  }
}

TEST_F(FaultsTest, ANearlyFullDiskIsUsedUpToWhatABatchNeeds) {
  OpenNew();
  const int64_t before = disk_.calls(DiskCall::kAllocate);
  disk_.FailNth(DiskCall::kAllocate, 1, absl::ResourceExhaustedError("no extent of that size"));
  PutMany(1, {.value_size = 1000});
  EXPECT_EQ(disk_.calls(DiskCall::kAllocate) - before,
            3);  // Refused; what the batch needs; ahead of the next.
  ExpectLogHolds();
}

TEST_F(FaultsTest, ASyncErrorIsFinal) {
  options_.durability = Durability::kSynced;
  OpenNew();
  PutMany(3);
  AwaitDurable(Offset(3));
  disk_.FailNth(DiskCall::kSync, 1, absl::DataLossError("fdatasync: Input/output error"));
  Append({});
  Await([this] { return !fatal_.empty(); });
  EXPECT_THAT(std::string(fatal_[0].message()), HasSubstr("journal"));
  EXPECT_EQ(log_->durable_end().value(), 3);

  // Later syncs would succeed; nobody asks for them.
  const AppendOutcome refused = Append({});
  EXPECT_EQ(refused.code, AppendCode::kStorageError);
  EXPECT_THAT(std::string(refused.status.message()), HasSubstr("Input/output error"));
  log_->RequestSync();
  dir_->Tick();
  EXPECT_FALSE(dir_->Close().ok());
  EXPECT_EQ(log_->durable_end().value(), 3);
  EXPECT_EQ(log_->readable_end().value(), 3);
  EXPECT_EQ(fatal_.size(), 1u);
  EXPECT_FALSE(posix_.Exists(dir_options_.path + "/clean-shutdown"));
}

TEST_F(FaultsTest, ADirectoryThatCannotBeSyncedIsASyncError) {
  options_.durability = Durability::kSynced;
  options_.segment_bytes = 4096;
  OpenNew();
  PutMany(1, {.value_size = 2000});
  AwaitDurable(Offset(1));
  disk_.FailAllFrom(DiskCall::kSyncDirectory, 1, absl::DataLossError("fsync: Input/output error"));
  Append({.value_size = 3000});
  Await([this] { return !fatal_.empty(); });
  EXPECT_EQ(log_->durable_end().value(), 1);
}

TEST_F(FaultsTest, AFailedRollIsReportedAndTriedAgain) {
  options_.segment_bytes = 4096;
  OpenNew();
  PutMany(1, {.value_size = 3000});
  disk_.FailNth(DiskCall::kRename, 1, absl::UnavailableError("rename: injected"));
  EXPECT_EQ(Append({.value_size = 3000}).code, AppendCode::kStorageError);
  PutMany(3, {.value_size = 3000});
  ExpectLogHolds();
}

TEST_F(FaultsTest, ADroppedSegmentThatCannotBeRenamedLeavesNoGap) {
  options_.segment_bytes = 4096;
  options_.file_delete_delay_ms = 1'000;
  OpenNew();
  PutMany(6, {.value_size = 3000});
  disk_.FailNth(DiskCall::kRename, 2, absl::UnavailableError("rename: injected"));
  EXPECT_FALSE(log_->AdvanceStart(Offset(3)).ok());  // Three files; the second keeps its name.
  CrashAndReopen();
  ExpectLogHolds(3);
  EXPECT_EQ(log_->AdvanceStart(Offset(4)), absl::OkStatus());
  clock_.Advance(absl::Seconds(2));
  dir_->Tick();
  EXPECT_EQ(SegmentFiles().size(), 2u);
  CrashAndReopen();
  ExpectLogHolds(4);
}

TEST_F(FaultsTest, AFailedWriteIsReportedAndItsBytesAreWrittenOver) {
  options_.append_method = AppendMethod::kPwrite;
  OpenNew();
  PutMany(2);
  disk_.FailNth(DiskCall::kWrite, 1, absl::ResourceExhaustedError("pwrite: No space left on device"));
  EXPECT_EQ(Append({.fill = 'Z'}).code, AppendCode::kStorageError);
  PutMany(2);
  ExpectLogHolds();
}

TEST_F(FaultsTest, AWriteThatFailsForMoreThanSpaceIsFinalForTheLogDir) {
  options_.append_method = AppendMethod::kPwrite;
  OpenNew();
  PutMany(2);
  disk_.FailNth(DiskCall::kWrite, 1, absl::DataLossError("pwrite: Input/output error"));
  EXPECT_EQ(Append({}).code, AppendCode::kStorageError);
  ASSERT_EQ(fatal_.size(), 1u);
  EXPECT_THAT(std::string(fatal_[0].message()), HasSubstr("pwrite: Input/output error"));
  EXPECT_EQ(Append({}).code, AppendCode::kStorageError);
  EXPECT_FALSE(dir_->health().ok());
}

TEST_F(FaultsTest, AReadThatFailsIsAnErrorOfThatReadOnly) {
  OpenNew();
  PutMany(100, {.value_size = 100});
  disk_.FailNth(DiskCall::kRead, 1, absl::DataLossError("pread: Input/output error"));
  EXPECT_EQ(ReadAt(5, 200).code, ReadCode::kStorageError);
  EXPECT_EQ(ReadAt(5, 200).code, ReadCode::kOk);
}

TEST_F(FaultsTest, ALogThatCannotBeMadeLeavesNothing) {
  Open();
  for (const DiskCall call :
       {DiskCall::kOpen, DiskCall::kWrite, DiskCall::kRename, DiskCall::kSyncDirectory}) {
    disk_.FailNth(call, 1, absl::ResourceExhaustedError("injected"));
    EXPECT_FALSE(dir_->Create({"orders", id_}, options_).ok());
    EXPECT_FALSE(posix_.Exists(LogPath()));
  }
  EXPECT_TRUE(dir_->Create({"orders", id_}, options_).ok());
}

}  // namespace
}  // namespace sluice::storage
