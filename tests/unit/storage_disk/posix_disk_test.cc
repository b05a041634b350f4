#include "storage/disk/posix_disk.h"

#include <cstring>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ReadAll(File& file, uint64_t position, size_t size) {
  std::string text(size, '?');
  const auto got = file.ReadAt(position, {reinterpret_cast<std::byte*>(text.data()), text.size()});
  EXPECT_TRUE(got.ok()) << got.status();
  text.resize(got.value_or(0));
  return text;
}

class PosixDiskTest : public ::testing::Test {
 protected:
  std::unique_ptr<File> Create(const std::string& name) {
    auto file = disk_.Open(dir_ / name, Disk::OpenMode::kCreateNew);
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }

  TempDir dir_;
  PosixDisk disk_;
};

TEST_F(PosixDiskTest, WhatWasWrittenIsReadBack) {
  auto file = Create("a");
  ASSERT_TRUE(file->WriteAt(3, AsBytes("hello")).ok());
  EXPECT_EQ(ReadAll(*file, 0, 100), std::string("\0\0\0hello", 8));
  EXPECT_EQ(*file->Size(), 8u);
  EXPECT_EQ(*disk_.FileSize(dir_ / "a"), 8u);
}

TEST_F(PosixDiskTest, AllocationExtendsTheFileWithZeroes) {
  auto file = Create("a");
  ASSERT_TRUE(file->Allocate(0, 8192).ok());
  EXPECT_EQ(*file->Size(), 8192u);
  EXPECT_EQ(ReadAll(*file, 8190, 10), std::string(2, '\0'));
  ASSERT_TRUE(file->Truncate(5).ok());
  EXPECT_EQ(*file->Size(), 5u);
}

TEST_F(PosixDiskTest, AStoreThroughTheMapIsSeenByReads) {
  auto file = Create("a");
  auto map = file->Map(1 << 20);
  ASSERT_TRUE(map.ok()) << map.status();
  ASSERT_TRUE(file->Allocate(0, 16384).ok());
  ASSERT_TRUE((*map)->Populate(100, 16384 - 100).ok());
  std::memcpy((*map)->data() + 5000, "mapped", 6);
  EXPECT_EQ(ReadAll(*file, 5000, 6), "mapped");
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_TRUE(file->StartWriteback(0, 16384).ok());
}

TEST_F(PosixDiskTest, ASharedFileIsReadableAfterItsUnlinking) {
  std::shared_ptr<const SharedFile> shared;
  {
    auto file = Create("a");
    ASSERT_TRUE(file->WriteAt(0, AsBytes("still here")).ok());
    shared = file->shared();
  }
  ASSERT_TRUE(disk_.Unlink(dir_ / "a").ok());
  char text[10];
  EXPECT_EQ(::pread(shared->fd(), text, sizeof(text), 0), 10);
  EXPECT_EQ(std::string(text, 10), "still here");
}

TEST_F(PosixDiskTest, ErrorsNameFileCallAndReason) {
  const auto missing = disk_.Open(dir_ / "none", Disk::OpenMode::kReadOnly);
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(missing.status().message(), dir_ / "none" + ": open: No such file or directory");

  Create("a");
  const auto again = disk_.Open(dir_ / "a", Disk::OpenMode::kCreateNew);
  EXPECT_EQ(again.status().code(), absl::StatusCode::kAlreadyExists);

  EXPECT_EQ(disk_.Unlink(dir_ / "none").code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(disk_.Rename(dir_ / "none", dir_ / "b").message()), HasSubstr("rename to "));
}

TEST_F(PosixDiskTest, AFullFilesystemIsResourceExhausted) {
  auto full = disk_.Open("/dev/full", Disk::OpenMode::kReadWrite);
  ASSERT_TRUE(full.ok()) << full.status();
  const absl::Status status = (*full)->WriteAt(0, AsBytes("x"));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "/dev/full: pwrite: No space left on device");
}

TEST_F(PosixDiskTest, AllocatedSpaceThatNobodyWroteToHoldsNoData) {
  constexpr uint64_t kUnit = 2 << 20;  // No folio is larger, and a folio that holds a byte is data.
  const std::unique_ptr<File> file = Create("f");
  ASSERT_TRUE(file->Allocate(0, 4 * kUnit).ok());
  ASSERT_TRUE(file->WriteAt(2 * kUnit, AsBytes("x")).ok());
  const uint64_t data = file->NextData(0);
  EXPECT_GT(data, kUnit);
  EXPECT_LE(data, 2 * kUnit);
  EXPECT_EQ(file->NextData(2 * kUnit), 2 * kUnit);
  EXPECT_EQ(file->NextData(3 * kUnit), 4 * kUnit);
  EXPECT_EQ(file->NextData(5 * kUnit), 5 * kUnit);
}

TEST_F(PosixDiskTest, BytesStoredThroughAMapAreData) {
  const std::unique_ptr<File> file = Create("f");
  ASSERT_TRUE(file->Allocate(0, 8 << 20).ok());
  auto map = file->Map(8 << 20);
  ASSERT_TRUE(map.ok()) << map.status();
  (*map)->data()[5 << 20] = std::byte{1};
  EXPECT_LE(file->NextData(0), 5u << 20);
}

TEST_F(PosixDiskTest, DirectoriesAreMadeListedAndRemoved) {
  ASSERT_TRUE(disk_.CreateDirectory(dir_ / "x/y").ok());
  ASSERT_TRUE(disk_.CreateDirectory(dir_ / "x/y").ok());
  ASSERT_TRUE(disk_.ReplaceFile(dir_ / "x/b", "1").ok());
  ASSERT_TRUE(disk_.ReplaceFile(dir_ / "x/a", "2").ok());
  ASSERT_TRUE(disk_.SyncDirectory(dir_ / "x").ok());
  EXPECT_THAT(*disk_.List(dir_ / "x"), ElementsAre("a", "b", "y"));
  ASSERT_TRUE(disk_.RemoveTree(dir_ / "x").ok());
  EXPECT_FALSE(disk_.Exists(dir_ / "x"));
}

TEST_F(PosixDiskTest, ReplaceFileLeavesTheNewContentAndNoTemporary) {
  ASSERT_TRUE(disk_.ReplaceFile(dir_ / "f", "old").ok());
  ASSERT_TRUE(disk_.ReplaceFile(dir_ / "f.tmp", "left by a crash").ok());
  ASSERT_TRUE(disk_.ReplaceFile(dir_ / "f", "new").ok());
  EXPECT_EQ(*disk_.ReadFile(dir_ / "f"), "new");
  EXPECT_THAT(*disk_.List(dir_.path()), ElementsAre("f"));
}

}  // namespace
}  // namespace sluice::storage
