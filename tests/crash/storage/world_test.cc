// What the world around a log may do: lose its index or put back an old one, jump with the clock, hang a
// disk.
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "tests/crash/storage/log_model.h"
#include "tests/crash/storage/run_options.h"
#include "tests/support/fault_disk.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

namespace fs = std::filesystem;

LogOptions SmallSegments() {
  LogOptions options;
  options.segment_bytes = 16 << 10;
  options.index_interval_bytes = 512;
  options.retention_ms = -1;
  options.file_delete_delay_ms = 600;
  return options;
}

class WorldTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { KeepFilesInMemory(); }
};

TEST_F(WorldTest, AnIndexThatIsLostOrOldCostsNothing) {
  const uint64_t seed = SeedOfRun();
  Random random(seed);
  TempDir temp;
  PosixDisk disk;
  const std::string path = temp / "data";
  LogModel model(disk, path, {SmallSegments(), SmallSegments()});
  std::vector<std::string> copies;
  for (int round = 0; round < 40 && !HasFailure(); ++round) {
    SCOPED_TRACE(absl::StrCat("SEED=", seed, ", round ", round));
    ASSERT_EQ(model.Open(), absl::OkStatus());
    model.Verify();
    model.Work(random, 30);
    random.Below(2) == 0 ? model.Crash() : model.Close().IgnoreError();
    copies.push_back(temp / absl::StrCat("index", round));
    fs::copy(path + "/index", copies.back(), fs::copy_options::recursive);
    const uint64_t dice = random.Below(3);
    if (dice == 0) {
      continue;
    }
    fs::remove_all(path + "/index");
    if (dice == 1) {
      fs::copy(copies[random.Below(copies.size())], path + "/index", fs::copy_options::recursive);
    }
    model.ForgetStarts();
  }
  ASSERT_EQ(model.Open(), absl::OkStatus());
  model.Verify();
}

// Records are stamped by their producers with real time; the broker's clock does what it likes.
class ClockTest : public ::testing::Test {
 protected:
  static constexpr int64_t kRetentionMs = 3'600'000 * 2;

  ClockTest() : model_(disk_, temp_ / "data", {WithRetention()}) {
    CHECK_OK(model_.Open());
    for (int i = 0; i < 60; ++i) {
      EXPECT_TRUE(model_.Append(0, 400));
    }
  }
  static LogOptions WithRetention() {
    LogOptions options = SmallSegments();
    options.retention_ms = kRetentionMs;
    return options;
  }
  void JumpTo(absl::Duration by) { model_.clock().SetWallClock(model_.clock().Now() + by); }
  void ExpectNothingGone() {
    model_.Tick();
    EXPECT_EQ(model_.log(0)->start(), Offset(0));
    model_.Verify();
    EXPECT_TRUE(model_.Append(0, 50));
  }

  TempDir temp_;
  PosixDisk disk_;
  LogModel model_;
};

TEST_F(ClockTest, AJumpWithinTheRetentionTimeDeletesNothing) {
  for (const int hours : {1, -1, -1, 1}) {
    JumpTo(absl::Hours(hours));
    ExpectNothingGone();
  }
  ASSERT_EQ(model_.Close(), absl::OkStatus());
  JumpTo(absl::Hours(1));
  ASSERT_EQ(model_.Open(), absl::OkStatus());
  ExpectNothingGone();
}

TEST_F(ClockTest, AClockThatFallsBackEverySecondDeletesNothing) {
  for (int second = 0; second < 60; ++second) {
    model_.clock().Advance(absl::Seconds(1));
    JumpTo(-absl::Seconds(5));
    ExpectNothingGone();
  }
  model_.Crash();
  ASSERT_EQ(model_.Open(), absl::OkStatus());
  ExpectNothingGone();
}

// Ten years make every record too old, as far as anybody can tell; what is deleted then is deleted in order,
// and the log goes on, back in the right year too.
TEST_F(ClockTest, TenYearsDeleteWholeSegmentsInOrderAndTheLogGoesOn) {
  const int64_t end = model_.log(0)->end().value();
  JumpTo(absl::Hours(24 * 3652));
  model_.Tick();
  EXPECT_LE(model_.log(0)->start().value(), end);
  EXPECT_EQ(model_.log(0)->end().value(), end);
  model_.Verify();
  EXPECT_TRUE(model_.Append(0, 50));
  JumpTo(-absl::Hours(24 * 3652));
  model_.Tick();
  EXPECT_TRUE(model_.Append(0, 50));
  ASSERT_EQ(model_.Close(), absl::OkStatus());
  ASSERT_EQ(model_.Open(), absl::OkStatus());
  model_.Verify();
  EXPECT_GE(model_.log(0)->end().value(), end + 2);
}

// A sync that does not come back: nothing is acknowledged meanwhile, and a log dir on another disk serves.
TEST(HungDiskTest, NothingIsAcknowledgedAndOtherLogDirsServe) {
  TempDir temp;
  PosixDisk posix;
  FaultDisk hung(posix);
  LogModel stuck(hung, temp / "stuck", {SmallSegments()});
  LogModel serving(posix, temp / "serving", {SmallSegments()});
  ASSERT_EQ(stuck.Open(), absl::OkStatus());
  ASSERT_EQ(serving.Open(), absl::OkStatus());
  ASSERT_TRUE(stuck.Append(0));
  Log& log = *stuck.log(0);
  const Offset durable = log.durable_end();

  hung.Hold(DiskCall::kSync);
  hung.Hold(DiskCall::kSyncDirectory);
  const Bytes batch = MakeBatch({});
  ASSERT_EQ(log.Append(record::BatchView(batch), {}).code, AppendCode::kOk);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(serving.Append(0)) << "the other log dir waits too";
  }
  EXPECT_EQ(log.durable_end(), durable);
  EXPECT_EQ(log.readable_end(), durable);
  EXPECT_FALSE(stuck.failed());

  hung.Release(DiskCall::kSync);
  hung.Release(DiskCall::kSyncDirectory);
  EXPECT_TRUE(stuck.Append(0));
  EXPECT_EQ(log.durable_end(), log.end());
}

}  // namespace
}  // namespace sluice::storage
