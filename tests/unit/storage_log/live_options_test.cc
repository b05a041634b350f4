// Options that no request shows: changed on a log that is open, seen in what it writes from then on.
#include "storage/index/offset_index.h"
#include "storage/log/roll_jitter.h"
#include "tests/support/log_fixture.h"

namespace sluice::storage {
namespace {

class LiveOptionsTest : public LogFixture {
 protected:
  // Offsets that the index names, of a log that was closed.
  std::vector<int64_t> IndexedOffsets() {
    CHECK_OK(dir_->Close());
    const int64_t end = next_;
    Crash();
    const auto index = OffsetIndex::Open({.path = dir_options_.path + "/index"});
    CHECK_OK(index.status());
    std::vector<int64_t> offsets;
    for (int64_t at = end; at >= 0;) {
      const auto found = (*index)->FindOffset(id_, Offset(at));
      CHECK_OK(found.status());
      if (!found->has_value()) {
        break;
      }
      offsets.insert(offsets.begin(), (*found)->offset.value());
      at = (*found)->offset.value() - 1;
    }
    return offsets;
  }
};

TEST_F(LiveOptionsTest, AnotherIndexIntervalHoldsForWhatIsAppendedNext) {
  options_.segment_bytes = 8 << 20;
  options_.index_interval_bytes = 4096;
  OpenNew();
  PutMany(64, {.value_size = 2000});
  options_.index_interval_bytes = 64 << 10;
  log_->SetOptions(options_);
  PutMany(256, {.value_size = 2000});
  int64_t before = 0;
  int64_t after = 0;
  for (const int64_t offset : IndexedOffsets()) {
    ++(offset < 64 ? before : after);
  }
  EXPECT_GE(before, 16);
  EXPECT_LE(after, 10) << "256 batches of 2 KiB, one entry each 64 KiB";
  EXPECT_GE(after, 6);
}

TEST_F(LiveOptionsTest, JitterSpreadsRollingByAgeAndNeverDelaysIt) {
  options_.segment_ms = 100'000;
  options_.segment_jitter_ms = 50'000;
  OpenNew();
  std::vector<int64_t> ages;
  for (int segment = 0; segment < 20; ++segment) {
    PutMany(1);
    const size_t count = log_->segment_count();
    int64_t age_ms = 0;
    while (log_->segment_count() == count && age_ms <= 101'000) {
      clock_.Advance(absl::Seconds(1));
      age_ms += 1000;
      dir_->Tick();
    }
    ages.push_back(age_ms);
  }
  for (const int64_t age_ms : ages) {
    EXPECT_GE(age_ms, 50'000);
    EXPECT_LE(age_ms, 101'000);
  }
  std::sort(ages.begin(), ages.end());
  EXPECT_GE(std::unique(ages.begin(), ages.end()) - ages.begin(), 5) << "all rolled at the same age";
}

TEST_F(LiveOptionsTest, JitterStaysBelowBothItsLimits) {
  for (int64_t base = 0; base < 1000; ++base) {
    EXPECT_LT(RollJitterMs(id_, Offset(base), {.segment_ms = 1000, .segment_jitter_ms = 70}), 70);
    EXPECT_LT(RollJitterMs(id_, Offset(base), {.segment_ms = 10, .segment_jitter_ms = 70}), 10);
    EXPECT_EQ(RollJitterMs(id_, Offset(base), {.segment_ms = 10}), 0);
  }
}

// Whoever asks again for a start that is there already must not be told that it is durable before it is: the
// first to ask may not have got that far, or failed.
TEST_F(LiveOptionsTest, AStartThatIsThereAlreadyIsMadeDurableAgain) {
  OpenNew();
  PutMany(10);
  ASSERT_EQ(log_->AdvanceStart(Offset(5)), absl::OkStatus());
  PutMany(1);
  EXPECT_LT(log_->durable_end(), log_->end());
  ASSERT_EQ(log_->AdvanceStart(Offset(5)), absl::OkStatus());
  EXPECT_EQ(log_->durable_end(), log_->end()) << "a checkpoint was written again";
}

}  // namespace
}  // namespace sluice::storage
