#include "tests/unit/broker_group/consumer_scenario.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "broker/group/core/consumer/classic_bytes.h"
#include "proto/base/check.h"
#include "tests/unit/broker_group/subscription_bytes.h"

namespace sluice::broker {
namespace {

std::vector<std::string> ToNames(absl::string_view text) {
  return absl::StrSplit(text, ',', absl::SkipEmpty());
}

std::optional<std::vector<std::string>> ToNames(const std::optional<std::string>& text) {
  return text ? std::optional(ToNames(absl::string_view(*text))) : std::nullopt;
}

absl::string_view StateName(MemberState state) {
  switch (state) {
    case MemberState::kStable:
      return "stable";
    case MemberState::kUnrevokedPartitions:
      return "unrevoked";
    case MemberState::kUnreleasedPartitions:
      return "unreleased";
    case MemberState::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace

std::vector<std::string> ConsumerScenario::Run(absl::string_view text) {
  shown_.clear();
  const auto line = ScenarioLine::Parse(text);
  if (!line) {
    return {absl::StrCat("not a line of a scenario: ", text)};
  }
  now_ = {.monotonic_ms = line->now_ms(), .wall_ms = line->now_ms()};
  const std::string& verb = line->verb();
  if (verb == "limits") {
    SetLimits(*line);
  } else if (verb == "topics") {
    SetTopics(*line);
  } else if (verb == "heartbeat") {
    Heartbeat(*line);
  } else if (verb == "join") {
    Join(*line);
  } else if (verb == "sync") {
    Sync(*line);
  } else if (verb == "classic-heartbeat") {
    ConsumerEffects effects;
    Show(group_.ClassicHeartbeat(Claim(*line), topics_, now_, &effects));
    Keep(effects);
  } else if (verb == "leave") {
    Leave(*line);
  } else if (verb == "commit") {
    Commit(*line);
  } else if (verb == "fetch") {
    Show(group_.CheckFetch(line->name(), line->GetInt("epoch", -1)));
  } else if (verb == "time") {
    ConsumerEffects effects;
    group_.OnTime(topics_, now_, &effects);
    Keep(effects);
  } else if (verb == "reload") {
    Reload();
  } else if (verb == "state") {
    ShowState();
  } else {
    shown_.push_back(absl::StrCat("no such verb: ", verb));
  }
  return shown_;
}

void ConsumerScenario::SetLimits(const ScenarioLine& line) {
  limits_.session_timeout_ms = line.GetInt("session", limits_.session_timeout_ms);
  limits_.size_max = line.GetInt("size", limits_.size_max);
  limits_.regex_refresh_ms = line.GetInt("refresh", static_cast<int32_t>(limits_.regex_refresh_ms));
  limits_.may_downgrade = line.Get("migration", "bidirectional") == "bidirectional";
  group_ = ConsumerGroup("g", limits_);
}

// NAME=PARTITIONS; 0: deleted.
void ConsumerScenario::SetTopics(const ScenarioLine& line) {
  for (const auto& [name, partitions] : line.options()) {
    if (const int32_t count = line.GetInt(name, 0); count == 0) {
      topics_.Delete(name);
    } else {
      topics_.Make(name, count);
    }
  }
}

// Who joins says all that is asked for, unless the line says otherwise.
void ConsumerScenario::Heartbeat(const ScenarioLine& line) {
  const int32_t epoch = line.GetInt("epoch", 0);
  const bool joins = epoch == kJoinEpoch;
  ConsumerHeartbeat request{.member_id = line.name(),
                            .epoch = epoch,
                            .instance_id = line.GetOptional("instance"),
                            .rebalance_timeout_ms = line.GetInt("rebalance", joins ? 30'000 : -1),
                            .topics = ToNames(line.GetOptional("topics")),
                            .regex = line.GetOptional("regex"),
                            .assignor = line.GetOptional("assignor"),
                            .client_id = "client",
                            .client_host = "/127.0.0.1",
                            .new_member_id = line.Get("new")};
  if (joins || line.Has("owned")) {
    request.owned = ToList(line.Get("owned"));
  }
  constexpr int16_t kNewest = 1;
  ConsumerEffects effects;
  ConsumerHeartbeatAnswer answer =
      ConsumerGroup::CheckRequest(request, line.Has("v0") ? int16_t{0} : kNewest, limits_);
  if (answer.error == kafka::ErrorCode::kNone) {
    answer = group_.Heartbeat(request, topics_, now_, &effects);
  }
  if (answer.error != kafka::ErrorCode::kNone) {
    CHECK(effects.records.empty());
    return Show(answer.error);
  }
  shown_.push_back(absl::StrCat(
      "NONE", line.name().empty() ? absl::StrCat(" member=", answer.member_id) : "", " epoch=", answer.epoch,
      answer.assignment ? absl::StrCat(" assignment=", ToText(*answer.assignment)) : ""));
  Keep(effects);
}

// A JoinGroup.
void ConsumerScenario::Join(const ScenarioLine& line) {
  const std::string metadata =
      SubscriptionBytes(ToNames(absl::string_view(line.Get("topics"))), ToList(line.Get("owned")), topics_);
  JoinRequest request{.member_id = line.name(),
                      .instance_id = line.GetOptional("instance"),
                      .client_id = "client",
                      .client_host = "/127.0.0.1",
                      .session_timeout_ms = line.GetInt("session", 10'000),
                      .rebalance_timeout_ms = line.GetInt("rebalance", 30'000),
                      .protocol_type = line.Get("type", "consumer"),
                      .new_member_id = line.Get("new"),
                      .must_know_its_id = line.Has("v4")};
  for (const std::string& protocol : ToNames(absl::string_view(line.Get("protocols", "range")))) {
    request.protocols.push_back({protocol, metadata});
  }
  ConsumerEffects effects;
  const JoinAnswer answer = group_.Join(request, topics_, now_, &effects);
  shown_.push_back(absl::StrCat(kafka::ErrorName(answer.error), " member=", answer.member_id));
  if (answer.error == kafka::ErrorCode::kNone) {
    absl::StrAppend(&shown_.back(), " gen=", answer.generation, " protocol=", answer.protocol.value_or("-"));
  }
  Keep(effects);
}

MemberClaim ConsumerScenario::Claim(const ScenarioLine& line) const {
  return {.member_id = line.name(),
          .instance_id = line.GetOptional("instance"),
          .generation = line.GetInt(line.Has("gen") ? "gen" : "epoch", -1)};
}

void ConsumerScenario::Sync(const ScenarioLine& line) {
  const SyncAnswer answer = group_.Sync({.member = Claim(line)}, topics_, now_);
  if (answer.error != kafka::ErrorCode::kNone) {
    return Show(answer.error);
  }
  const auto partitions = DecodeAssignment(answer.assignment, topics_);
  shown_.push_back(absl::StrCat("NONE assignment=", partitions ? ToText(*partitions) : "not to be read"));
}

// A LeaveGroup.
void ConsumerScenario::Leave(const ScenarioLine& line) {
  ConsumerEffects effects;
  const auto each = group_.Leave({{.member_id = line.name(), .instance_id = line.GetOptional("instance")}},
                                 topics_, now_, &effects);
  Show(each.at(0));
  Keep(effects);
}

// at=TOPIC:PARTITION,...
void ConsumerScenario::Commit(const ScenarioLine& line) {
  std::vector<TopicPartition> partitions;
  for (const TopicIdPartition& partition : ToList(line.Get("at"))) {
    partitions.push_back({topics_.NameOf(partition.topic).value_or(""), partition.partition});
  }
  Show(group_.CheckCommit(Claim(line), partitions, topics_));
}

// As at the next start of the broker: from the records of the log.
void ConsumerScenario::Reload() {
  group_ = ConsumerGroup("g", limits_);
  for (const ConsumerRecord& record : log_) {
    group_.Apply(record);
  }
  group_.FinishLoading(now_);
}

// "orders:0,1;users:2"
PartitionList ConsumerScenario::ToList(absl::string_view text) const {
  PartitionList partitions;
  for (const absl::string_view of_topic : absl::StrSplit(text, ';', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(of_topic, absl::MaxSplits(':', 1));
    for (const std::string& number : ToNames(absl::string_view(parts.second))) {
      int32_t partition = -1;
      CHECK(absl::SimpleAtoi(number, &partition));
      partitions.push_back(topics_.At(parts.first, partition));
    }
  }
  return Sorted(std::move(partitions));
}

std::string ConsumerScenario::ToText(const PartitionList& partitions) const {
  std::string text;
  const Uuid* last = nullptr;
  for (const TopicIdPartition& partition : partitions) {
    if (last == nullptr || *last != partition.topic) {
      absl::StrAppend(&text, last == nullptr ? "" : ";", topics_.OldNameOf(partition.topic), ":");
    } else {
      absl::StrAppend(&text, ",");
    }
    absl::StrAppend(&text, partition.partition.value());
    last = &partition.topic;
  }
  return text.empty() ? "-" : text;
}

void ConsumerScenario::Keep(const ConsumerEffects& effects) {
  log_.insert(log_.end(), effects.records.begin(), effects.records.end());
  if (effects.downgrade) {
    shown_.push_back(absl::StrCat("downgrade without=", absl::StrJoin(effects.downgrade->without, ","),
                                  effects.downgrade->rebalance ? " rebalance" : ""));
  }
}

// The group's line, and one for each member: what it has (what it is to give up), what it shall have.
void ConsumerScenario::ShowState() {
  const int64_t next = group_.next_deadline_ms();
  shown_.push_back(absl::StrCat(ConsumerGroupStateName(group_.state()), " epoch=", group_.epoch(),
                                " target=", group_.target_epoch(),
                                " next=", next == INT64_MAX ? "never" : absl::StrCat(next)));
  for (const auto& [id, member] : group_.members()) {
    const std::string revoking = member.current.revoking.empty()
                                     ? ""
                                     : absl::StrCat(" gives=", ToText(ListOf(member.current.revoking)));
    shown_.push_back(absl::StrCat(id, member.is_classic() ? " classic" : "", " ",
                                  StateName(member.current.state), " epoch=", member.current.epoch,
                                  " has=", ToText(ListOf(member.current.assigned)), revoking,
                                  " shall=", ToText(member.target)));
  }
}

}  // namespace sluice::broker
