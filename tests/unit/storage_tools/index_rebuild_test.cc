#include "storage/tools/index_rebuild.h"

#include "absl/strings/escaping.h"
#include "tools_fixture.h"

namespace sluice::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class IndexRebuildTest : public ToolsFixture {
 protected:
  // What the index says of the log.
  std::vector<std::string> IndexContent() {
    std::vector<std::string> lines;
    const auto index = IndexReader::Open(dir_options_.path + "/index");
    CHECK_OK(index.status());
    CHECK_OK((*index)->VisitOffsets(id_, Offset(0), [&](const OffsetEntry& entry) {
      lines.push_back(
          absl::StrCat("o ", entry.offset.value(), " ", entry.segment_base.value(), " ", entry.position));
      return true;
    }));
    CHECK_OK((*index)->VisitTimes(id_, [&](const TimeEntry& entry) {
      lines.push_back(absl::StrCat("t ", entry.timestamp_ms, " ", entry.offset.value()));
      return true;
    }));
    const auto sealed = (*index)->SealedSegments(id_);
    for (const SegmentEntry& entry : *sealed) {
      lines.push_back(absl::StrCat("s ", entry.base_offset.value(), " ", entry.next_offset.value(), " ",
                                   entry.size_bytes, " ", entry.max_timestamp_ms));
    }
    const auto checkpoint = (*index)->ReadCheckpoint(id_);
    if (checkpoint->has_value()) {
      lines.push_back(absl::StrCat("c ", (*checkpoint)->next_offset.value(), " ",
                                   (*checkpoint)->segment_base.value(), " ", (*checkpoint)->position, " ",
                                   absl::CEscape((*checkpoint)->state)));
    }
    return lines;
  }
  absl::StatusOr<RebuildReport> Rebuild() {
    const LogFiles files = Files(LogFiles::For::kChanging);
    return RebuildIndex(posix_, clock_, files, [](const RebuildProgress&) {});
  }
  void MakeTimedLog() {
    options_.retention_ms = -1;
    OpenNew();
    for (int i = 0; i < 300; ++i) {
      ASSERT_NO_FATAL_FAILURE(
          Put({.records = 3, .value_size = 400, .timestamp_ms = 1'700'000'000'000 + i * 100}));
    }
    ASSERT_EQ(dir_->Close(), absl::OkStatus());
    Crash();
  }
};

TEST_F(IndexRebuildTest, TheRebuiltIndexIsTheOriginal) {
  MakeTimedLog();
  const std::vector<std::string> before = IndexContent();
  ASSERT_GT(before.size(), 50u);
  const auto report = Rebuild();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->logs, 1u);
  EXPECT_EQ(IndexContent(), before);
  EXPECT_THAT(Verify().problems, IsEmpty());
  ExpectServedBut({}, 900);
}

TEST_F(IndexRebuildTest, AMissingIndexIsMade) {
  MakeTimedLog();
  const std::vector<std::string> before = IndexContent();
  RemoveIndex();
  ASSERT_TRUE(Rebuild().ok());
  EXPECT_EQ(IndexContent(), before);
}

TEST_F(IndexRebuildTest, TheLogStartStaysWhereRecordsWereDeleted) {
  options_.retention_ms = -1;
  OpenNew();
  PutMany(200, {.records = 3, .value_size = 400});
  ASSERT_EQ(log_->AdvanceStart(Offset(20)), absl::OkStatus());
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  Crash();
  ASSERT_TRUE(Rebuild().ok());
  Open();
  EXPECT_EQ(log_->start().value(), 20);
}

TEST_F(IndexRebuildTest, AfterACrashTheTailIsLeftToTheStart) {
  options_.retention_ms = -1;
  OpenNew();
  PutMany(200, {.records = 3, .value_size = 400});
  Crash();
  const auto report = Rebuild();
  ASSERT_TRUE(report.ok()) << report.status();
  Open();
  EXPECT_EQ(log_->end().value(), 600);
  EXPECT_LT(dir_->stats().recovered_bytes, 70'000u);  // The last segment only.
  ExpectLogHolds();
}

TEST_F(IndexRebuildTest, DamageStopsItAndTheOldIndexStays) {
  MakeTimedLog();
  const std::vector<std::string> before = IndexContent();
  const std::string name = SegmentFiles()[1];
  FlipBit(name, BatchPositions(name)[4] + 8);  // A length: headers lead nowhere from here.
  const auto report = Rebuild();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(report.status().message()), HasSubstr(name));
  EXPECT_EQ(IndexContent(), before);
  EXPECT_FALSE(posix_.Exists(dir_options_.path + "/index.rebuilt"));
}

}  // namespace
}  // namespace sluice::storage
