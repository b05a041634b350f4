#include "tests/unit/broker_group/classic_scenario.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace sluice::broker {

std::vector<std::string> ClassicScenario::Run(absl::string_view text) {
  shown_.clear();
  const auto line = ScenarioLine::Parse(text);
  if (!line) {
    return {absl::StrCat("not a line of a scenario: ", text)};
  }
  now_ms_ = line->now_ms();
  const std::string& verb = line->verb();
  ClassicEffects effects;
  if (verb == "limits") {
    SetLimits(*line);
  } else if (verb == "join") {
    Join(*line);
  } else if (verb == "sync") {
    Sync(*line);
  } else if (verb == "leave") {
    Leave(*line);
  } else if (verb == "heartbeat") {
    shown_.emplace_back(kafka::ErrorName(group_.Heartbeat(Claim(*line), now_ms_)));
  } else if (verb == "commit") {
    shown_.emplace_back(kafka::ErrorName(group_.CheckCommit(Claim(*line), now_ms_)));
  } else if (verb == "time") {
    group_.OnTime(now_ms_, &effects);
    Show(effects);
  } else if (verb == "reload") {
    const kafka::GroupMetadataValue record = group_.ToRecord();
    ClassicGroup loaded("g", limits_);
    loaded.Load(record, now_ms_);
    group_ = std::move(loaded);
  } else if (verb == "state") {
    ShowState();
  } else {
    shown_.push_back(absl::StrCat("no such verb: ", verb));
  }
  return shown_;
}

void ClassicScenario::SetLimits(const ScenarioLine& line) {
  limits_.initial_rebalance_delay_ms = line.GetInt("delay", limits_.initial_rebalance_delay_ms);
  limits_.size_max = line.GetInt("size", limits_.size_max);
  group_ = ClassicGroup("g", limits_);
}

// new=ID: without an id of its own yet. protocols=NAME:METADATA,NAME:METADATA
void ClassicScenario::Join(const ScenarioLine& line) {
  names_[++last_token_] = line.name();
  JoinRequest request{.member_id = line.Get("member"),
                      .instance_id = line.GetOptional("instance"),
                      .client_id = "client",
                      .client_host = "/127.0.0.1",
                      .session_timeout_ms = line.GetInt("session", 10'000),
                      .rebalance_timeout_ms = line.GetInt("rebalance", 30'000),
                      .protocol_type = line.Get("type", "consumer"),
                      .new_member_id = line.Get("new"),
                      .must_know_its_id = line.Has("v4"),
                      .can_skip_assignment = line.Has("v9")};
  for (const auto& protocol : absl::StrSplit(line.Get("protocols", "range:"), ',')) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(protocol, absl::MaxSplits(':', 1));
    request.protocols.push_back({parts.first, parts.second});
  }
  ClassicEffects effects;
  group_.Join(request, last_token_, now_ms_, &effects);
  Show(effects);
}

MemberClaim ClassicScenario::Claim(const ScenarioLine& line) const {
  return {.member_id = line.Get("member"),
          .instance_id = line.GetOptional("instance"),
          .generation = line.GetInt("gen", -1)};
}

// assign=MEMBER:ASSIGNMENT,...
void ClassicScenario::Sync(const ScenarioLine& line) {
  names_[++last_token_] = line.name();
  SyncRequest request{.member = Claim(line),
                      .protocol_type = line.GetOptional("type"),
                      .protocol = line.GetOptional("protocol")};
  for (const auto& assigned : absl::StrSplit(line.Get("assign"), ',', absl::SkipEmpty())) {
    request.assignments.push_back(absl::StrSplit(assigned, absl::MaxSplits(':', 1)));
  }
  ClassicEffects effects;
  group_.Sync(request, last_token_, now_ms_, &effects);
  Show(effects);
}

void ClassicScenario::Leave(const ScenarioLine& line) {
  ClassicEffects effects;
  const kafka::ErrorCode error = group_.Leave(
      {.member_id = line.Get("member"), .instance_id = line.GetOptional("instance")}, now_ms_, &effects);
  shown_.emplace_back(kafka::ErrorName(error));
  Show(effects);
}

void ClassicScenario::Show(const ClassicEffects& effects) {
  if (effects.store) {
    shown_.emplace_back("store");
  }
  for (const auto& [token, answer] : effects.joins) {
    std::string line =
        absl::StrCat(NameOf(token), " ", kafka::ErrorName(answer.error), " member=", answer.member_id);
    if (answer.error == kafka::ErrorCode::kNone) {
      const auto member_text = [](std::string* out, const JoinedMember& member) {
        absl::StrAppend(out, member.member_id, ":", member.metadata);
      };
      absl::StrAppend(
          &line, " gen=", answer.generation, " protocol=", answer.protocol.value_or("-"),
          " leader=", answer.leader, answer.skip_assignment ? " skip" : "",
          answer.members.empty() ? "" : " members=", absl::StrJoin(answer.members, ",", member_text));
    }
    shown_.push_back(line);
  }
  for (const auto& [token, answer] : effects.syncs) {
    shown_.push_back(absl::StrCat(NameOf(token), " ", kafka::ErrorName(answer.error),
                                  answer.error == kafka::ErrorCode::kNone ? " assignment=" : "",
                                  answer.assignment));
  }
}

void ClassicScenario::ShowState() {
  std::vector<std::string> members;
  for (const auto& [id, member] : group_.members()) {
    members.push_back(id);
  }
  const int64_t next = group_.next_deadline_ms();
  shown_.push_back(absl::StrCat(GroupStateName(group_.state()), " gen=", group_.generation(),
                                " members=", absl::StrJoin(members, ","),
                                " next=", next == INT64_MAX ? "never" : absl::StrCat(next)));
}

}  // namespace sluice::broker
