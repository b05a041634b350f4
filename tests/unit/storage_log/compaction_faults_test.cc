// Compaction that is stopped midway, whose calls fail, or whose files were damaged.
#include "compaction_fixture.h"
#include "proto/record/batch_patch.h"

namespace sluice::storage {
namespace {

using ::testing::HasSubstr;

class CompactionFaultsTest : public CompactionFixture {
 protected:
  // Why the log is not served.
  absl::Status OpenDamaged() {
    const absl::Status opened = TryOpen();
    const std::vector<LogDir::DamagedLog> damaged =
        opened.ok() ? dir_->damaged() : std::vector<LogDir::DamagedLog>();
    return damaged.empty() ? opened : damaged[0].status;
  }
};

// The process dies at each call that changes the disk: reopened, the log is sound, and compaction goes on.
struct CrashCase {
  bool lose_index;
  Durability durability;
};
class CompactionCrashTest : public CompactionFixture, public ::testing::WithParamInterface<CrashCase> {};

TEST_P(CompactionCrashTest, AStopAtAnyChangeLosesNothing) {
  options_.durability = GetParam().durability;
  for (int64_t stop = 1;; ++stop) {
    SCOPED_TRACE(absl::StrCat("stopped at change ", stop));
    dir_options_.path = temp_ / absl::StrCat("crash", stop);
    all_.clear();
    OpenNew();
    PutSmallSegments();
    PutKeyed({{"key3", std::nullopt}});
    Seal();
    PutRound(5, 11);
    ASSERT_NO_FATAL_FAILURE(AwaitReadable());
    const int64_t changes = disk_.changes();
    disk_.StopAtChange(stop);
    dir_->CompactDue();
    const bool died = disk_.changes() - changes >= stop;
    Crash();
    disk_.GoOn();
    fatal_.clear();
    warnings_.clear();
    if (GetParam().lose_index) {
      RemoveIndex();
    }
    ASSERT_NO_FATAL_FAILURE(Open());
    ASSERT_EQ(log_->end().value(), static_cast<int64_t>(all_.size()));
    ASSERT_NO_FATAL_FAILURE(ExpectSound(Consume(0)));
    ASSERT_NO_FATAL_FAILURE(ExpectSound(Consume(100, 700, false), 100));
    Seal();
    dir_->CompactDue();
    ASSERT_TRUE(warnings_.empty()) << warnings_[0];
    ASSERT_NO_FATAL_FAILURE(ExpectCompacted(log_->end().value()));
    Crash();
    ASSERT_EQ(posix_.RemoveTree(dir_options_.path), absl::OkStatus());
    if (!died) {
      EXPECT_GT(stop, 15) << "there are more calls than these";
      break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Index, CompactionCrashTest,
                         ::testing::Values(CrashCase{false, Durability::kPageCache},
                                           CrashCase{true, Durability::kPageCache},
                                           CrashCase{false, Durability::kSynced},
                                           CrashCase{true, Durability::kSynced}),
                         [](const auto& info) {
                           return absl::StrCat(info.param.lose_index ? "lost" : "kept",
                                               info.param.durability == Durability::kSynced ? "Synced" : "");
                         });

// One call fails, and the process goes on: the log serves what it held, before and after a restart.
TEST_F(CompactionFaultsTest, AFailedCallLeavesTheLogWhole) {
  for (const DiskCall call : {DiskCall::kOpen, DiskCall::kRead, DiskCall::kWrite, DiskCall::kRename,
                              DiskCall::kUnlink, DiskCall::kSync, DiskCall::kSyncDirectory}) {
    for (int64_t nth = 1; nth < 60; ++nth) {
      SCOPED_TRACE(absl::StrCat("call ", static_cast<int>(call), ", the ", nth, "th"));
      dir_options_.path = temp_ / absl::StrCat("fail", static_cast<int>(call), "-", nth);
      all_.clear();
      OpenNew();
      PutSmallSegments();
      const int64_t calls = disk_.calls(call);
      disk_.FailNth(call, nth, absl::ResourceExhaustedError("injected"));
      dir_->CompactDue();
      const bool failed = disk_.calls(call) - calls >= nth;
      disk_.Heal(call);
      if (fatal_.empty()) {  // Else the log dir is offline, and only a restart helps.
        ASSERT_NO_FATAL_FAILURE(ExpectSound(Consume(0)));
        PutRound(1, 11);
        ASSERT_NO_FATAL_FAILURE(ExpectSound(Consume(0)));
        clock_.Advance(absl::Hours(1));
        Seal();
        dir_->CompactDue();
        ASSERT_NO_FATAL_FAILURE(ExpectCompacted(log_->end().value()));
      }
      fatal_.clear();
      warnings_.clear();
      CrashAndReopen();
      ASSERT_NO_FATAL_FAILURE(ExpectSound(Consume(0)));
      Crash();
      ASSERT_EQ(posix_.RemoveTree(dir_options_.path), absl::OkStatus());
      if (!failed) {
        break;
      }
    }
  }
}

TEST_F(CompactionFaultsTest, AGapWhereNothingWasCompactedIsDamage) {
  OpenNew();
  PutRound(1000, 10);
  Seal();
  PutRound(300, 10);
  Seal();
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  Crash();
  RemoveIndex();
  // The second segment without its first batch: as a compacted one would look.
  const std::string path = LogPath(SegmentFiles()[1]);
  std::string text = *posix_.ReadFile(path);
  text.erase(0, *record::PeekBatchSize(AsBytes(text)));
  ASSERT_EQ(posix_.ReplaceFile(path, text), absl::OkStatus());
  const absl::Status refused = OpenDamaged();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss) << refused;
}

TEST_F(CompactionFaultsTest, ACutOrDamagedCompactedSegmentIsFoundWithoutTheIndex) {
  for (const bool cut : {true, false}) {
    dir_options_.path = temp_ / absl::StrCat("damaged", cut);
    all_.clear();
    OpenNew();
    PutRound(1000, 10);
    Seal();
    ASSERT_EQ(dir_->CompactDue(), 1u);
    PutRound(10, 10);
    Crash();
    RemoveIndex();
    const std::vector<std::string> names = SegmentFiles();
    const std::string path = LogPath(names[names.size() - 2]);
    std::string text = *posix_.ReadFile(path);
    ASSERT_GT(text.size(), 1000u);
    const size_t first = *record::PeekBatchSize(AsBytes(text));
    if (cut) {
      text.resize(first);
    } else {
      text[first + 30] ^= 1;
    }
    ASSERT_EQ(posix_.ReplaceFile(path, text), absl::OkStatus());
    const absl::Status refused = OpenDamaged();
    EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(absl::StrCat("byte ", first)));
    EXPECT_THAT(std::string(refused.message()), HasSubstr("compacted"));
    Crash();
  }
}

}  // namespace
}  // namespace sluice::storage
