// Files of tests/scenario, as tests/scenario/README.md describes them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace sluice::broker {

// A line that is an event: "TIME VERB NAME... KEY=VALUE...".
class ScenarioLine {
 public:
  // Nothing when it is none.
  static std::optional<ScenarioLine> Parse(absl::string_view line);

  int64_t now_ms() const { return now_ms_; }
  const std::string& verb() const { return verb_; }
  const std::vector<std::string>& names() const { return names_; }
  std::string name() const { return names_.empty() ? "" : names_.front(); }
  const std::map<std::string, std::string>& options() const { return options_; }

  bool Has(const std::string& key) const { return options_.contains(key); }
  std::string Get(const std::string& key, const std::string& otherwise = "") const;
  int32_t GetInt(const std::string& key, int32_t otherwise) const;
  std::optional<std::string> GetOptional(const std::string& key) const;

 private:
  int64_t now_ms_ = 0;
  std::string verb_;
  std::vector<std::string> names_;
  std::map<std::string, std::string> options_;
};

// The files of a folder, by their names without ".txt".
std::vector<std::string> ScenarioNames(const std::string& folder);

struct ScenarioStep {
  int line_number = 0;
  std::string event;
  std::vector<std::string> expected;
};
std::vector<ScenarioStep> ReadScenario(const std::string& folder, const std::string& name);

// All of a file's events, each of which must lead to what stands behind it.
template <class Scenario>
void ExpectGoesAsWritten(const std::string& folder, const std::string& name, Scenario* scenario) {
  const std::vector<ScenarioStep> steps = ReadScenario(folder, name);
  ASSERT_FALSE(steps.empty());
  for (const ScenarioStep& step : steps) {
    ASSERT_EQ(absl::StrJoin(scenario->Run(step.event), "\n"), absl::StrJoin(step.expected, "\n"))
        << name << ".txt:" << step.line_number << ": " << step.event;
  }
}

}  // namespace sluice::broker
