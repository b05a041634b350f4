// The power fails at each call by which compaction changes the disk, and what was not synced is gone.
#include <filesystem>

#include "compaction_fixture.h"
#include "tests/support/volatile_disk.h"

namespace sluice::storage {
namespace {

struct CutCase {
  bool lose_index;
  double kept;  // Of what was not synced.
};

class CompactionPowerCutTest : public CompactionFixture, public ::testing::WithParamInterface<CutCase> {
 protected:
  CompactionPowerCutTest() { options_.durability = Durability::kSynced; }

  // Three segments, a tombstone, and some records in the active one.
  void PutHistory() {
    all_.clear();
    OpenNew();
    PutSmallSegments();
    PutKeyed({{"key3", std::nullopt}});
    Seal();
    PutRound(5, 11);
    ASSERT_NO_FATAL_FAILURE(AwaitReadable());
  }
  void ExpectAllThere() {
    ASSERT_EQ(log_->end().value(), static_cast<int64_t>(all_.size()));
    ASSERT_NO_FATAL_FAILURE(ExpectSound(Consume(0)));
    Seal();
    dir_->CompactDue();
    ASSERT_TRUE(warnings_.empty()) << warnings_[0];
    ASSERT_NO_FATAL_FAILURE(ExpectCompacted(log_->end().value()));
  }
};

TEST_P(CompactionPowerCutTest, ACutAtAnyChangeLosesNothing) {
  Random random(5);
  bool was_cut = true;
  int64_t cut = 0;
  while (was_cut) {
    SCOPED_TRACE(absl::StrCat("cut at change ", ++cut));
    dir_options_.path = temp_ / absl::StrCat("cut", cut);
    std::filesystem::create_directory(dir_options_.path);
    VolatileDisk disk(dir_options_.path);
    dir_disk_ = &disk;
    ASSERT_NO_FATAL_FAILURE(PutHistory());
    disk.CutPowerAt(cut);
    dir_->CompactDue();
    was_cut = disk.power_is_off();
    disk.CutPower();
    Crash();
    if (GetParam().lose_index) {
      RemoveIndex();
    }
    disk.ComeBack(random, {.kept = GetParam().kept});
    fatal_.clear();
    warnings_.clear();
    ASSERT_NO_FATAL_FAILURE(Open());
    ASSERT_TRUE(dir_->damaged().empty()) << dir_->damaged()[0].status;
    ASSERT_NO_FATAL_FAILURE(ExpectAllThere());
    Crash();
    ASSERT_EQ(posix_.RemoveTree(dir_options_.path), absl::OkStatus());
  }
  EXPECT_GT(cut, 15) << "there are more calls than these";
}

INSTANTIATE_TEST_SUITE_P(Cuts, CompactionPowerCutTest,
                         ::testing::Values(CutCase{false, 0}, CutCase{false, 0.5}, CutCase{true, 0},
                                           CutCase{true, 0.5}),
                         [](const auto& info) {
                           return absl::StrCat(info.param.lose_index ? "LostIndex" : "KeptIndex",
                                               info.param.kept > 0 ? "HalfKept" : "");
                         });

}  // namespace
}  // namespace sluice::storage
