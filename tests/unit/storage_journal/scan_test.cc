#include "storage/journal/scan.h"

#include "tests/support/journal_fixture.h"

namespace sluice::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class ScanTest : public JournalFixture {
 protected:
  void ExpectGap(uint64_t missing, uint64_t next, const std::string& file, uint64_t position) {
    const absl::Status status = ScanJournal(posix_, directory_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(absl::StrCat("journal block ", missing, " is missing or damaged, and block ", next,
                                       " at byte ", position, " of ", file, " is whole")));
  }
};

TEST_F(ScanTest, ADirectoryThatIsMissingHoldsNothing) {
  const absl::StatusOr<JournalScan> scan = ScanJournal(posix_, directory_);
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_TRUE(scan->logs.empty());
  EXPECT_EQ(scan->journal_id, Uuid());
}

TEST_F(ScanTest, TheBytesStandWhereItSays) {
  Open();
  const std::vector<JournalEntry> entries = {EntryOf(0, 10, 3), EntryOf(1, 99, 0), EntryOf(2, 7, 4)};
  const std::vector<ByteView> data = {AsBytes("abc"), AsBytes("defg")};
  AppendMany(1, 5000);
  ASSERT_EQ(ring_->Append(entries, data), absl::OkStatus());
  const absl::StatusOr<JournalScan> scan = ScanJournal(posix_, directory_);
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_EQ(scan->journal_id, ring_->journal_id());
  const FoundEntry& last = scan->logs.at(entries[2].log).at(0);
  EXPECT_EQ(last.entry, entries[2]);
  Bytes bytes(4);
  ASSERT_EQ(*last.file->ReadAt(last.position, bytes), 4u);
  EXPECT_EQ(AsText(bytes), "defg");
  EXPECT_EQ(scan->logs.at(entries[1].log).at(0).entry, entries[1]);
}

TEST_F(ScanTest, ALastBlockTornAtAnyByteIsNone) {
  Open();
  AppendMany(2, 300);
  const std::string whole = *posix_.ReadFile(PathOf(0));
  const size_t begin = kBlockAlignment;
  const size_t end = begin + kBlockHeaderSize + kJournalEntrySize + 300;
  for (size_t cut = begin; cut < end; ++cut) {
    Overwrite(0, begin, whole.substr(begin, cut - begin) + std::string(end - cut, '\0'));
    ASSERT_THAT(Found(), SizeIs(1)) << "cut at byte " << cut;
    Overwrite(0, begin, std::string(cut - begin, '\0') + whole.substr(cut, end - cut));
    ASSERT_THAT(Found(), SizeIs(cut == begin ? 2 : 1)) << "nothing before byte " << cut;
  }
  Overwrite(0, begin, whole.substr(begin, end - begin));
  EXPECT_THAT(Found(), SizeIs(2));
}

TEST_F(ScanTest, ADamagedBlockBeforeAWholeOneIsDataLossThatNamesFileAndByte) {
  Open();
  AppendMany(4, 300);
  Overwrite(0, kBlockAlignment + 200, "?");
  ExpectGap(2, 3, PathOf(0), 2 * kBlockAlignment);
  Overwrite(0, 0, "?");
  ExpectGap(1, 3, PathOf(0), 2 * kBlockAlignment);
}

TEST_F(ScanTest, AMissingFileBeforeOthersIsDataLoss) {
  Open();
  AppendMany(2, kMiB / 2 + 1000);
  ASSERT_EQ(posix_.Unlink(PathOf(0)), absl::OkStatus());
  ExpectGap(1, 2, PathOf(1), 0);
}

TEST_F(ScanTest, ADamagedBlockThatIsNotNeededIsPassedOver) {
  Open();
  AppendMany(2, 300);
  ring_->Release(2);
  AppendMany(1, 300);
  Overwrite(0, 100, "?");
  EXPECT_THAT(Found(), SizeIs(1));
}

TEST_F(ScanTest, BlocksOfAnEarlierLapAreIgnored) {
  Open();
  for (int lap = 0; lap < 10; ++lap) {
    ring_->Release(ring_->last_sequence());
    AppendMany(1, kMiB / 2 + 1000 * static_cast<uint64_t>(lap));
  }
  // The last block says that those before it are not needed.
  EXPECT_EQ(Found(),
            std::vector<JournalEntry>{EntryOf(0, next_position_ - kMiB / 2 - 9000, kMiB / 2 + 9000)});
}

TEST_F(ScanTest, BlocksOfAnEarlierLifeAreIgnored) {
  Open();
  AppendMany(20, 300);
  Open();
  AppendMany(1, 100);
  EXPECT_THAT(Found(), SizeIs(1));
  EXPECT_EQ(ScanJournal(posix_, directory_)->journal_id, ring_->journal_id());
}

// A producer may well have sent a copy of a journal.
TEST_F(ScanTest, ABlockWithinABlockIsData) {
  Open();
  AppendMany(3, 300);
  const std::string journal = posix_.ReadFile(PathOf(0))->substr(0, 3 * kBlockAlignment);
  const std::string padded =
      std::string(kBlockAlignment - kBlockHeaderSize - kJournalEntrySize, 'p') + journal;
  const JournalEntry entry = EntryOf(1, 0, padded.size());
  const ByteView data = AsBytes(padded);
  ASSERT_EQ(ring_->Append({&entry, 1}, {&data, 1}), absl::OkStatus());
  EXPECT_THAT(Found(0), SizeIs(3));
  EXPECT_THAT(Found(1), SizeIs(1));
}

TEST_F(ScanTest, AFileThatCannotBeReadStopsTheScan) {
  Open();
  AppendMany(1, 300);
  disk_.FailAllFrom(DiskCall::kRead, 2, absl::DataLossError("pread: Input/output error"));  // Its id is read.
  EXPECT_EQ(ScanJournal(disk_, directory_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(ScanTest, PropertiesThatMakeNoSenseAreRefused) {
  Open();
  const std::string path = directory_ + "/journal.properties";
  ASSERT_EQ(posix_.ReplaceFile(path, "version=2\n"), absl::OkStatus());
  EXPECT_EQ(ScanJournal(posix_, directory_).status().code(), absl::StatusCode::kFailedPrecondition);
  for (const char* text : {"version=1\n", "version=1\njournal.id=short\n", "version=1\nid=x\n"}) {
    ASSERT_EQ(posix_.ReplaceFile(path, text), absl::OkStatus());
    EXPECT_EQ(ScanJournal(posix_, directory_).status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

}  // namespace
}  // namespace sluice::storage
