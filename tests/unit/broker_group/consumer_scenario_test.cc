// Every file of tests/scenario/consumer_group is a test: a line is an event, the lines behind it that begin
// with "->" are what comes of it, all of it and in this order.
#include "tests/unit/broker_group/consumer_scenario.h"

#include "gtest/gtest.h"

namespace sluice::broker {
namespace {

class ConsumerScenarioTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ConsumerScenarioTest, GoesAsWritten) {
  ConsumerScenario scenario;
  ExpectGoesAsWritten("consumer_group", GetParam(), &scenario);
}

INSTANTIATE_TEST_SUITE_P(All, ConsumerScenarioTest, ::testing::ValuesIn(ScenarioNames("consumer_group")),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace sluice::broker
