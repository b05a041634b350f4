#include "tests/support/fault_disk.h"

#include "gtest/gtest.h"
#include "storage/disk/posix_disk.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

TEST(FaultDiskTest, OnlyTheChosenCallFails) {
  TempDir dir;
  PosixDisk posix;
  FaultDisk disk(posix);
  auto file = disk.Open(dir / "a", Disk::OpenMode::kCreateNew);
  ASSERT_TRUE(file.ok());
  disk.FailNth(DiskCall::kSync, 2, absl::DataLossError("injected"));
  EXPECT_TRUE((*file)->Sync().ok());
  EXPECT_EQ((*file)->Sync(), absl::DataLossError("injected"));
  EXPECT_TRUE((*file)->Sync().ok());
}

TEST(FaultDiskTest, ADiskStaysFullUntilItIsHealed) {
  TempDir dir;
  PosixDisk posix;
  FaultDisk disk(posix);
  auto file = disk.Open(dir / "a", Disk::OpenMode::kCreateNew);
  disk.FailAllFrom(DiskCall::kAllocate, 1, absl::ResourceExhaustedError("full"));
  EXPECT_FALSE((*file)->Allocate(0, 1).ok());
  EXPECT_FALSE((*file)->Allocate(0, 1).ok());
  disk.Heal(DiskCall::kAllocate);
  EXPECT_TRUE((*file)->Allocate(0, 1).ok());
}

}  // namespace
}  // namespace sluice::storage
