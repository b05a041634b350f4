#include "storage/disk/one_line_file.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/disk/posix_disk.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

using ::testing::HasSubstr;

class OneLineFileTest : public ::testing::Test {
 protected:
  TempDir temp_;
  PosixDisk disk_;
  const std::string path_ = temp_ / "file";
};

TEST_F(OneLineFileTest, TellsTheLineThatWasWrittenLast) {
  ASSERT_EQ(WriteOneLineFile(disk_, path_, "first"), absl::OkStatus());
  ASSERT_EQ(WriteOneLineFile(disk_, path_, "second"), absl::OkStatus());
  EXPECT_EQ(**ReadOneLineFile(disk_, path_), "second");
  EXPECT_EQ(*disk_.ReadFile(path_), "version=1\nsecond\n");
}

TEST_F(OneLineFileTest, AMissingFileIsNothingAndACutOneIsEmpty) {
  EXPECT_EQ(*ReadOneLineFile(disk_, path_), std::nullopt);
  ASSERT_EQ(disk_.ReplaceFile(path_, "version=1"), absl::OkStatus());
  EXPECT_EQ(**ReadOneLineFile(disk_, path_), "");
}

TEST_F(OneLineFileTest, AnotherVersionIsRefusedInWords) {
  for (const absl::string_view text : {"version=2\nline\n", "", "line\n"}) {
    ASSERT_EQ(disk_.ReplaceFile(path_, text), absl::OkStatus());
    const absl::Status refused = ReadOneLineFile(disk_, path_).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("start the version that wrote it"));
  }
}

}  // namespace
}  // namespace sluice::storage
