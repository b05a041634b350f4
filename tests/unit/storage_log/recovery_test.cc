#include "proto/base/endian.h"
#include "proto/record/batch_patch.h"
#include "tests/support/log_fixture.h"

namespace sluice::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kFirst[] = "00000000000000000000.log";

class RecoveryTest : public LogFixture {
 protected:
  void ExpectDamage(const std::string& file, uint64_t position) {
    const absl::Status status = OpenDamaged();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(file + ": byte " + std::to_string(position) + ":"));
  }
  // What the log is refused with; its mark is taken away, as a repair does.
  absl::Status OpenDamaged() {
    Open();
    const std::vector<LogDir::DamagedLog> damaged = dir_->damaged();
    Crash();
    EXPECT_EQ(damaged.size(), 1u);
    EXPECT_EQ(posix_.Unlink(LogPath("damaged")), absl::OkStatus());
    return damaged.empty() ? absl::OkStatus() : damaged[0].status;
  }
  uint64_t SizeBefore(size_t batch) const {
    uint64_t size = 0;
    for (size_t i = 0; i < batch; ++i) {
      size += expected_[i].size();
    }
    return size;
  }
};

TEST_F(RecoveryTest, AnOrderlyStopKeepsAllAndWalksNothing) {
  OpenNew();
  PutMany(500, {.records = 2, .value_size = 300});
  CloseAndReopen();
  EXPECT_TRUE(dir_->stats().clean_start);
  EXPECT_EQ(dir_->stats().recovered_bytes, 0u);
  EXPECT_EQ(log_->durable_end(), log_->end());
  ExpectLogHolds();
  PutMany(50);
  ExpectLogHolds();
}

TEST_F(RecoveryTest, TheRoomBehindTheEndIsNotRead) {
  OpenNew();
  PutMany(10);
  const std::string segment = LogPath(kFirst);
  Crash();
  ASSERT_EQ((*posix_.Open(segment, Disk::OpenMode::kReadWrite))->Allocate(0, 64 << 20), absl::OkStatus());
  const int64_t reads = disk_.calls(DiskCall::kRead);
  Open();
  EXPECT_LT(disk_.calls(DiskCall::kRead) - reads, 32) << "of 1 MiB each at most";
  ExpectLogHolds();
  PutMany(10);
  ExpectLogHolds();
}

// More than are opened together.
TEST_F(RecoveryTest, AllOfManyLogsAreDurableAfterACrash) {
  constexpr int kLogs = 300;
  OpenNew();
  const auto id = [this](int i) { return LogId{id_.topic_id, PartitionId(i)}; };
  const Bytes batch = MakeBatch({.records = 3});
  for (int i = 1; i < kLogs; ++i) {
    const auto log = dir_->Create({"orders", id(i)}, options_);
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_EQ((*log)->Append(record::BatchView(batch), {}).code, AppendCode::kOk);
  }
  CrashAndReopen();
  EXPECT_EQ(dir_->stats().recovered_bytes, (kLogs - 1) * batch.size());
  for (int i = 1; i < kLogs; ++i) {
    EXPECT_EQ(dir_->Find(id(i))->durable_end(), Offset(3)) << i;
  }
  CrashAndReopen();
  EXPECT_EQ(dir_->stats().recovered_bytes, 0u) << "each has a checkpoint";
}

// Of many logs that are synced together one failure is all.
TEST_F(RecoveryTest, OneLogThatCannotBeSyncedRefusesTheStart) {
  OpenNew();
  const Bytes batch = MakeBatch({.value_size = 5000});
  for (int i = 1; i < 20; ++i) {
    const auto log = dir_->Create({"orders", {id_.topic_id, PartitionId(i)}}, options_);
    ASSERT_TRUE(log.ok()) << log.status();
    ASSERT_EQ((*log)->Append(record::BatchView(batch), {}).code, AppendCode::kOk);
  }
  Crash();
  for (const DiskCall call : {DiskCall::kStartWriteback, DiskCall::kSync}) {
    disk_.FailNth(call, 10, absl::DataLossError("injected"));
    EXPECT_THAT(std::string(TryOpen().message()), HasSubstr("a sync failed"));
    disk_.Heal(call);
  }
  fatal_.clear();
  Open();
  EXPECT_EQ(dir_->stats().logs, 20u);
}

