#include "tests/crash/history.h"

#include <gtest/gtest.h>

namespace sluice::crash {
namespace {

const std::vector<int64_t> kSent = {3, 1};

TEST(HistoryCheck, GoodHistoryHasNoAnomaly) {
  const Anomalies found = Check({{{0, 0}, 0, 0}, {{0, 1}, 0, 1}, {{1, 0}, 0, 2}},
                                {{0, {{0, {0, 0}}, {1, {0, 1}}, {2, {1, 0}}, {3, {0, 2}}}}}, kSent);
  EXPECT_TRUE(found.none()) << found.first;
}

TEST(HistoryCheck, AckedValueThatIsNowhereIsLost) {
  EXPECT_EQ(Check({{{0, 0}, 0, 0}, {{0, 1}, 0, 1}}, {{0, {{0, {0, 0}}}}}, kSent).lost, 1);
}

TEST(HistoryCheck, AckedValueElsewhereIsMoved) {
  EXPECT_EQ(Check({{{0, 0}, 0, 7}}, {{0, {{0, {0, 0}}}}}, kSent).moved, 1);
  EXPECT_EQ(Check({{{0, 0}, 1, 0}}, {{0, {{0, {0, 0}}}}}, kSent).moved, 1);
}

TEST(HistoryCheck, ValueAtTwoOffsetsIsDuplicated) {
  EXPECT_EQ(Check({}, {{0, {{0, {0, 0}}, {1, {0, 0}}}}}, kSent).duplicated, 1);
  EXPECT_EQ(Check({}, {{0, {{0, {0, 0}}}}, {1, {{0, {0, 0}}}}}, kSent).duplicated, 1);
}

TEST(HistoryCheck, LaterValueBeforeAnEarlierOneIsReordered) {
  EXPECT_EQ(Check({}, {{0, {{0, {0, 1}}, {1, {0, 0}}}}}, kSent).reordered, 1);
}

TEST(HistoryCheck, ValueThatNobodySentIsForeign) {
  EXPECT_EQ(Check({}, {{0, {{0, {0, 3}}}}}, kSent).foreign, 1);
  EXPECT_EQ(Check({}, {{0, {{0, {2, 0}}}}}, kSent).foreign, 1);
}

}  // namespace
}  // namespace sluice::crash
