#include "storage/journal/ring.h"

#include "tests/support/journal_fixture.h"
#include "tests/support/power_cut_disk.h"

namespace sluice::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class RingTest : public JournalFixture {};

TEST_F(RingTest, ANewJournalHasTwoFilesAndNoEntry) {
  Open();
  EXPECT_THAT(Files(), SizeIs(2));
  EXPECT_EQ(*posix_.FileSize(PathOf(0)), kMiB);
  EXPECT_EQ(ring_->last_sequence(), 0u);
  EXPECT_EQ(ring_->fullness(), 0.0);
  EXPECT_TRUE(Found().empty());
}

TEST_F(RingTest, WhatWasAppendedIsFoundInOrder) {
  Open();
  AppendMany(5, 10'000);
  const std::vector<JournalEntry> found = Found();
  ASSERT_THAT(found, SizeIs(5));
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], EntryOf(0, i * 10'000, 10'000));
  }
}

TEST_F(RingTest, ABlockIsOneWriteOfWholePagesAndOneSync) {
  Open();
  const int64_t syncs = disk_.calls(DiskCall::kSync);
  AppendMany(7, 100);
  EXPECT_EQ(disk_.calls(DiskCall::kSync) - syncs, 7);
  EXPECT_DOUBLE_EQ(ring_->fullness(), 7.0 * kBlockAlignment / (2.0 * kMiB));
}

TEST_F(RingTest, FillsUpAndHasRoomAgainOnceReleased) {
  Open();
  const uint64_t size = ring_->block_bytes_max() - kBlockAlignment;
  AppendMany(2, size);
  EXPECT_FALSE(ring_->HasRoom(kBlockAlignment * 2));
  EXPECT_GT(ring_->fullness(), 0.9);
  ring_->Release(1);
  EXPECT_TRUE(ring_->HasRoom(ring_->block_bytes_max()));
  AppendMany(1, size);
  const std::vector<JournalEntry> found = Found();
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].position, size);
  EXPECT_EQ(found[1].position, 2 * size);
}

// A crash in the middle of writing over block 1 must find a block that says it is not needed.
TEST_F(RingTest, BeforeABlockIsWrittenOverALaterOneSaysDurablyThatItIsNotNeeded) {
  Open();
  const uint64_t size = ring_->block_bytes_max() - kBlockAlignment;
  AppendMany(2, size);
  ring_->Release(1);
  disk_.FailNth(DiskCall::kWrite, 4, absl::DataLossError("pwrite: injected"));  // An empty block takes two.
  EXPECT_FALSE(Append(100, 'y').ok());
  EXPECT_EQ(ScanJournal(posix_, directory_)->needed_from, 2u);
  EXPECT_THAT(Found(), SizeIs(1));
}

TEST_F(RingTest, AnyPatternOfSizesAndReleasesKeepsWhatIsNeeded) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Random random(seed);
    ASSERT_EQ(posix_.RemoveTree(directory_), absl::OkStatus());
    next_position_ = 0;
    Open(4 * kMiB);
    std::vector<JournalEntry> appended;
    uint64_t released = 0;
    std::vector<uint64_t> sequences;
    for (int i = 0; i < 150; ++i) {
      const uint64_t size = 1 + random.Below(i % 7 == 0 ? 900'000 : 60'000);
      while (!ring_->HasRoom(BlockSize(1, size))) {
        if (ring_->wants_file() && random.Below(2) == 0) {
          ASSERT_TRUE(ring_->Grow().ok());
          continue;
        }
        released += 1 + random.Below(ring_->last_sequence() - released);
        ring_->Release(released);
      }
      appended.push_back(EntryOf(0, next_position_, size));
      ASSERT_EQ(Append(size), absl::OkStatus());
      sequences.push_back(ring_->last_sequence());
      if (i % 10 != 9) {
        continue;
      }
      const absl::StatusOr<JournalScan> scan = ScanJournal(posix_, directory_);
      ASSERT_TRUE(scan.ok()) << "seed " << seed << ": " << scan.status();
      ASSERT_LE(scan->needed_from, released + 1);
      const std::vector<JournalEntry> found = Found();
      ASSERT_FALSE(found.empty());
      for (size_t k = 0; k < appended.size(); ++k) {  // Whatever was not released is there.
        if (sequences[k] > released) {
          ASSERT_NE(std::find(found.begin(), found.end(), appended[k]), found.end())
              << "seed " << seed << ", block " << sequences[k];
        }
      }
    }
  }
}

TEST_F(RingTest, GrowsUntilItIsAsLargeAsItMayBe) {
  Open(3 * kMiB);
  EXPECT_FALSE(ring_->wants_file());
  AppendMany(2, kMiB / 2);
  EXPECT_TRUE(ring_->wants_file());
  EXPECT_TRUE(*ring_->Grow());
  EXPECT_THAT(Files(), SizeIs(3));
  EXPECT_TRUE(ring_->has_free_file());
  EXPECT_FALSE(*ring_->Grow());
  AppendMany(1, kMiB / 2);
  EXPECT_THAT(Found(), SizeIs(3));
}

