#include "storage/log/scrubber.h"

#include "tests/support/log_fixture.h"

namespace sluice::storage {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ScrubPaceTest, EarnsByTimeAndNeverMoreThanASecondsWorth) {
  ScrubPace pace({.bytes_per_second = 1000, .interval = absl::Seconds(10)});
  ASSERT_TRUE(pace.MayBegin(absl::ZeroDuration()));
  pace.Begin(absl::ZeroDuration());
  EXPECT_FALSE(pace.MayBegin(absl::Seconds(9)));
  EXPECT_TRUE(pace.MayBegin(absl::Seconds(10)));
  EXPECT_EQ(pace.Allowance(absl::ZeroDuration()), 0);
  EXPECT_EQ(pace.Allowance(absl::Milliseconds(500)), 500);
  pace.Spend(800);
  EXPECT_EQ(pace.Allowance(absl::Milliseconds(500)), -300);
  EXPECT_EQ(pace.Allowance(absl::Milliseconds(700)), -100);
  EXPECT_EQ(pace.Allowance(absl::Seconds(100)), 1000);
}

TEST(ScrubPaceTest, ZeroIsOff) {
  EXPECT_FALSE(ScrubPace({.bytes_per_second = 0, .interval = absl::Seconds(1)}).MayBegin(absl::Hours(9)));
}

class ScrubberTest : public LogFixture {
 protected:
  ScrubberTest() {
    dir_options_.scrub_bytes_per_second = 64 << 10;
    dir_options_.scrub_interval_ms = 3'600'000;
    options_.retention_ms = -1;
  }
  // Segments of 64 KiB; the last one is not sealed, and not scrubbed.
  void Fill(int batches) {
    OpenNew();
    ASSERT_NO_FATAL_FAILURE(PutMany(batches, {.records = 3, .value_size = 400}));
    ASSERT_NO_FATAL_FAILURE(CloseAndReopen());
  }
  void ScrubRound() {
    const uint64_t rounds = dir_->stats().scrub.rounds;
    clock_.Advance(absl::Hours(1));
    for (int i = 0; i < 1000 && dir_->stats().scrub.rounds == rounds; ++i) {
      dir_->Tick();
      clock_.Advance(absl::Milliseconds(250));
    }
    ASSERT_EQ(dir_->stats().scrub.rounds, rounds + 1);
  }
  uint64_t SealedBytes() {
    uint64_t bytes = 0;
    const std::vector<std::string> names = SegmentFiles();
    for (size_t i = 0; i + 1 < names.size(); ++i) {
      bytes += *posix_.FileSize(LogPath(names[i]));
    }
    return bytes;
  }
};

TEST_F(ScrubberTest, ARoundReadsAllSealedSegmentsAndFindsNothingInGoodOnes) {
  Fill(300);
  ScrubRound();
  EXPECT_EQ(dir_->stats().scrub.bytes, SealedBytes());
  EXPECT_EQ(dir_->stats().scrub.segments, SegmentFiles().size() - 1);
  EXPECT_EQ(dir_->stats().scrub.faults, 0u);
  EXPECT_THAT(damages_, IsEmpty());
}

TEST_F(ScrubberTest, TheRateIsBounded) {
  Fill(300);
  const absl::Duration begin = clock_.Monotonic();
  while (dir_->stats().scrub.rounds == 0) {
    dir_->Tick();
    const double seconds = absl::ToDoubleSeconds(clock_.Monotonic() - begin);
    // A step may end in the middle of a batch: by so much it may be ahead.
    EXPECT_LE(static_cast<double>(dir_->stats().scrub.bytes), seconds * (64 << 10) + 2000);
    clock_.Advance(absl::Milliseconds(100));
  }
  const double seconds = absl::ToDoubleSeconds(clock_.Monotonic() - begin);
  EXPECT_NEAR(seconds, static_cast<double>(SealedBytes()) / (64 << 10), 1.0);
}

TEST_F(ScrubberTest, TheNextRoundBeginsAfterTheInterval) {
  Fill(200);
  ScrubRound();
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(absl::Seconds(10));
    dir_->Tick();
  }
  EXPECT_EQ(dir_->stats().scrub.rounds, 1u);
  ScrubRound();
  EXPECT_EQ(dir_->stats().scrub.bytes, 2 * SealedBytes());
}

