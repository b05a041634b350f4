#include "tests/unit/broker_group/classic_scenario.h"

#include <charconv>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace sluice::broker {
namespace {

std::string Get(const std::map<std::string, std::string>& options, const std::string& key,
                const std::string& otherwise = "") {
  const auto found = options.find(key);
  return found == options.end() ? otherwise : found->second;
}

int32_t GetInt(const std::map<std::string, std::string>& options, const std::string& key, int32_t otherwise) {
  int32_t value = otherwise;
  return absl::SimpleAtoi(Get(options, key), &value) ? value : otherwise;
}

std::optional<std::string> GetOptional(const std::map<std::string, std::string>& options,
                                       const std::string& key) {
  return options.contains(key) ? std::optional(options.at(key)) : std::nullopt;
}

}  // namespace

std::vector<std::string> ClassicScenario::Run(absl::string_view line) {
  shown_.clear();
  std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (words.size() < 2 || !absl::SimpleAtoi(words[0], &now_ms_)) {
    return {absl::StrCat("not a line of a scenario: ", line)};
  }
  Options options;
  std::vector<std::string> plain;
  for (size_t i = 2; i < words.size(); ++i) {
    const std::pair<std::string, std::string> option = absl::StrSplit(words[i], absl::MaxSplits('=', 1));
    if (words[i].find('=') == std::string::npos) {
      plain.push_back(words[i]);
    } else {
      options.insert(option);
    }
  }
  const std::string& verb = words[1];
  const std::string name = plain.empty() ? "" : plain.front();
  ClassicEffects effects;
  if (verb == "limits") {
    SetLimits(options);
  } else if (verb == "join") {
    Join(name, options);
  } else if (verb == "sync") {
    Sync(name, options);
  } else if (verb == "leave") {
    Leave(options);
  } else if (verb == "heartbeat") {
    shown_.emplace_back(kafka::ErrorName(group_.Heartbeat(Claim(options), now_ms_)));
  } else if (verb == "commit") {
    shown_.emplace_back(kafka::ErrorName(group_.CheckCommit(Claim(options), now_ms_)));
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

void ClassicScenario::SetLimits(const Options& options) {
  limits_.initial_rebalance_delay_ms = GetInt(options, "delay", limits_.initial_rebalance_delay_ms);
  limits_.size_max = GetInt(options, "size", limits_.size_max);
  group_ = ClassicGroup("g", limits_);
}

// new=ID: without an id of its own yet. protocols=NAME:METADATA,NAME:METADATA
void ClassicScenario::Join(const std::string& name, const Options& options) {
  names_[++last_token_] = name;
  JoinRequest request{.member_id = Get(options, "member"),
                      .instance_id = GetOptional(options, "instance"),
                      .client_id = "client",
                      .client_host = "/127.0.0.1",
                      .session_timeout_ms = GetInt(options, "session", 10'000),
                      .rebalance_timeout_ms = GetInt(options, "rebalance", 30'000),
                      .protocol_type = Get(options, "type", "consumer"),
                      .new_member_id = Get(options, "new"),
                      .must_know_its_id = options.contains("v4"),
                      .can_skip_assignment = options.contains("v9")};
  for (const auto& protocol : absl::StrSplit(Get(options, "protocols", "range:"), ',')) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(protocol, absl::MaxSplits(':', 1));
    request.protocols.push_back({parts.first, parts.second});
  }
  ClassicEffects effects;
  group_.Join(request, last_token_, now_ms_, &effects);
  Show(effects);
}

MemberClaim ClassicScenario::Claim(const Options& options) const {
  return {.member_id = Get(options, "member"),
          .instance_id = GetOptional(options, "instance"),
          .generation = GetInt(options, "gen", -1)};
}

// assign=MEMBER:ASSIGNMENT,...
void ClassicScenario::Sync(const std::string& name, const Options& options) {
  names_[++last_token_] = name;
  SyncRequest request{.member = Claim(options),
                      .protocol_type = GetOptional(options, "type"),
                      .protocol = GetOptional(options, "protocol")};
  for (const auto& assigned : absl::StrSplit(Get(options, "assign"), ',', absl::SkipEmpty())) {
    request.assignments.push_back(absl::StrSplit(assigned, absl::MaxSplits(':', 1)));
  }
  ClassicEffects effects;
  group_.Sync(request, last_token_, now_ms_, &effects);
  Show(effects);
}

void ClassicScenario::Leave(const Options& options) {
  ClassicEffects effects;
  const kafka::ErrorCode error =
      group_.Leave({.member_id = Get(options, "member"), .instance_id = GetOptional(options, "instance")},
                   now_ms_, &effects);
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
