#include "tests/support/log_fixture.h"

namespace sluice::storage {
namespace {

class TimeSearchTest : public LogFixture {
 protected:
  // The answer by definition.
  int64_t Expected(int64_t timestamp_ms, int64_t from = 0) const {
    for (size_t i = static_cast<size_t>(from); i < times_.size(); ++i) {
      if (times_[i] >= timestamp_ms) {
        return static_cast<int64_t>(i);
      }
    }
    return -1;
  }
  int64_t Found(int64_t timestamp_ms) {
    const auto found = log_->FindTimestamp(timestamp_ms, log_->end());
    EXPECT_TRUE(found.ok()) << found.status();
    if (!found.ok() || !*found) {
      return -1;
    }
    EXPECT_EQ((*found)->timestamp_ms, times_[static_cast<size_t>((*found)->offset.value())]);
    return (*found)->offset.value();
  }
  void PutTimed(int64_t first_ms, int64_t step_ms, record::Codec codec = record::Codec::kNone) {
    Put({.records = 4,
         .value_size = 100,
         .timestamp_ms = first_ms,
         .timestamp_step_ms = step_ms,
         .codec = codec});
    for (int i = 0; i < 4; ++i) {
      times_.push_back(first_ms + i * step_ms);
    }
  }

  std::vector<int64_t> times_;
};

TEST_F(TimeSearchTest, FindsTheFirstRecordAtOrAfterATimeWhateverTheirOrder) {
  OpenNew();
  Random random(7);
  for (int i = 0; i < 600; ++i) {
    const record::Codec codec = i % 3 == 0 ? record::Codec::kLz4 : record::Codec::kNone;
    PutTimed(i * 100 + static_cast<int64_t>(random.Below(2000)), 10, codec);
  }
  EXPECT_GT(log_->segment_count(), 3u);
  const auto check = [this] {
    for (int64_t timestamp = 0; timestamp < 63'000; timestamp += 217) {
      ASSERT_EQ(Found(timestamp), Expected(timestamp)) << timestamp;
    }
  };
  check();
  CrashAndReopen();
  check();
  Crash();
  RemoveIndex();
  Open();
  check();
}

TEST_F(TimeSearchTest, RecordsOutsideStartAndLimitAreNotFound) {
  OpenNew();
  for (int i = 0; i < 10; ++i) {
    PutTimed(i * 100, 10);
  }
  EXPECT_FALSE(log_->FindTimestamp(500, Offset(20))->has_value());
  EXPECT_EQ((*log_->FindTimestamp(500, Offset(21)))->offset, Offset(20));
  ASSERT_EQ(log_->AdvanceStart(Offset(23)), absl::OkStatus());
  EXPECT_EQ(Found(0), 23);
}

TEST_F(TimeSearchTest, TheLargestTimestampIsFoundAtItsFirstRecord) {
  OpenNew();
  EXPECT_FALSE(log_->FindMaxTimestamp(log_->end())->has_value());
  PutTimed(100, 10);
  PutTimed(900, -10);
  PutTimed(200, 10);
  PutTimed(870, 10);
  const auto largest = log_->FindMaxTimestamp(log_->end());
  ASSERT_TRUE(largest.ok() && largest->has_value());
  EXPECT_EQ((*largest)->offset, Offset(4));
  EXPECT_EQ((*largest)->timestamp_ms, 900);
  EXPECT_EQ((*log_->FindMaxTimestamp(Offset(4)))->offset, Offset(3));
}

TEST_F(TimeSearchTest, AfterRetentionDroppedTheLargestTimeLaterOnesAreStillFound) {
  options_.segment_bytes = 4096;
  OpenNew();
  PutTimed(1'000'000, 0);
  for (int i = 0; i < 50; ++i) {
    PutTimed(i * 100, 10);
  }
  ASSERT_EQ(log_->AdvanceStart(Offset(40)), absl::OkStatus());
  for (int64_t timestamp = 0; timestamp < 5000; timestamp += 83) {
    ASSERT_EQ(Found(timestamp), Expected(timestamp, 40)) << timestamp;
  }
  EXPECT_EQ((*log_->FindMaxTimestamp(log_->end()))->timestamp_ms, 4930);
}

}  // namespace
}  // namespace sluice::storage