TEST_F(RecoveryTest, ACrashKeepsAllThatWasWritten) {
  OpenNew();
  PutMany(500, {.records = 2, .value_size = 300});
  CrashAndReopen();
  EXPECT_FALSE(dir_->stats().clean_start);
  EXPECT_EQ(log_->durable_end(), log_->end());
  ExpectLogHolds();
  PutMany(50);
  CrashAndReopen();
  ExpectLogHolds();
}

TEST_F(RecoveryTest, AnEmptyLogComesBackEmpty) {
  OpenNew();
  CrashAndReopen();
  EXPECT_EQ(log_->end().value(), 0);
  CloseAndReopen();
  PutMany(3);
  ExpectLogHolds();
}

TEST_F(RecoveryTest, OnlyWhatFollowsTheCheckpointIsWalked) {
  dir_options_.checkpoint_interval_bytes = 100'000;
  options_.segment_bytes = 64 << 20;
  OpenNew();
  PutMany(1000, {.value_size = 1000});
  CrashAndReopen();
  EXPECT_LT(dir_->stats().recovered_bytes, 110'000u);
  ExpectLogHolds();
}

TEST_F(RecoveryTest, ALogGoesOnInItsFileAfterACleanTail) {
  OpenNew();
  PutMany(3);
  CrashAndReopen();
  PutMany(3);
  EXPECT_THAT(SegmentFiles(), ElementsAre(kFirst));
  ExpectLogHolds();
}

// A power cut may take back the truncation of a file, and leave the name of the one that was made after it.
TEST_F(RecoveryTest, ATailThatWasCutOffAndIsBackIsCutOffAgain) {
  OpenNew();
  PutMany(4, {.value_size = 100});
  Crash();
  const std::string whole = *posix_.ReadFile(LogPath(kFirst));
  FlipBit(kFirst, SizeBefore(3) + 100);
  Open();
  ASSERT_EQ(log_->end().value(), 3);
  expected_.resize(3);
  next_ = 3;
  PutMany(2, {.value_size = 50});
  Crash();
  {
    const auto file = posix_.Open(LogPath(kFirst), Disk::OpenMode::kReadWrite);
    ASSERT_EQ((*file)->WriteAt(0, AsBytes(whole)), absl::OkStatus());
  }
  RemoveIndex();
  Open();
  ExpectLogHolds();
}

TEST_F(RecoveryTest, ATailTornAtAnyByteIsCutAndTheLogGoesOnInANewFile) {
  OpenNew();
  PutMany(4, {.records = 2, .value_size = 30});
  Crash();
  const std::string whole = *posix_.ReadFile(LogPath(kFirst));
  const std::vector<Bytes> all = expected_;
  const uint64_t good = SizeBefore(3);
  const uint64_t size = SizeBefore(4);
  const std::string saved = temp_ / "saved";
  std::filesystem::copy(dir_options_.path, saved, std::filesystem::copy_options::recursive);
  // The last byte of a record, its count of headers, is zero: lost in zeroes, it is not lost.
  for (uint64_t cut = good + 1; cut < size - 1; ++cut) {
    ASSERT_EQ(posix_.RemoveTree(dir_options_.path), absl::OkStatus());
    std::filesystem::copy(saved, dir_options_.path, std::filesystem::copy_options::recursive);
    auto file = posix_.Open(LogPath(kFirst), Disk::OpenMode::kReadWrite);
    ASSERT_EQ((*file)->Truncate(cut), absl::OkStatus());
    if (cut % 2 == 0) {  // As in allocated space, or as in a file that was not.
      ASSERT_EQ((*file)->Truncate(whole.size()), absl::OkStatus());
    }
    Open();
    ASSERT_EQ(log_->end().value(), 6) << "cut at byte " << cut;
    expected_ = {all[0], all[1], all[2]};
    next_ = 6;
    PutMany(1);
    ExpectLogHolds();
    const bool torn = whole.substr(good, cut - good).find_first_not_of('\0') != std::string::npos;
    ASSERT_EQ(SegmentFiles().size(), torn ? 2u : 1u) << "cut at byte " << cut;
    if (cut % 16 == 0) {
      CrashAndReopen();
      ExpectLogHolds();
    }
    Crash();
  }
}

TEST_F(RecoveryTest, ASegmentThatHoldsNothingButATornBatchIsReplaced) {
  OpenNew();
  PutMany(1, {.value_size = 100});
  Crash();
  auto file = posix_.Open(LogPath(kFirst), Disk::OpenMode::kReadWrite);
  ASSERT_EQ((*file)->Truncate(80), absl::OkStatus());
  expected_.clear();
  next_ = 0;
  Open();
  EXPECT_EQ(log_->end().value(), 0);
  PutMany(2);
  ExpectLogHolds();
  std::byte old_byte{0};
  EXPECT_EQ(*(*file)->ReadAt(70, {&old_byte, 1}), 1u);
  EXPECT_EQ(old_byte, std::byte{'a'});  // The old file was left as it was.
}

TEST_F(RecoveryTest, ABatchThatDoesNotFollowIsNotTakenForOne) {
  OpenNew();
  PutMany(2);
  Crash();
  auto file = posix_.Open(LogPath(kFirst), Disk::OpenMode::kReadWrite);
  const Bytes stale = MakeBatch({});  // Valid, with base offset 0 where 2 is due.
  ASSERT_EQ((*file)->WriteAt(SizeBefore(2), stale), absl::OkStatus());
  Open();
  EXPECT_EQ(log_->end().value(), 2);
  PutMany(1);
  EXPECT_EQ(SegmentFiles().size(), 2u);
  ExpectLogHolds();
}

TEST_F(RecoveryTest, ABadBatchBeforeAGoodOneIsDamageAndNothingIsCut) {
  dir_options_.journal.enabled = false;
  options_.durability = Durability::kSynced;
  OpenNew();
  PutMany(10, {.value_size = 100});
  Crash();
  FlipBit(kFirst, SizeBefore(4) + 100);
  ExpectDamage(kFirst, SizeBefore(4));
  FlipBit(kFirst, SizeBefore(4) + 100);
  Open();
  ExpectLogHolds();
}

// A page that was never written back, before one that was.
TEST_F(RecoveryTest, AHoleInALogThatPromisedNoDurabilityIsCutAndTold) {
  OpenNew();
  PutMany(10, {.value_size = 100});
  Crash();
  {
    const auto file = posix_.Open(LogPath(kFirst), Disk::OpenMode::kReadWrite);
    ASSERT_EQ((*file)->WriteAt(SizeBefore(4), Bytes(150)), absl::OkStatus());
  }
  expected_.resize(4);
  next_ = 4;
  Open();
  ASSERT_EQ(dir_->stats().losses.size(), 1u);
  EXPECT_THAT(dir_->stats().losses[0],
              HasSubstr(absl::StrCat(kFirst, ": cut at byte ", SizeBefore(4), ", offset 4")));
  ExpectLogHolds();
  PutMany(3);
  CrashAndReopen();
  EXPECT_TRUE(dir_->stats().losses.empty());
  ExpectLogHolds();
}

TEST_F(RecoveryTest, AHoleInWhatASyncedLogAcknowledgedIsDamageWhateverTheLogWasBefore) {
  dir_options_.journal.enabled = false;
  OpenNew();
  PutMany(2, {.value_size = 100});
  options_.durability = Durability::kSynced;
  log_->SetOptions(options_);
  PutMany(8, {.value_size = 100});
  AwaitDurable(Offset(10));
  Crash();
  FlipBit(kFirst, SizeBefore(4) + 100);
  ExpectDamage(kFirst, SizeBefore(4));
}

TEST_F(RecoveryTest, ALogThatBecomesAPageCacheOneMayHaveHoles) {
  options_.durability = Durability::kSynced;
  OpenNew();
  PutMany(2, {.value_size = 100});
  AwaitDurable(Offset(2));
  options_.durability = Durability::kPageCache;
  log_->SetOptions(options_);
  PutMany(8, {.value_size = 100});
  Crash();
  FlipBit(kFirst, SizeBefore(4) + 100);
  Open();
  EXPECT_EQ(log_->end().value(), 4);
}

// As in a topic that mirrors segment files, or from a producer who means harm.
TEST_F(RecoveryTest, ATornBatchThatHoldsWholeBatchesIsTornAllTheSame) {
  OpenNew();
  PutMany(2);
  record::BatchBuilder builder{record::BatchOptions()};
  Bytes inner = MakeBatch({});
  record::AssignOffset(inner, Offset(1000), LeaderEpoch(epoch_));
  ASSERT_EQ(builder.Append(1, std::nullopt, ByteView(inner)), absl::OkStatus());
  ASSERT_EQ(builder.Append(1, std::nullopt, ByteView(inner)), absl::OkStatus());
  const Bytes outer = ToBytes(*builder.Build());
  ASSERT_EQ(AppendBytes(outer).code, AppendCode::kOk);
  Crash();
  {
    const auto file = posix_.Open(LogPath(kFirst), Disk::OpenMode::kReadWrite);
    const Bytes zeroes(40);
    ASSERT_EQ((*file)->WriteAt(SizeBefore(2) + outer.size() - zeroes.size(), zeroes), absl::OkStatus());
  }
  Open();
  EXPECT_EQ(log_->end().value(), 2);
  PutMany(1);
  ExpectLogHolds();
}

TEST_F(RecoveryTest, ABatchOfAnOlderEpochDoesNotFollowATornOne) {
  epoch_ = 5;
  OpenNew();
  PutMany(2);
  Crash();
  {
    const auto file = posix_.Open(LogPath(kFirst), Disk::OpenMode::kReadWrite);
    Bytes old = MakeBatch({});
    record::AssignOffset(old, Offset(9), LeaderEpoch(4));
    ASSERT_EQ((*file)->WriteAt(SizeBefore(2) + 300, old), absl::OkStatus());
  }
  Open();
  EXPECT_EQ(log_->end().value(), 2);
  PutMany(1);
  ExpectLogHolds();
}

// Each of these headers claims all that follows: hashing for each of them would take minutes.
TEST_F(RecoveryTest, ATailFullOfHeadersIsHashedOnce) {
  options_.segment_bytes = 64 << 20;
  OpenNew();
  PutMany(1);
  Crash();
  {
    const auto file = posix_.Open(LogPath(kFirst), Disk::OpenMode::kReadWrite);
    constexpr size_t kSize = 32 << 20;
    Bytes tail(4096);
    Bytes batch = MakeBatch({});
    record::AssignOffset(batch, Offset(1000), LeaderEpoch(epoch_));
    while (tail.size() + batch.size() <= kSize) {
      StoreBigEndian(batch.data() + record::kLengthAt,
                     static_cast<int32_t>(kSize - tail.size() - record::kLengthPrefixSize));
      tail.insert(tail.end(), batch.begin(), batch.end());
    }
    tail.resize(kSize);
    ASSERT_EQ((*file)->WriteAt(SizeBefore(1), tail), absl::OkStatus());
  }
  const int64_t reads = disk_.calls(DiskCall::kRead);
  Open();
  EXPECT_EQ(log_->end().value(), 1);
  EXPECT_LT(disk_.calls(DiskCall::kRead) - reads, 200);  // Of 1 MiB each.
}

TEST_F(RecoveryTest, ADamagedLengthBeforeAGoodBatchIsDamage) {
  dir_options_.journal.enabled = false;
  options_.durability = Durability::kSynced;
  OpenNew();
  PutMany(10, {.value_size = 100});
  Crash();
  FlipBit(kFirst, SizeBefore(4) + record::kLengthAt + 1);
  ExpectDamage(kFirst, SizeBefore(4));
}

TEST_F(RecoveryTest, WithoutAnIndexDamageInASealedSegmentIsFound) {
  options_.segment_bytes = 4096;
  OpenNew();
  PutMany(20, {.value_size = 1000});
  Crash();
  RemoveIndex();
  const std::string name = SegmentFiles()[1];
  FlipBit(name, 500);
  ExpectDamage(name, 0);
}

TEST_F(RecoveryTest, AMissingSegmentIsDamage) {
  options_.segment_bytes = 4096;
  OpenNew();
  PutMany(20, {.value_size = 1000});
  Crash();
  const std::vector<std::string> names = SegmentFiles();
  ASSERT_EQ(posix_.Unlink(LogPath(names[2])), absl::OkStatus());
  EXPECT_EQ(OpenDamaged().code(), absl::StatusCode::kDataLoss);
  RemoveIndex();
  EXPECT_EQ(OpenDamaged().code(), absl::StatusCode::kDataLoss);
}

TEST_F(RecoveryTest, AFileShorterThanWasSyncedIsDamage) {
  OpenNew();
  PutMany(20, {.value_size = 1000});
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  Crash();
  {
    auto file = posix_.Open(LogPath(kFirst), Disk::OpenMode::kReadWrite);
    ASSERT_EQ((*file)->Truncate(5000), absl::OkStatus());
  }
  ExpectDamage(kFirst, 5000);
}

TEST_F(RecoveryTest, TheLastSegmentMissingIsDamage) {
  OpenNew();
  PutMany(20);
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  Crash();
  ASSERT_EQ(posix_.Unlink(LogPath(kFirst)), absl::OkStatus());
  EXPECT_EQ(OpenDamaged().code(), absl::StatusCode::kDataLoss);
}

TEST_F(RecoveryTest, ALostIndexIsMadeAgainFromTheLog) {
  OpenNew();
  epoch_ = 3;
  PutMany(300, {.records = 2, .value_size = 300, .timestamp_ms = 1000});
  const Bytes produced =
      MakeBatch({.producer_id = ProducerId(7), .producer_epoch = ProducerEpoch(1), .base_sequence = 0});
  const AppendOutcome first = AppendBytes(produced);
  ASSERT_EQ(first.code, AppendCode::kOk);
  expected_.push_back(produced);
  next_ += 1;
  for (const bool clean : {false, true}) {
    if (clean) {
      ASSERT_EQ(dir_->Close(), absl::OkStatus());
    }
    Crash();
    RemoveIndex();
    Open();
    EXPECT_EQ(dir_->stats().clean_start, clean);
    EXPECT_EQ(log_->latest_epoch(), LeaderEpoch(3));
    ExpectLogHolds();
    for (int64_t offset = 0; offset < next_; offset += 5) {
      ASSERT_EQ(ReadAt(offset, 600).code, ReadCode::kOk);
    }
    const AppendOutcome retry = AppendBytes(produced);
    EXPECT_EQ(retry.code, AppendCode::kDuplicate);
    EXPECT_EQ(retry.base_offset, first.base_offset);
    EXPECT_EQ((*log_->FindTimestamp(1000, log_->end()))->offset, Offset(0));
  }
}

TEST_F(RecoveryTest, AnOldIndexIsBroughtUpToDate) {
  OpenNew();
  PutMany(200, {.value_size = 500});
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  Crash();
  const std::string index = dir_options_.path + "/index";
  const std::string saved = temp_ / "saved";
  std::filesystem::copy(index, saved, std::filesystem::copy_options::recursive);
  Open();
  PutMany(300, {.value_size = 500});
  Crash();
  RemoveIndex();
  std::filesystem::copy(saved, index, std::filesystem::copy_options::recursive);
  Open();
  ExpectLogHolds();
}

TEST_F(RecoveryTest, AnIndexAheadOfTheLogIsCutBack) {
  options_.segment_bytes = 16 << 20;
  OpenNew();
  constexpr int64_t kBeganMs = 1'000'000;
  for (int i = 0; i < 3000; ++i) {  // Enough for entries to be written out, not for a checkpoint.
    Put({.value_size = 5000, .timestamp_ms = kBeganMs + i});
  }
  Crash();
  {
    auto file = posix_.Open(LogPath(kFirst), Disk::OpenMode::kReadWrite);
    ASSERT_EQ((*file)->Truncate(SizeBefore(100)), absl::OkStatus());
  }
  expected_.resize(100);
  next_ = 100;
  Open();
  ExpectLogHolds();
  PutMany(2900, {.value_size = 100, .timestamp_ms = kBeganMs + 3000});
  ExpectLogHolds();
  const auto found = log_->FindTimestamp(kBeganMs + 3000, log_->end());
  ASSERT_TRUE(found.ok() && *found) << found.status();
  EXPECT_EQ((*found)->offset, Offset(100));
  for (int64_t offset = 0; offset < next_; offset += 11) {
    ASSERT_EQ(ReadAt(offset, 6000).code, ReadCode::kOk);
  }
}

TEST_F(RecoveryTest, ProducersAreRememberedAcrossBothKindsOfStop) {
  OpenNew();
  const BatchSpec spec{
      .records = 3, .producer_id = ProducerId(9), .producer_epoch = ProducerEpoch(2), .base_sequence = 0};
  Put(spec);
  CloseAndReopen();
  EXPECT_EQ(Append(spec).code, AppendCode::kDuplicate);
  BatchSpec next = spec;
  next.base_sequence = 3;
  Put(next);
  CrashAndReopen();
  EXPECT_EQ(Append(next).code, AppendCode::kDuplicate);
  next.base_sequence = 7;
  EXPECT_EQ(Append(next).code, AppendCode::kOutOfOrderSequence);
  next.producer_epoch = ProducerEpoch(1);
  EXPECT_EQ(Append(next).code, AppendCode::kInvalidProducerEpoch);
}

TEST_F(RecoveryTest, TheLogStartIsRemembered) {
  OpenNew();
  PutMany(100);
  ASSERT_EQ(log_->AdvanceStart(Offset(40)), absl::OkStatus());
  CrashAndReopen();
  EXPECT_EQ(log_->start(), Offset(40));
  EXPECT_EQ(ReadAt(39).code, ReadCode::kOffsetOutOfRange);
  EXPECT_EQ(record::BatchView(Split(ReadRange(ReadAt(40).range))[0]).base_offset(), Offset(40));
  CloseAndReopen();
  EXPECT_EQ(log_->start(), Offset(40));
}

TEST_F(RecoveryTest, APreparedSegmentIsRemovedAtTheStart) {
  OpenNew();
  PutMany(1);
  Crash();
  ASSERT_EQ(posix_.ReplaceFile(LogPath("next.prepared"), "zeroes"), absl::OkStatus());
  ASSERT_EQ(posix_.ReplaceFile(LogPath("00000000000000000000.log.deleted"), "old"), absl::OkStatus());
  Open();
  EXPECT_FALSE(posix_.Exists(LogPath("next.prepared")));
  EXPECT_FALSE(posix_.Exists(LogPath("00000000000000000000.log.deleted")));
  ExpectLogHolds();
}

TEST_F(RecoveryTest, EmptySegmentsMadeBeforeAPowerCutAreDropped) {
  OpenNew();
  PutMany(5);
  Crash();
  // The directory knew of the next segment, the disk had not all of this one.
  {
    auto file = posix_.Open(LogPath(kFirst), Disk::OpenMode::kReadWrite);
    ASSERT_EQ((*file)->Truncate(SizeBefore(3)), absl::OkStatus());
  }
  ASSERT_EQ(posix_.ReplaceFile(LogPath("00000000000000000005.log"), std::string(5000, '\0')),
            absl::OkStatus());
  expected_.resize(3);
  next_ = 3;
  Open();
  ExpectLogHolds();
  EXPECT_THAT(SegmentFiles(), ElementsAre(kFirst));
  PutMany(3);
  ExpectLogHolds();
}

}  // namespace
}  // namespace sluice::storage
