#include "broker/group/core/consumer/topic_regex.h"

#include "gtest/gtest.h"

namespace sluice::broker {
namespace {

using Names = std::set<std::string>;

TEST(TopicRegexTest, AnExpressionStandsForWholeNames) {
  EXPECT_EQ(MatchTopics("orders", {"orders", "orders-a", "my-orders"}), Names({"orders"}));
  EXPECT_EQ(MatchTopics("orders.*", {"orders", "orders-a", "my-orders"}), Names({"orders", "orders-a"}));
  EXPECT_EQ(MatchTopics("^orders$", {"orders", "orders-a"}), Names({"orders"}));
  EXPECT_EQ(MatchTopics("(?i)ORDERS|users", {"orders", "users", "other"}), Names({"orders", "users"}));
  EXPECT_EQ(MatchTopics("[a", {"a"}), Names());
}

TEST(TopicRegexTest, WhatTakesMoreThanLinearTimeIsNoExpression) {
  EXPECT_FALSE(RegexMistake("orders-[0-9]+").has_value());
  EXPECT_TRUE(RegexMistake("(a)\\1").has_value());
  EXPECT_TRUE(RegexMistake("(?=a)b").has_value());
  EXPECT_TRUE(RegexMistake("*").has_value());
  EXPECT_TRUE(RegexMistake("a{100000}").has_value());
}

}  // namespace
}  // namespace sluice::broker