TEST_F(RingTest, AFileThatCannotBeMadeIsToldAndLeavesNothing) {
  Open(3 * kMiB);
  AppendMany(2, kMiB / 2);
  disk_.FailNth(DiskCall::kAllocate, 1, absl::ResourceExhaustedError("fallocate: No space left on device"));
  const absl::StatusOr<bool> grown = ring_->Grow();
  EXPECT_EQ(grown.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(grown.status().message()), HasSubstr("sluice.journal.bytes"));
  EXPECT_THAT(Files(), SizeIs(2));
  ring_->Release(ring_->last_sequence());
  AppendMany(1, kMiB / 2);
  EXPECT_TRUE(*ring_->Grow());
}

TEST_F(RingTest, AJournalWithoutSpaceForItsFirstFilesIsAnError) {
  disk_.FailNth(DiskCall::kAllocate, 2, absl::ResourceExhaustedError("fallocate: No space left on device"));
  EXPECT_EQ(TryOpen(2 * kMiB).code(), absl::StatusCode::kResourceExhausted);
  Open();
  AppendMany(3, 1000);
}

TEST_F(RingTest, AFailedSyncIsAnError) {
  Open();
  AppendMany(1, 100);
  disk_.FailNth(DiskCall::kSync, 1, absl::DataLossError("fdatasync: Input/output error"));
  EXPECT_EQ(Append(100).code(), absl::StatusCode::kDataLoss);
}

TEST_F(RingTest, TheNextLifeTakesTheFilesAndForgetsWhatTheyHeld) {
  Open(4 * kMiB);
  ASSERT_TRUE(*ring_->Grow());
  AppendMany(3, kMiB / 2);
  Open(4 * kMiB);
  EXPECT_THAT(Files(), SizeIs(3));
  EXPECT_TRUE(Found().empty());
  EXPECT_EQ(ring_->last_sequence(), 0u);
  next_position_ = 0;
  AppendMany(1, 100);
  EXPECT_THAT(Found(), SizeIs(1));
}

TEST_F(RingTest, AnotherSizeAtTheNextStartMakesTheFilesAnew) {
  Open(64 * kMiB);
  EXPECT_EQ(*posix_.FileSize(PathOf(0)), 4 * kMiB);
  ASSERT_TRUE(*ring_->Grow());
  AppendMany(3, 2 * kMiB);
  Open(2 * kMiB);
  EXPECT_THAT(Files(), SizeIs(2));
  EXPECT_EQ(*posix_.FileSize(PathOf(1)), kMiB);
  AppendMany(3, kMiB / 3);
  EXPECT_THAT(Found(), SizeIs(3));
}

TEST_F(RingTest, ASmallerRingOfFilesOfThatSizeDropsTheLastOnes) {
  Open(4 * kMiB);
  AppendMany(2, kMiB / 2 + 1000);
  ASSERT_TRUE(*ring_->Grow());
  AppendMany(1, kMiB / 2 + 1000);
  ASSERT_TRUE(*ring_->Grow());
  EXPECT_THAT(Files(), SizeIs(4));
  Open(3 * kMiB);
  EXPECT_THAT(Files(), SizeIs(3));
}

TEST_F(RingTest, AFileThatWasNotFinishedIsMadeAnew) {
  Open();
  const auto file = posix_.Open(PathOf(1), Disk::OpenMode::kReadWrite);
  ASSERT_EQ((*file)->Truncate(kMiB / 2), absl::OkStatus());
  Open();
  EXPECT_EQ(*posix_.FileSize(PathOf(1)), kMiB);
}

// "100.journal" sorts before "99.journal".
TEST_F(RingTest, ARingOfMoreThanAHundredFilesKeepsThemAll) {
  const uint64_t bytes = 1024 * kMiB;  // 128 files of 8 MiB; sparse ones here.
  Open(bytes);
  for (size_t i = 2; i < 120; ++i) {
    const auto file = posix_.Open(PathOf(i), Disk::OpenMode::kCreateNew);
    ASSERT_EQ((*file)->Truncate(8 * kMiB), absl::OkStatus());
  }
  Open(bytes);
  EXPECT_THAT(Files(), SizeIs(120));
  Open(400 * kMiB);
  EXPECT_THAT(Files(), SizeIs(50));
}

// A directory whose name is not on the disk is gone after a power cut, with all that was synced in it.
TEST_F(RingTest, TheDirectorysNameIsDurableBeforeTheFirstBlock) {
  PowerCutDisk disk(posix_, temp_ / "dir");
  const std::string nested = temp_ / "dir/a/b";
  auto ring = JournalRing::Open(disk, {.directory = nested, .bytes = kMiB, .journal_id = NumberedUuid(1)});
  ASSERT_TRUE(ring.ok()) << ring.status();
  const JournalEntry entry = EntryOf(0, 0, 5);
  const ByteView data = AsBytes("hello");
  ASSERT_EQ((*ring)->Append({&entry, 1}, {&data, 1}), absl::OkStatus());
  disk.Cut(PowerCutDisk::Keeps::kWhatWasSynced, 1);
  disk.Restore();
  EXPECT_EQ(ScanJournal(disk, nested)->last_sequence, 1u);
}

}  // namespace
}  // namespace sluice::storage
