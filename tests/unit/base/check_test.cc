#include "proto/base/check.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "proto/base/ids.h"

namespace sluice {
namespace {

TEST(CheckTest, WhatHoldsCostsNothing) {
  CHECK(true);
  CHECK_EQ(1, 1);
  CHECK_LT(Offset(1), Offset(2));
  CHECK_OK(absl::OkStatus());
}

TEST(CheckTest, EachOperandIsEvaluatedOnce) {
  int calls = 0;
  CHECK_GE(++calls, 1);
  EXPECT_EQ(calls, 1);
}

TEST(CheckDeathTest, NamesTheConditionAndTheValues) {
  EXPECT_DEATH(CHECK(1 > 2), "check_test.cc:[0-9]+: CHECK failed: 1 > 2");
  const int written = 3;
  EXPECT_DEATH(CHECK_EQ(written, 4), "written == 4: 3 against 4");
  EXPECT_DEATH(CHECK_LE(Offset(9), Offset(8)), "9 against 8");
  EXPECT_DEATH(CHECK_OK(absl::DataLossError("bad page")), "bad page");
}

}  // namespace
}  // namespace sluice
