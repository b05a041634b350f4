#include "storage/tools/repair.h"

#include "proto/record/empty_batch.h"
#include "tools_fixture.h"

namespace sluice::storage {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RepairTest : public ToolsFixture {
 protected:
  // Damages the batch of offsets 12 to 14 of the second segment, and returns the first of these.
  int64_t DamageOne() {
    const std::string name = SegmentFiles()[1];
    FlipBit(name, BatchPositions(name)[4] + 100);
    return std::stoll(name) + 12;
  }
};

TEST_F(RepairTest, AGoodLogNeedsNone) {
  MakeStoppedLog(200);
  const RepairReport report = Repair(true);
  EXPECT_FALSE(report.needed);
  EXPECT_FALSE(report.applied);
  EXPECT_THAT(report.actions, IsEmpty());
  ExpectServedBut({}, 600);
}

TEST_F(RepairTest, DryRunTellsWhatWouldBeLostAndChangesNothing) {
  MakeStoppedLog(200);
  const int64_t lost = DamageOne();
  const auto before = Snapshot();
  const RepairReport report = Repair(false);
  EXPECT_TRUE(report.needed);
  EXPECT_FALSE(report.applied);
  EXPECT_THAT(report.lost, ElementsAre(LostOffsets{Offset(lost), Offset(lost + 2)}));
  EXPECT_THAT(report.actions,
              Contains(HasSubstr(absl::StrCat("offsets ", lost, " to ", lost + 2, " are lost"))));
  EXPECT_EQ(report.batches_kept, 199u);
  EXPECT_EQ(Snapshot(), before);
}

TEST_F(RepairTest, KeepsEveryWholeBatchAndTheOriginal) {
  MakeStoppedLog(200);
  const int64_t lost = DamageOne();
  const std::string path = LogPath(SegmentFiles()[1]);
  const std::string original = *posix_.ReadFile(path);
  const RepairReport report = Repair(true);
  EXPECT_TRUE(report.applied);
  EXPECT_EQ(*posix_.ReadFile(path + ".damaged"), original);
  EXPECT_FALSE(posix_.Exists(LogPath("damaged")));
  EXPECT_THAT(Verify().problems, IsEmpty());
  ExpectServedBut({lost, lost + 1, lost + 2}, 600);
}

TEST_F(RepairTest, TruncateEndsTheLogBeforeTheDamage) {
  MakeStoppedLog(200);
  const int64_t lost = DamageOne();
  const RepairReport report = Repair(true, RepairWay::kTruncate);
  EXPECT_THAT(report.lost, ElementsAre(LostOffsets{Offset(lost), Offset(599)}));
  EXPECT_THAT(Verify().problems, IsEmpty());
  ExpectServedBut({}, lost);
}

TEST_F(RepairTest, DiscardLeavesNoOriginal) {
  MakeStoppedLog(200);
  DamageOne();
  Repair(true, RepairWay::kTruncate, true);
  const std::vector<std::string> names = *posix_.List(LogPath());
  for (const std::string& name : names) {
    EXPECT_THAT(name, ::testing::Not(HasSubstr(".damaged")));
  }
}

TEST_F(RepairTest, AMarkedPartitionLosesItsMarkOnlyWhenTold) {
  MakeStoppedLog(200);
  ASSERT_EQ(posix_.ReplaceFile(LogPath("damaged"), "why\n"), absl::OkStatus());
  EXPECT_TRUE(Repair(false).needed);
  EXPECT_TRUE(posix_.Exists(LogPath("damaged")));
  EXPECT_TRUE(Repair(true).applied);
  EXPECT_FALSE(posix_.Exists(LogPath("damaged")));
  ExpectServedBut({}, 600);
}

TEST_F(RepairTest, RandomDamageEverywhereLosesWhatWasAnnounced) {
  MakeStoppedLog(200);
  Random random(99);
  for (const std::string& name : SegmentFiles()) {
    const uint64_t size = *posix_.FileSize(LogPath(name));
    for (int i = 0; i < 5; ++i) {
      FlipBit(name, random.Below(size));
    }
  }
  const RepairReport planned = Repair(false);
  const RepairReport report = Repair(true);
  EXPECT_EQ(planned.lost, report.lost);
  EXPECT_FALSE(report.lost.empty());
  EXPECT_GE(report.batches_kept, 200u - 5 * SegmentFiles().size());
  ExpectServedBut(OffsetsOf(report.lost), 600);
}

TEST_F(RepairTest, AMissingSegmentIsReplacedByItsLostOffsets) {
  MakeStoppedLog(200);
  const std::vector<std::string> names = SegmentFiles();
  ASSERT_EQ(posix_.Unlink(LogPath(names[1])), absl::OkStatus());
  const RepairReport report = Repair(true);
  EXPECT_THAT(report.lost,
              ElementsAre(LostOffsets{Offset(std::stoll(names[1])), Offset(std::stoll(names[2]) - 1)}));
  ExpectServedBut(OffsetsOf(report.lost), 600);
}

TEST_F(RepairTest, OffsetsThatWereDurableAreNotGivenAgain) {
  MakeStoppedLog(200);
  const std::string last = SegmentFiles().back();
  const std::vector<uint64_t> at = BatchPositions(last);
  CutFile(last, at[at.size() - 2] + 100);  // Into the last batch.
  const RepairReport report = Repair(true);
  EXPECT_THAT(report.lost, ElementsAre(LostOffsets{Offset(597), Offset(599)}));
  ExpectServedBut({597, 598, 599}, 600);
}

TEST_F(RepairTest, AWrongBaseOffsetIsPutRight) {
  MakeStoppedLog(200);
  const std::string name = SegmentFiles()[1];
  FlipBit(name, BatchPositions(name)[4] + 5);
  const RepairReport report = Repair(true);
  EXPECT_TRUE(report.applied);
  EXPECT_THAT(report.lost, IsEmpty());
  ExpectServedBut({}, 600);
}

TEST_F(RepairTest, TheLogStartThatDeletedRecordsLeftStays) {
  options_.retention_ms = -1;
  OpenNew();
  PutMany(200, {.records = 3, .value_size = 400});
  ASSERT_EQ(log_->AdvanceStart(Offset(20)), absl::OkStatus());
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  Crash();
  DamageOne();
  ASSERT_TRUE(Repair(true).applied);
  Open();
  EXPECT_EQ(log_->start().value(), 20);
}

TEST_F(RepairTest, AnInterruptedRepairGoesOn) {
  for (const DiskCall call : {DiskCall::kRename, DiskCall::kSync, DiskCall::kSyncDirectory, DiskCall::kUnlink,
                              DiskCall::kWrite, DiskCall::kOpen}) {
    for (int nth = 1; nth <= 12; ++nth) {
      SCOPED_TRACE(absl::StrCat("call ", static_cast<int>(call), ", ", nth));
      Crash();
      ASSERT_EQ(posix_.RemoveTree(dir_options_.path), absl::OkStatus());
      expected_.clear();
      next_ = 0;
      MakeStoppedLog(150);
      const std::vector<std::string> names = SegmentFiles();
      FlipBit(names[0], BatchPositions(names[0])[2] + 100);
      FlipBit(names[1], BatchPositions(names[1])[2] + 100);
      const std::set<int64_t> lost = OffsetsOf(Repair(false).lost);
      ASSERT_EQ(lost.size(), 6u);
      disk_.FailNth(call, nth, absl::InternalError("injected"));
      const bool failed = !TryRepair(true, RepairWay::kKeep, false, &disk_).ok();
      disk_.Heal(call);
      if (failed) {
        const absl::StatusOr<RepairReport> again = TryRepair(true);
        ASSERT_TRUE(again.ok()) << again.status();
      }
      ASSERT_THAT(Verify().problems, IsEmpty());
      ASSERT_FALSE(posix_.Exists(LogPath("damaged")));
      ASSERT_NO_FATAL_FAILURE(ExpectServedBut(lost, 450));
    }
  }
}

TEST(EmptyBatchTest, IsWholeAndHoldsItsOffsets) {
  const Bytes bytes = record::MakeEmptyBatch(Offset(7), Offset(9), LeaderEpoch(2));
  const record::BatchParse parse = record::ParseBatch(bytes);
  ASSERT_TRUE(parse.ok());
  EXPECT_TRUE(record::CrcMatches(parse.batch));
  EXPECT_EQ(parse.batch.base_offset().value(), 7);
  EXPECT_EQ(parse.batch.next_offset().value(), 10);
  EXPECT_EQ(parse.batch.record_count(), 0);
  EXPECT_FALSE(parse.batch.has_producer());
}

}  // namespace
}  // namespace sluice::storage
