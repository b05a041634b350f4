#include "tests/unit/broker_group/consumer_dump.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sluice::broker {
namespace {

std::string ToText(const OwnedPartitions& partitions) {
  return absl::StrJoin(partitions, ",", [](std::string* out, const auto& entry) {
    absl::StrAppend(out, entry.first.topic.ToString(), "-", entry.first.partition.value(), "@", entry.second);
  });
}

std::string ToText(const PartitionList& partitions) {
  return absl::StrJoin(partitions, ",", [](std::string* out, const TopicIdPartition& at) {
    absl::StrAppend(out, at.topic.ToString(), "-", at.partition.value());
  });
}

std::string ToText(const MemberSubscription& subscription) {
  std::string text =
      absl::StrCat(subscription.instance_id.value_or("-"), " ", subscription.rack_id.value_or("-"), " ",
                   subscription.client_id, " ", subscription.client_host, " ",
                   absl::StrJoin(subscription.topics, ","), " /", subscription.regex, "/ ",
                   subscription.rebalance_timeout_ms, " ", subscription.assignor.value_or("-"));
  if (subscription.classic) {
    absl::StrAppend(&text, " classic ", subscription.classic->session_timeout_ms);
    for (const GroupProtocol& protocol : subscription.classic->protocols) {
      absl::StrAppend(&text, " ", protocol.name, ":", protocol.metadata);
    }
  }
  return text;
}

struct KeyOf {
  std::string operator()(const GroupEpochRecord&) const { return ""; }
  std::string operator()(const TargetEpochRecord&) const { return ""; }
  std::string operator()(const RegexRecord& record) const { return record.regex; }
  template <class OfMember>
  std::string operator()(const OfMember& record) const {
    return record.member_id;
  }
};

}  // namespace

std::string Dump(const ConsumerGroup& group) {
  std::string text = absl::StrCat("epoch ", group.epoch(), " target ", group.target_epoch(), "\n");
  for (const auto& [id, member] : group.members()) {
    absl::StrAppend(&text, id, ": ", ToText(*member.subscription), "\n  epoch ", member.current.epoch,
                    " before ", member.current.previous_epoch, " state ",
                    static_cast<int>(member.current.state), " has ", ToText(member.current.assigned),
                    " gives ", ToText(member.current.revoking), " shall ", ToText(member.target), "\n");
  }
  for (const auto& [regex, resolved] : group.regexes()) {
    absl::StrAppend(&text, "/", regex, "/ ", absl::StrJoin(resolved.topics, ","), "\n");
  }
  return text;
}

std::vector<ConsumerRecord> Compacted(const std::vector<ConsumerRecord>& log) {
  std::set<std::pair<size_t, std::string>> seen;
  std::vector<ConsumerRecord> kept;
  for (auto it = log.rbegin(); it != log.rend(); ++it) {
    if (seen.emplace(it->index(), std::visit(KeyOf{}, *it)).second) {
      kept.push_back(*it);
    }
  }
  std::reverse(kept.begin(), kept.end());
  return kept;
}

}  // namespace sluice::broker
