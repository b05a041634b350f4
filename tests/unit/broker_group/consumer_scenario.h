// Runs a scenario file (tests/scenario/README.md) against a ConsumerGroup and shows what came of each line.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "broker/group/core/consumer/consumer_group.h"
#include "tests/unit/broker_group/fake_topics.h"
#include "tests/unit/broker_group/scenario_file.h"

namespace sluice::broker {

class ConsumerScenario {
 public:
  // What the group answers to one line, each in a line of its own; a line that cannot be read says so.
  std::vector<std::string> Run(absl::string_view text);

 private:
  void SetLimits(const ScenarioLine& line);
  void SetTopics(const ScenarioLine& line);
  void Heartbeat(const ScenarioLine& line);
  void Join(const ScenarioLine& line);
  void Sync(const ScenarioLine& line);
  void Leave(const ScenarioLine& line);
  void Commit(const ScenarioLine& line);
  void Reload();
  MemberClaim Claim(const ScenarioLine& line) const;
  PartitionList ToList(absl::string_view text) const;
  std::string ToText(const PartitionList& partitions) const;
  void Show(kafka::ErrorCode error) { shown_.emplace_back(kafka::ErrorName(error)); }
  void Keep(const ConsumerEffects& effects);
  void ShowState();

  ConsumerLimits limits_;
  FakeTopics topics_;
  ConsumerGroup group_{"g", limits_};
  std::vector<ConsumerRecord> log_;
  GroupTime now_;
  std::vector<std::string> shown_;
};

}  // namespace sluice::broker
