#include "broker/net/residency.h"

#include "broker/net/drop_behind.h"
#include "gtest/gtest.h"
#include "net_testing.h"

namespace sluice::broker {
namespace {

constexpr uint64_t kMiB = 1024 * 1024;

TEST(Residency, WrittenBytesAreResidentUntilDropped) {
  auto file = MakeFile(Pattern(2 * kMiB));
  const storage::FileRange range{file, 100, kMiB};
  EXPECT_TRUE(IsResident(range));
  MakeCold(*file);
  EXPECT_FALSE(IsResident(range));
}

TEST(Residency, ColdRangeIsMadeResident) {
  auto file = MakeFile(Pattern(4 * kMiB));
  MakeCold(*file);
  const storage::FileRange range{file, 4097, 2 * kMiB + 17};
  ASSERT_TRUE(MakeResident(range).ok());
  EXPECT_TRUE(IsResident(range));
}

TEST(Residency, OneMissingPageIsNoticed) {
  auto file = MakeFile(Pattern(2 * kMiB));
  MakeCold(*file);
  ASSERT_TRUE(MakeResident({file, 0, kMiB}).ok());
  DropFromCache({file, 512 * 1024, 4096});
  if (IsResident({file, 512 * 1024, 4096})) {
    GTEST_SKIP() << "this file system keeps that page in a larger folio";
  }
  EXPECT_FALSE(IsResident({file, 0, kMiB}));
}

TEST(Residency, RangeBeyondTheEndIsAnErrorThatNamesTheFile) {
  auto file = MakeFile("short");
  const absl::Status status = MakeResident({file, 0, 100'000});
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_NE(status.message().find("segment.log, bytes 0 to 100000"), absl::string_view::npos) << status;
}

TEST(Residency, ReadResidentGivesBytesOnlyFromMemory) {
  auto file = MakeFile(Pattern(100'000));
  Bytes into(1000);
  EXPECT_EQ(ReadResident(*file, 99'000, into), 0);
  EXPECT_TRUE(AsText(into) == Pattern(100'000).substr(99'000));
  EXPECT_EQ(ReadResident(*file, 99'001, into), ENODATA);
  MakeCold(*file);
  EXPECT_EQ(ReadResident(*file, 99'000, into), EAGAIN);
  EXPECT_EQ(ReadFully(*file, 99'000, into), 0);
}

TEST(DropBehind, KeepsTheNewestRangesUntilAllMayGo) {
  storage::InlineExecutor inline_pool;
  auto file = MakeFile(Pattern(24 * kMiB));
  ASSERT_EQ(::fdatasync(file->fd()), 0);
  DropBehind behind;
  for (uint64_t at = 0; at < 24; ++at) {
    behind.Add({file, at * kMiB, kMiB}, inline_pool);
  }
  EXPECT_FALSE(IsResident({file, 0, kMiB}));
  EXPECT_TRUE(IsResident({file, 18 * kMiB, 6 * kMiB}));
  behind.DropAll(inline_pool);
  EXPECT_FALSE(IsResident({file, 23 * kMiB, kMiB}));
}

}  // namespace
}  // namespace sluice::broker