TEST_F(ScrubberTest, EveryRandomBitFlipInASealedSegmentIsFoundAndTheLogGoesOn) {
  Fill(300);
  Random random(7);
  const std::vector<std::string> names = SegmentFiles();
  for (int i = 0; i < 60; ++i) {
    const std::string& name = names[random.Below(names.size() - 1)];
    // A leader epoch has no checksum; in the first and last batch of a segment nothing else tells of it.
    uint64_t position = random.Below(*posix_.FileSize(LogPath(name)));
    damages_.clear();
    const uint64_t faults = dir_->stats().scrub.faults;
    FlipBit(name, position);
    ASSERT_NO_FATAL_FAILURE(ScrubRound());
    const uint64_t in_batch = position % 1302;
    if (in_batch < 12 || in_batch > 15) {
      EXPECT_GT(dir_->stats().scrub.faults, faults) << name << " " << position;
      EXPECT_THAT(damages_, Contains(HasSubstr(name)));
    }
    FlipBit(name, position);
    EXPECT_EQ(Append({.records = 3}).code, AppendCode::kOk);
  }
}

TEST_F(ScrubberTest, DamageIsNamedByFileByteAndOffset) {
  Fill(200);
  const std::string name = SegmentFiles()[1];
  FlipBit(name, 500);
  ScrubRound();
  ASSERT_EQ(damages_.size(), 1u);
  EXPECT_THAT(damages_[0], HasSubstr(LogPath(name)));
  EXPECT_THAT(damages_[0], HasSubstr(absl::StrCat("byte 0, offset ", std::stoll(name), ": the CRC")));
  ASSERT_EQ(dir_->stats().scrub.faults, 1u);
}

TEST_F(ScrubberTest, ATruncatedSegmentAndADiskErrorAreFound) {
  Fill(300);
  const std::string name = SegmentFiles()[1];
  const auto file = posix_.Open(LogPath(name), Disk::OpenMode::kReadWrite);
  ASSERT_EQ((*file)->Truncate(5000), absl::OkStatus());
  ScrubRound();
  EXPECT_THAT(damages_, Contains(HasSubstr("the file ends here")));
  damages_.clear();
  disk_.FailNth(DiskCall::kRead, 1, absl::InternalError("injected EIO"));
  ScrubRound();
  EXPECT_THAT(damages_, Contains(HasSubstr("injected EIO")));
}

TEST_F(ScrubberTest, SegmentsThatRetentionRemovesMeanwhileArePassedOver) {
  Fill(300);
  clock_.Advance(absl::Hours(1));
  for (int step = 0; dir_->stats().scrub.rounds == 0; ++step) {
    clock_.Advance(absl::Milliseconds(100));
    dir_->Tick();
    if (step % 3 == 0 && log_->start() < Offset(800)) {
      ASSERT_EQ(log_->AdvanceStart(Offset(log_->start().value() + 40)), absl::OkStatus());
      clock_.Advance(absl::Minutes(2));  // The files go.
    }
  }
  EXPECT_THAT(damages_, IsEmpty());
  EXPECT_EQ(dir_->stats().scrub.faults, 0u);
}

TEST_F(ScrubberTest, ADeletedLogIsPassedOver) {
  Fill(300);
  clock_.Advance(absl::Hours(1));
  dir_->Tick();
  clock_.Advance(absl::Milliseconds(500));
  dir_->Tick();
  ASSERT_GT(dir_->stats().scrub.bytes, 0u);
  ASSERT_EQ(dir_->Delete(id_), absl::OkStatus());
  for (int i = 0; i < 10; ++i) {
    clock_.Advance(absl::Seconds(1));
    dir_->Tick();
  }
  EXPECT_EQ(dir_->stats().scrub.rounds, 1u);
  EXPECT_THAT(damages_, IsEmpty());
}

TEST_F(ScrubberTest, ZeroBytesASecondIsOff) {
  dir_options_.scrub_bytes_per_second = 0;
  Fill(200);
  for (int i = 0; i < 10; ++i) {
    clock_.Advance(absl::Hours(24));
    dir_->Tick();
  }
  EXPECT_EQ(dir_->stats().scrub.bytes, 0u);
}

}  // namespace
}  // namespace sluice::storage
