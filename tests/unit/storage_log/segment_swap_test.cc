// The swap, step by step on files: whatever a power cut leaves of the steps, the start finishes or undoes it.
#include "storage/log/segment_swap.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/record/batch_builder.h"
#include "storage/disk/posix_disk.h"
#include "storage/log/segment_name.h"
#include "tests/support/fault_disk.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

using ::testing::ElementsAre;

constexpr char kA[] = "00000000000000000000.log";
constexpr char kB[] = "00000000000000000010.log";
constexpr char kC[] = "00000000000000000020.log";
constexpr char kNext[] = "00000000000000000030.log";

class SegmentSwapTest : public ::testing::Test {
 protected:
  // One batch that holds offsets [base, base + 10).
  static std::string Batch(int64_t base, const std::string& value) {
    record::BatchBuilder builder({.base_offset = Offset(base)});
    for (int i = 0; i < 10; ++i) {
      CHECK_OK(builder.Append(1000, AsBytes("key"), AsBytes(value)));
    }
    return std::string(AsText(*builder.Build()));
  }
  void Put(const std::string& name, const std::string& text) {
    ASSERT_EQ(disk_.ReplaceFile(temp_ / name, text), absl::OkStatus());
  }
  void PutOlds() {
    Put(kA, Batch(0, "old"));
    Put(kB, Batch(10, "old"));
    Put(kC, Batch(20, "old"));
    Put(kNext, Batch(30, "old"));
  }
  std::string Text(const std::string& name) { return disk_.ReadFile(temp_ / name).value_or("none"); }
  std::vector<std::string> Names() { return *disk_.List(temp_.path()); }
  absl::Status Start() { return FinishSwaps(disk_, temp_.path(), Names()).status(); }

  const std::string cleaned_ = Batch(0, "new") + Batch(20, "new");
  TempDir temp_;
  PosixDisk disk_;
};

TEST_F(SegmentSwapTest, TheNewFileTakesThePlaceOfAll) {
  PutOlds();
  Put(absl::StrCat(kA, kCleanedSuffix), cleaned_);
  bool undone;
  ASSERT_EQ(SwapSegments(disk_, {temp_.path(), {Offset(0), Offset(10), Offset(20)}}, &undone),
            absl::OkStatus());
  EXPECT_THAT(Names(), ElementsAre(kA, absl::StrCat(kB, ".deleted"), absl::StrCat(kC, ".deleted"), kNext));
  EXPECT_EQ(Text(kA), cleaned_);
}

TEST_F(SegmentSwapTest, TheOldFilesStayUntilThePromiseIsOnTheDisk) {
  PutOlds();
  Put(absl::StrCat(kA, kCleanedSuffix), cleaned_);
  FaultDisk faulty(disk_);
  faulty.FailNth(DiskCall::kSyncDirectory, 1, absl::DataLossError("fsync: injected"));
  bool undone;
  EXPECT_FALSE(SwapSegments(faulty, {temp_.path(), {Offset(0), Offset(10), Offset(20)}}, &undone).ok());
  EXPECT_FALSE(undone);
  EXPECT_EQ(Text(kB), Batch(10, "old"));
  EXPECT_EQ(Text(kC), Batch(20, "old"));
}

TEST_F(SegmentSwapTest, AnUnfinishedFileIsRemovedAtTheStart) {
  PutOlds();
  Put(absl::StrCat(kA, kCleanedSuffix), cleaned_.substr(0, 100));
  ASSERT_EQ(Start(), absl::OkStatus());
  EXPECT_THAT(Names(), ElementsAre(kA, kB, kC, kNext));
  EXPECT_EQ(Text(kA), Batch(0, "old"));
}

// Between two syncs of the directory any of the renames may be lost, in any order.
TEST_F(SegmentSwapTest, APromiseIsKeptWhateverOfTheOldFilesIsLeft) {
  for (int left = 0; left < 8; ++left) {
    SCOPED_TRACE(left);
    PutOlds();
    Put(absl::StrCat(kA, kSwapSuffix), cleaned_);
    const char* const olds[] = {kA, kB, kC};
    for (int i = 0; i < 3; ++i) {
      if ((left & (1 << i)) == 0) {
        ASSERT_EQ(disk_.Unlink(temp_ / olds[i]), absl::OkStatus());
      }
    }
    ASSERT_EQ(Start(), absl::OkStatus());
    EXPECT_THAT(Names(), ElementsAre(kA, kNext));
    EXPECT_EQ(Text(kA), cleaned_);
    EXPECT_EQ(Text(kNext), Batch(30, "old"));
  }
}

TEST_F(SegmentSwapTest, ADamagedPromiseIsRefusedAndNothingIsRemoved) {
  PutOlds();
  Put(absl::StrCat(kA, kSwapSuffix), cleaned_.substr(0, cleaned_.size() - 5));
  const absl::Status refused = Start();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr(".swap: byte "));
  EXPECT_THAT(Names(), ElementsAre(kA, absl::StrCat(kA, ".swap"), kB, kC, kNext));
}

}  // namespace
}  // namespace sluice::storage
