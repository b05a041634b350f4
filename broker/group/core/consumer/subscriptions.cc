// Which topics the members are about, and the target that follows from it.
#include <algorithm>
#include <utility>

#include "broker/group/core/consumer/assignor.h"
#include "broker/group/core/consumer/consumer_group.h"
#include "broker/group/core/consumer/metadata_hash.h"
#include "broker/group/core/consumer/topic_regex.h"

namespace sluice::broker {
namespace {

// While many topics are made, every heartbeat would look through all of them.
constexpr int64_t kRegexRefreshMsMin = 1'000;

}  // namespace

std::set<std::string> ConsumerGroup::UsedRegexes() const {
  std::set<std::string> used;
  for (const auto& [id, member] : members_) {
    if (!member.subscription->regex.empty()) {
      used.insert(member.subscription->regex);
    }
  }
  return used;
}

bool ConsumerGroup::MustResolve(const TopicView& topics, const GroupTime& now) const {
  const std::set<std::string> used = UsedRegexes();
  const bool has_new = std::any_of(used.begin(), used.end(),
                                   [this](const std::string& regex) { return !regexes_.contains(regex); });
  const bool topics_changed = regexes_version_ != topics.version();
  const int64_t age_ms = now.monotonic_ms - regexes_resolved_ms_;
  return has_new ||
         (!used.empty() && ((topics_changed && (!regexes_version_ || age_ms >= kRegexRefreshMsMin)) ||
                            age_ms > limits_.regex_refresh_ms));
}

// All of them at once, so that one change of the topics leads to one rebalance. True when one of them stands
// for other topics than it did.
bool ConsumerGroup::ResolveRegexes(const TopicView& topics, const GroupTime& now, ConsumerEffects* effects) {
  if (!MustResolve(topics, now)) {
    return false;
  }
  regexes_version_ = topics.version();
  regexes_resolved_ms_ = now.monotonic_ms;
  const std::vector<std::string> names = topics.Names();
  bool changed = false;
  for (const std::string& regex : UsedRegexes()) {
    ResolvedRegex resolved{
        .topics = MatchTopics(regex, names), .topics_version = *regexes_version_, .resolved_ms = now.wall_ms};
    const auto known = regexes_.find(regex);
    if (known == regexes_.end() || known->second.topics != resolved.topics) {
      changed = true;
      Emit(RegexRecord{regex, std::move(resolved)}, effects);
    }
  }
  return changed;
}

void ConsumerGroup::ForgetRegexes(ConsumerEffects* effects) {
  if (regexes_.empty()) {
    return;
  }
  const std::set<std::string> used = UsedRegexes();
  std::vector<std::string> unused;
  for (const auto& [regex, resolved] : regexes_) {
    if (!used.contains(regex)) {
      unused.push_back(regex);
    }
  }
  for (const std::string& regex : unused) {
    Emit(RegexRecord{regex, std::nullopt}, effects);
  }
}

// By name, and by regular expression as far as it is resolved. Sorted, each once.
std::vector<std::string> ConsumerGroup::NamesOf(const MemberSubscription& subscription) const {
  const auto resolved = regexes_.find(subscription.regex);
  if (resolved == regexes_.end()) {
    return subscription.topics;
  }
  std::vector<std::string> names;
  std::set_union(subscription.topics.begin(), subscription.topics.end(), resolved->second.topics.begin(),
                 resolved->second.topics.end(), std::back_inserter(names));
  return names;
}

std::set<std::string> ConsumerGroup::SubscribedNames() const {
  std::set<std::string> names;
  for (const auto& [id, member] : members_) {
    names.insert(member.subscription->topics.begin(), member.subscription->topics.end());
  }
  for (const auto& [regex, resolved] : regexes_) {
    names.insert(resolved.topics.begin(), resolved.topics.end());
  }
  return names;
}

void ConsumerGroup::LearnTopics(const TopicView& topics) {
  topics_version_ = topics.version();
  topics_.clear();
  topic_names_.clear();
  for (const std::string& name : SubscribedNames()) {
    if (const auto shape = topics.Find(name)) {
      topics_[name] = *shape;
      topic_names_[shape->id] = name;
    }
  }
}

// A topic that is gone is subscribed to by nobody.
bool ConsumerGroup::Subscribes(const ConsumerMember& member, const Uuid& topic) const {
  const auto name = topic_names_.find(topic);
  if (name == topic_names_.end()) {
    return false;
  }
  const std::vector<std::string>& by_name = member.subscription->topics;
  const auto resolved = regexes_.find(member.subscription->regex);
  return std::binary_search(by_name.begin(), by_name.end(), name->second) ||
         (resolved != regexes_.end() && resolved->second.topics.contains(name->second));
}

int64_t ConsumerGroup::MetadataHashNow() const {
  return MetadataHash(topics_);
}

void ConsumerGroup::BumpEpoch(const GroupTime& now, ConsumerEffects* effects) {
  GroupEpoch next = group_;
  if (next.epoch == 0) {
    next.created_ms = now.wall_ms;
  }
  ++next.epoch;
  next.metadata_hash = MetadataHashNow();
  Emit(GroupEpochRecord{next}, effects);
}

std::string ConsumerGroup::PreferredAssignor() const {
  std::map<std::string, int> votes;
  for (const auto& [id, member] : members_) {
    if (member.subscription->assignor) {
      ++votes[*member.subscription->assignor];
    }
  }
  std::string most = limits_.assignors.front();
  for (const std::string& name : limits_.assignors) {  // Of equals the first that is configured.
    most = votes[name] > votes[most] ? name : most;
  }
  return most;
}

// Only what changes is written: a group of hundreds moves a few partitions when one member comes.
void ConsumerGroup::UpdateTarget(const GroupTime& now, ConsumerEffects* effects) {
  AssignorInput input;
  for (const auto& [name, shape] : topics_) {
    input.topics.push_back({.id = shape.id, .partitions = shape.partitions});
  }
  std::sort(input.topics.begin(), input.topics.end(),
            [](const AssignorTopic& a, const AssignorTopic& b) { return a.id < b.id; });
  std::map<std::string, size_t> index_of;
  for (size_t i = 0; i < input.topics.size(); ++i) {
    index_of[topic_names_.at(input.topics[i].id)] = i;
  }
  for (const auto& [id, member] : members_) {
    AssignorMember& asks = input.members.emplace_back();
    asks.id = id;
    asks.instance_id = member.subscription->instance_id;
    asks.has = member.target;
    for (const std::string& name : NamesOf(*member.subscription)) {
      if (const auto index = index_of.find(name); index != index_of.end()) {
        asks.topics.push_back(index->second);
      }
    }
    std::sort(asks.topics.begin(), asks.topics.end());
  }
  AssignorResult result = FindAssignor(PreferredAssignor())(input);
  for (size_t i = 0; i < result.size(); ++i) {
    const ConsumerMember& member = members_.at(input.members[i].id);
    if (!member.has_target || member.target != result[i]) {
      Emit(TargetAssignmentRecord{input.members[i].id, std::move(result[i])}, effects);
    }
  }
  Emit(TargetEpochRecord{TargetEpoch{.epoch = group_.epoch, .computed_ms = now.wall_ms}}, effects);
}

}  // namespace sluice::broker
