#include "proto/base/status_macros.h"

#include <memory>

#include "gtest/gtest.h"

namespace sluice {
namespace {

absl::Status Pass(const absl::Status& status, bool* reached) {
  RETURN_IF_ERROR(status);
  *reached = true;
  return absl::OkStatus();
}

absl::StatusOr<int> Unwrap(absl::StatusOr<std::unique_ptr<int>> number) {
  ASSIGN_OR_RETURN(std::unique_ptr<int> value, std::move(number));
  ASSIGN_OR_RETURN(const int same, absl::StatusOr<int>(*value));
  return same + 1;
}

TEST(StatusMacrosTest, AnErrorReturnsAtOnce) {
  bool reached = false;
  EXPECT_TRUE(absl::IsNotFound(Pass(absl::NotFoundError("gone"), &reached)));
  EXPECT_FALSE(reached);
  EXPECT_TRUE(Pass(absl::OkStatus(), &reached).ok());
  EXPECT_TRUE(reached);
}

TEST(StatusMacrosTest, AssignTakesMoveOnlyValuesAndPassesErrors) {
  EXPECT_EQ(*Unwrap(std::make_unique<int>(41)), 42);
  EXPECT_EQ(Unwrap(absl::DataLossError("torn")).status(), absl::DataLossError("torn"));
}

TEST(StatusMacrosTest, ContextGoesInFrontAndKeepsTheCode) {
  EXPECT_EQ(WithContext(absl::DataLossError("bad CRC"), "segment 42.log"),
            absl::DataLossError("segment 42.log: bad CRC"));
}

}  // namespace
}  // namespace sluice
