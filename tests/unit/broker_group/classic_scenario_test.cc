// Every file of tests/scenario/classic_group is a test: a line is an event, the lines behind it that begin
// with "->" are what comes of it, all of it and in this order.
#include "tests/unit/broker_group/classic_scenario.h"

#include "gtest/gtest.h"
#include "tests/unit/broker_group/scenario_file.h"

namespace sluice::broker {
namespace {

class ClassicScenarioTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ClassicScenarioTest, GoesAsWritten) {
  ClassicScenario scenario;
  ExpectGoesAsWritten("classic_group", GetParam(), &scenario);
}

INSTANTIATE_TEST_SUITE_P(All, ClassicScenarioTest, ::testing::ValuesIn(ScenarioNames("classic_group")),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace sluice::broker
