// Runs a scenario file (tests/scenario/README.md) against a ClassicGroup and shows what came of each line.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "broker/group/core/classic_group.h"
#include "tests/unit/broker_group/scenario_file.h"

namespace sluice::broker {

class ClassicScenario {
 public:
  // What the group answers to one line, each in a line of its own; a line that cannot be read says so.
  std::vector<std::string> Run(absl::string_view text);

 private:
  void SetLimits(const ScenarioLine& line);
  void Join(const ScenarioLine& line);
  void Sync(const ScenarioLine& line);
  void Leave(const ScenarioLine& line);
  MemberClaim Claim(const ScenarioLine& line) const;
  std::string NameOf(AnswerToken token) const { return names_.at(token); }
  void Show(const ClassicEffects& effects);
  void ShowState();

  GroupLimits limits_;
  ClassicGroup group_{"g", limits_};
  int64_t now_ms_ = 0;
  AnswerToken last_token_ = 0;
  std::map<AnswerToken, std::string> names_;  // What the scenario calls each request.
  std::vector<std::string> shown_;
};

}  // namespace sluice::broker
