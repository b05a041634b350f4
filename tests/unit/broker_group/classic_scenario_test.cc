// Every file of tests/scenario/classic_group is a test: a line is an event, the lines behind it that begin
// with "->" are what comes of it, all of it and in this order.
#include "tests/unit/broker_group/classic_scenario.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace sluice::broker {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> ScenarioNames() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(SCENARIO_DIR "/classic_group")) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct Step {
  int line_number = 0;
  std::string event;
  std::vector<std::string> expected;
};

std::vector<Step> ReadScenario(const std::string& name) {
  std::ifstream in(absl::StrCat(SCENARIO_DIR "/classic_group/", name, ".txt"));
  std::vector<Step> steps;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    if (text.empty() || text.front() == '#') {
      continue;
    }
    absl::string_view expected = text;
    if (absl::ConsumePrefix(&expected, "->")) {
      steps.back().expected.emplace_back(absl::StripAsciiWhitespace(expected));
    } else {
      steps.push_back({number, std::string(text), {}});
    }
  }
  return steps;
}

class ClassicScenarioTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ClassicScenarioTest, GoesAsWritten) {
  const std::vector<Step> steps = ReadScenario(GetParam());
  ASSERT_FALSE(steps.empty());
  ClassicScenario scenario;
  for (const Step& step : steps) {
    ASSERT_EQ(absl::StrJoin(scenario.Run(step.event), "\n"), absl::StrJoin(step.expected, "\n"))
        << GetParam() << ".txt:" << step.line_number << ": " << step.event;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ClassicScenarioTest, ::testing::ValuesIn(ScenarioNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace sluice::broker
