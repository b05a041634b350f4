// Durability through the journal of a log dir, and what a start makes of it after a crash. Most power cuts
// here are made by hand: bytes of a segment that only the journal holds are taken from the file.
// journal_model_test.cc makes them at random.
#include <thread>

#include "storage/journal/scan.h"
#include "tests/support/log_fixture.h"
#include "tests/support/volatile_disk.h"

namespace sluice::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kFirst[] = "00000000000000000000.log";

class JournalTest : public LogFixture {
 protected:
  JournalTest() {
    options_.durability = Durability::kSynced;
    options_.retention_ms = -1;
  }

  void PutDurable(int count, const BatchSpec& spec = {}) {
    ASSERT_NO_FATAL_FAILURE(PutMany(count, spec));
    AwaitDurable(Offset(next_));
  }
  uint64_t SizeBefore(size_t batch) const {
    uint64_t size = 0;
    for (size_t i = 0; i < batch; ++i) {
      size += expected_[i].size();
    }
    return size;
  }
  void Forget(size_t batches) {  // Appended, never acknowledged, and lost.
    expected_.resize(batches);
    next_ = static_cast<int64_t>(batches);
  }
  void Zero(const std::string& name, uint64_t position, uint64_t size) {
    const auto file = posix_.Open(LogPath(name), Disk::OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_EQ((*file)->WriteAt(position, Bytes(size)), absl::OkStatus());
  }
  void Cut(const std::string& name, uint64_t size) {
    const auto file = posix_.Open(LogPath(name), Disk::OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_EQ((*file)->Truncate(size), absl::OkStatus());
  }
  void ExpectRefused(absl::StatusCode code, const std::string& text) {
    const absl::Status status = TryOpen();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(text));
  }
  // The log is found damaged there, and goes offline.
  void ExpectDamage(const std::string& name, uint64_t position) {
    Open();
    const std::vector<LogDir::DamagedLog> damaged = dir_->damaged();
    ASSERT_THAT(damaged, SizeIs(1));
    EXPECT_EQ(damaged[0].status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(damaged[0].status.message()),
                HasSubstr(absl::StrCat(name, ": byte ", position, ":")));
  }
  void RemoveIndexAfterCrash() {
    Crash();
    RemoveIndex();
    Open();
  }
  // The ring is smaller than what is appended: most of its blocks are written over.
  void GoRoundTheRing() {
    for (int i = 0; i < 60; ++i) {
      PutDurable(1, {.value_size = 60'000});
    }
  }
  void CutPowerAndReopen(VolatileDisk& disk) {
    disk.CutPower();
    Crash();
    Random random(1);
    disk.ComeBack(random, {});
    Open();
  }
  std::string JournalDirectory() const { return dir_options_.path + "/journal"; }
  void SaveIndex() {
    std::filesystem::copy(dir_options_.path + "/index", temp_ / "saved",
                          std::filesystem::copy_options::recursive);
  }
  void PutBackIndex() {
    RemoveIndex();
    std::filesystem::copy(temp_ / "saved", dir_options_.path + "/index",
                          std::filesystem::copy_options::recursive);
  }

  Random random_{7};
};

TEST_F(JournalTest, ARecordIsAcknowledgedByOneSyncOfTheJournalAndNoneOfItsSegment) {
  OpenNew();
  PutDurable(1);
  const int64_t syncs = disk_.calls(DiskCall::kSync);
  const int64_t directories = disk_.calls(DiskCall::kSyncDirectory);
  for (int i = 0; i < 10; ++i) {
    PutDurable(1);
  }
  EXPECT_EQ(disk_.calls(DiskCall::kSync) - syncs, 10);
  EXPECT_EQ(disk_.calls(DiskCall::kSyncDirectory), directories);
}

TEST_F(JournalTest, ManyLogsShareASync) {
  OpenNew();
  std::vector<std::shared_ptr<Log>> logs;
  for (int i = 1; i <= 50; ++i) {
    const auto log = dir_->Create({"orders", {id_.topic_id, PartitionId(i)}}, options_);
    ASSERT_TRUE(log.ok()) << log.status();
    logs.push_back(*log);
  }
  PutDurable(1);
  const int64_t syncs = disk_.calls(DiskCall::kSync);
  disk_.Hold(DiskCall::kSync);
  PutMany(1);
  while (disk_.calls(DiskCall::kSync) == syncs) {  // The first block is being synced; the others gather.
    std::this_thread::yield();
  }
  const Bytes batch = MakeBatch({});
  for (const std::shared_ptr<Log>& log : logs) {
    ASSERT_EQ(log->Append(record::BatchView(batch), {}).code, AppendCode::kOk);
  }
  disk_.Release(DiskCall::kSync);
  for (const std::shared_ptr<Log>& log : logs) {
    while (log->durable_end() < log->end()) {
      std::this_thread::yield();
    }
  }
  EXPECT_EQ(disk_.calls(DiskCall::kSync) - syncs, 2);
}

TEST_F(JournalTest, WhatThePowerCutTookFromTheSegmentsComesBack) {
  for (const AppendMethod method : {AppendMethod::kMmap, AppendMethod::kPwrite}) {
    dir_options_.path = temp_ / absl::StrCat("method", static_cast<int>(method));
    options_.append_method = method;
    Forget(0);
    OpenNew();
    PutDurable(20, {.value_size = 100});
    Crash();
    Zero(kFirst, 0, SizeBefore(20));
    CrashAndReopen();
    EXPECT_EQ(log_->durable_end().value(), 20);
    ExpectLogHolds();
    PutDurable(5);
    Crash();
    Cut(kFirst, SizeBefore(21) + 17);  // Behind what the start synced.
    Open();
    ExpectLogHolds();
    Crash();
  }
}

TEST_F(JournalTest, ASegmentWhoseNameThePowerCutTookIsMadeAgain) {
  options_.segment_bytes = 4096;
  OpenNew();
  PutDurable(1, {.value_size = 3000});
  PutDurable(1, {.value_size = 3000});
  Crash();
  // The checkpoint that came with the roll would refuse to be without it.
  RemoveIndex();
  ASSERT_EQ(posix_.Unlink(LogPath("00000000000000000001.log")), absl::OkStatus());
  Open();
  ExpectLogHolds();
}

TEST_F(JournalTest, BeyondWhatWasAcknowledgedATailWithHolesIsCutAndTold) {
  OpenNew();
  PutDurable(5, {.value_size = 100});
  disk_.Hold(DiskCall::kSync);
  PutMany(5, {.value_size = 100});
  disk_.FailAllFrom(DiskCall::kSync, 1, absl::DataLossError("the power fails"));
  disk_.Release(DiskCall::kSync);
  Crash();
  disk_.Heal(DiskCall::kSync);
  // The block that was being written, if there is one, is torn.
  auto journal = posix_.Open(JournalDirectory() + "/00.journal", Disk::OpenMode::kReadWrite);
  const std::string content = *posix_.ReadFile(JournalDirectory() + "/00.journal");
  const size_t unsynced = content.rfind("SLJB");
  if (unsynced > 0) {
    ASSERT_EQ((*journal)->WriteAt(unsynced, Bytes(100)), absl::OkStatus());
  }
  Zero(kFirst, SizeBefore(6) + 10, 30);  // The eighth batch and those behind it are whole.
  Open();
  EXPECT_EQ(log_->end().value(), 6);
  ASSERT_THAT(dir_->stats().losses, SizeIs(1));
  EXPECT_THAT(dir_->stats().losses[0], HasSubstr(absl::StrCat(kFirst, ": cut at byte ", SizeBefore(6))));
  Forget(6);
  PutDurable(3);
  CrashAndReopen();
  ExpectLogHolds();
}

TEST_F(JournalTest, DamageBelowWhatWasAcknowledgedThatTheJournalNoLongerHoldsIsRefused) {
  options_.segment_bytes = 8 << 20;
  OpenNew();
  PutDurable(3, {.value_size = 100});
  dir_->Tick();
  PutDurable(40, {.value_size = 60'000});  // More than the ring: the first blocks are written over.
  CrashAndReopen();
  RemoveIndex();  // No checkpoint either: all is walked.
  Crash();
  FlipBit(kFirst, SizeBefore(1) + 70);
  ExpectDamage(kFirst, SizeBefore(1));
}

TEST_F(JournalTest, ALogWithMuchPendingIsSyncedInItsSegmentAndMarked) {
  dir_options_.journal.direct_bytes = 4096;
  OpenNew();
  PutDurable(1, {.value_size = 20'000});
  const auto scan = ScanJournal(posix_, JournalDirectory());
  ASSERT_TRUE(scan.ok()) << scan.status();
  const std::vector<FoundEntry>& entries = scan->logs.at(id_);
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].entry.size, 0u);
  EXPECT_EQ(entries[0].entry.position, SizeBefore(1));
  EXPECT_EQ(entries[0].entry.end_offset.value(), 1);
  PutDurable(1);
  Crash();
  FlipBit(kFirst, 100);  // Only the mark knows that this was acknowledged.
  RemoveIndex();
  ExpectDamage(kFirst, 0);
}

TEST_F(JournalTest, AFullRingMakesProducersWaitAndThenGoOn) {
  options_.segment_bytes = 8 << 20;
  OpenNew();
  for (int i = 0; i < 100; ++i) {
    PutDurable(1, {.value_size = 60'000});
  }
  EXPECT_TRUE(fatal_.empty());
  CrashAndReopen();
  ExpectLogHolds();
}

TEST_F(JournalTest, WithoutSpaceForMoreFilesTheRingGoesRoundInThoseItHas) {
  dir_options_.journal.bytes = 16 << 20;
  options_.segment_bytes = 8 << 20;
  options_.append_method = AppendMethod::kPwrite;
  OpenNew();
  PutDurable(1, {.value_size = 60'000});
  for (int i = 0; i < 60; ++i) {
    disk_.FailNth(DiskCall::kOpen, 1, absl::ResourceExhaustedError("open: No space left on device"));
    const Bytes batch = MakeBatch({.value_size = 60'000});
    const AppendOutcome outcome = AppendBytes(batch);
    ASSERT_EQ(outcome.code, AppendCode::kOk) << outcome.status;
    expected_.push_back(batch);
    AwaitDurable(Offset(++next_));
  }
  disk_.Heal(DiskCall::kOpen);
  EXPECT_TRUE(fatal_.empty());
  CrashAndReopen();
  ExpectLogHolds();
}

TEST_F(JournalTest, AFailedSyncOfTheJournalIsFinalForAllLogsOfTheDir) {
  OpenNew();
  const auto other = dir_->Create({"orders", {id_.topic_id, PartitionId(1)}}, options_);
  PutDurable(2);
  disk_.FailNth(DiskCall::kSync, 1, absl::DataLossError("fdatasync: Input/output error"));
  PutMany(1);
  Await([this] { return !fatal_.empty(); });
  const Bytes batch = MakeBatch({});
  EXPECT_EQ((*other)->Append(record::BatchView(batch), {}).code, AppendCode::kStorageError);
  EXPECT_EQ(log_->durable_end().value(), 2);
  EXPECT_FALSE(dir_->Close().ok());
  EXPECT_THAT(fatal_, SizeIs(1));
}

TEST_F(JournalTest, EntriesOfADeletedLogAreNobodys) {
  OpenNew();
  const LogId other{Uuid::Generate(random_), PartitionId(0)};
  const auto log = dir_->Create({"payments", other}, options_);
  const Bytes batch = MakeBatch({});
  ASSERT_EQ((*log)->Append(record::BatchView(batch), {}).code, AppendCode::kOk);
  PutDurable(3);
  ASSERT_EQ(dir_->Delete(other), absl::OkStatus());
  Crash();
  Zero(kFirst, 0, SizeBefore(3));
  Open();
  ExpectLogHolds();
  EXPECT_EQ(dir_->Find(other), nullptr);
  EXPECT_THAT(dir_->logs(), SizeIs(1));
}

TEST_F(JournalTest, ADeletedLogIsGoneWithItsFilesWhateverTheJournalHolds) {
  OpenNew();
  PutDurable(3);
  std::weak_ptr<Log> log = dir_->Share(id_);
  log_ = nullptr;
  ASSERT_EQ(dir_->Delete(id_), absl::OkStatus());
  while (!log.expired()) {  // The block of its last records may be under way; nothing else keeps it.
    std::this_thread::yield();
  }
}

TEST_F(JournalTest, EntriesOfDroppedSegmentsArePassedOver) {
  options_.segment_bytes = 4096;
  options_.file_delete_delay_ms = 0;
  OpenNew();
  for (int i = 0; i < 6; ++i) {
    PutDurable(1, {.value_size = 3000});
  }
  ASSERT_EQ(log_->AdvanceStart(Offset(4)), absl::OkStatus());
  dir_->Tick();
  RemoveIndexAfterCrash();
  EXPECT_EQ(log_->start().value(), 4);
  ExpectLogHolds(4);
}

TEST_F(JournalTest, DurabilityMaySwitchInALiveLog) {
  OpenNew();
  PutDurable(3);
  options_.durability = Durability::kPageCache;
  log_->SetOptions(options_);
  PutMany(3);
  options_.durability = Durability::kSynced;
  log_->SetOptions(options_);
  AwaitDurable(Offset(6));
  PutDurable(3);
  Crash();
  Zero(kFirst, 0, SizeBefore(9));
  Open();
  ExpectLogHolds();
}

TEST_F(JournalTest, TheJournalMayBeTurnedOffAndOnBetweenStarts) {
  OpenNew();
  int round = 0;
  for (const bool clean : {true, false, false, true, true}) {
    PutDurable(3);
    dir_options_.journal.enabled = ++round % 2 == 0;
    if (clean) {
      CloseAndReopen();
    } else {
      CrashAndReopen();
    }
    EXPECT_EQ(posix_.Exists(JournalDirectory()), dir_options_.journal.enabled) << "round " << round;
    ExpectLogHolds();
  }
}

TEST_F(JournalTest, AJournalElsewhereIsFoundAndMayMove) {
  dir_options_.journal.directory = temp_ / "device/journals";
  OpenNew();
  PutDurable(5);
  EXPECT_FALSE(posix_.Exists(JournalDirectory()));
  const std::string first = temp_ / ("device/journals/" + dir_->directory_id().ToString());
  EXPECT_EQ(*posix_.ReadFile(dir_options_.path + "/journal.location"), first + "\n");
  Crash();
  Zero(kFirst, 0, SizeBefore(5));
  dir_options_.journal.directory = temp_ / "second";
  Open();
  ExpectLogHolds();
  EXPECT_FALSE(posix_.Exists(first));
  PutDurable(5);
  Crash();
  Zero(kFirst, SizeBefore(5), SizeBefore(10) - SizeBefore(5));
  dir_options_.journal.directory = "";
  Open();
  ExpectLogHolds();
  EXPECT_FALSE(posix_.Exists(dir_options_.path + "/journal.location"));
  EXPECT_TRUE(posix_.Exists(JournalDirectory()));
}

TEST_F(JournalTest, AJournalElsewhereThatIsMissingStopsTheStartAfterACrashOnly) {
  dir_options_.journal.directory = temp_ / "device";
  OpenNew();
  PutDurable(5);
  Crash();
  const std::string place = temp_ / "device";
  std::filesystem::rename(place, temp_ / "unmounted");
  ExpectRefused(absl::StatusCode::kDataLoss, "journal.location");
  std::filesystem::rename(temp_ / "unmounted", place);
  Open();
  ExpectLogHolds();
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  Crash();
  std::filesystem::remove_all(place);
  Open();
  ExpectLogHolds();
}

TEST_F(JournalTest, AMoveThatFailsHalfwayLeavesTheOldJournalInForce) {
  dir_options_.journal.directory = temp_ / "device";
  OpenNew();
  PutDurable(5);
  Crash();
  dir_options_.journal.directory = temp_ / "second";
  disk_.FailAllFrom(DiskCall::kAllocate, 1, absl::ResourceExhaustedError("No space left on device"));
  ExpectRefused(absl::StatusCode::kResourceExhausted, "sluice.journal.bytes");
  disk_.Heal(DiskCall::kAllocate);
  Open();
  ExpectLogHolds();
  EXPECT_FALSE(posix_.Exists(temp_ / "device/" + dir_->directory_id().ToString()));
}

TEST_F(JournalTest, AnIndexThatWasRemovedCostsNothingThatWasAcknowledged) {
  OpenNew();
  PutDurable(20, {.value_size = 100});
  Crash();
  Zero(kFirst, SizeBefore(5), SizeBefore(20) - SizeBefore(5));
  RemoveIndex();
  Open();
  ExpectLogHolds();
}

TEST_F(JournalTest, AnOldIndexThatWasPutBackCostsNothingThatWasAcknowledged) {
  OpenNew();
  PutDurable(5, {.value_size = 100});
  CrashAndReopen();
  Crash();
  SaveIndex();
  Open();
  PutDurable(20, {.value_size = 100});
  Crash();
  Zero(kFirst, SizeBefore(10), SizeBefore(25) - SizeBefore(10));
  PutBackIndex();
  Open();
  ExpectLogHolds();
}

TEST_F(JournalTest, WithAnOldIndexWhatNeitherVouchesForIsNotCut) {
  OpenNew();
  PutDurable(5, {.value_size = 100});
  Crash();
  SaveIndex();
  Open();
  CloseAndReopen();
  PutDurable(5, {.value_size = 100});
  CrashAndReopen();  // All of it is in the segments now, and the journal begins anew.
  Crash();
  PutBackIndex();
  Zero(kFirst, SizeBefore(7) + 5, 40);
  ExpectDamage(kFirst, SizeBefore(7));
}

TEST_F(JournalTest, AJournalThatLostBlocksThatTheIndexKnowsOfIsRefused) {
  options_.segment_bytes = 8 << 20;
  OpenNew();
  for (int i = 0; i < 60; ++i) {
    PutDurable(1, {.value_size = 60'000});
  }
  Crash();
  for (const char* name : {"/00.journal", "/01.journal"}) {
    const auto file = posix_.Open(JournalDirectory() + name, Disk::OpenMode::kReadWrite);
    ASSERT_EQ((*file)->WriteAt(0, Bytes(1 << 20)), absl::OkStatus());
  }
  ExpectRefused(absl::StatusCode::kDataLoss, "ends with block 0");
  ASSERT_EQ(posix_.RemoveTree(JournalDirectory()), absl::OkStatus());
  Open();
  ExpectLogHolds();
}

// What was written over must be in the segments.
TEST_F(JournalTest, WhatTheJournalForgotOutlivesAPowerCut) {
  options_.segment_bytes = 8 << 20;
  ASSERT_EQ(posix_.CreateDirectory(dir_options_.path), absl::OkStatus());
  VolatileDisk disk(dir_options_.path);
  dir_disk_ = &disk;
  OpenNew();
  GoRoundTheRing();
  CutPowerAndReopen(disk);
  ExpectLogHolds();
  Crash();
}

// More logs than are flushed in one go, each with one batch in the first blocks, which are then written over.
TEST_F(JournalTest, NoneOfManyLogsIsForgottenBeforeItsTurn) {
  constexpr int kLogs = 40;
  dir_options_.journal.flush_slice = 16;
  options_.segment_bytes = 8 << 20;
  ASSERT_EQ(posix_.CreateDirectory(dir_options_.path), absl::OkStatus());
  VolatileDisk disk(dir_options_.path);
  dir_disk_ = &disk;
  OpenNew();
  const auto id_of = [this](int i) { return LogId{id_.topic_id, PartitionId(i)}; };
  const Bytes batch = MakeBatch({});
  for (int i = 1; i <= kLogs; ++i) {
    const auto log = dir_->Create({"orders", id_of(i)}, options_);
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_EQ((*log)->Append(record::BatchView(batch), {}).code, AppendCode::kOk);
    while ((*log)->durable_end() < (*log)->end()) {
      std::this_thread::yield();
    }
  }
  GoRoundTheRing();
  CutPowerAndReopen(disk);
  for (int i = 1; i <= kLogs; ++i) {
    ASSERT_NE(dir_->Find(id_of(i)), nullptr) << i;
    EXPECT_EQ(dir_->Find(id_of(i))->end(), Offset(1)) << i;
  }
  ExpectLogHolds();
  Crash();
}

TEST_F(JournalTest, ADamagedBlockThatIsNeededStopsTheStart) {
  OpenNew();
  PutDurable(1);
  PutDurable(1);
  Crash();
  const auto file = posix_.Open(JournalDirectory() + "/00.journal", Disk::OpenMode::kReadWrite);
  ASSERT_EQ((*file)->WriteAt(60, AsBytes("damage")), absl::OkStatus());
  ExpectRefused(absl::StatusCode::kDataLoss, "journal block 1 is missing or damaged");
}

TEST_F(JournalTest, StopsAtAnyTimeLoseNothingThatWasAcknowledged) {
  OpenNew();
  for (int round = 0; round < 30; ++round) {
    PutMany(round % 7);
    if (round % 3 == 0) {
      CloseAndReopen();
    } else {
      CrashAndReopen();
    }
    ExpectLogHolds();
  }
}

}  // namespace
}  // namespace sluice::storage
