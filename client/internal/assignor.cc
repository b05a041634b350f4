#include "client/internal/assignor.h"

#include <algorithm>
#include <set>

namespace sluice::client_internal {
namespace {

// Static members first and by their names, which outlive their member ids: their places do not change.
bool ComesFirst(const AssignedMember& a, const AssignedMember& b) {
  if (a.instance_id.empty() != b.instance_id.empty()) {
    return !a.instance_id.empty();
  }
  return a.instance_id.empty() ? a.member_id < b.member_id : a.instance_id < b.instance_id;
}

bool Wants(const AssignedMember& member, const std::string& topic) {
  return std::binary_search(member.subscription.topics.begin(), member.subscription.topics.end(), topic);
}

void AssignRange(const std::vector<AssignedMember>& members, const std::string& topic, int32_t count,
                 Assignments* assignments) {
  std::vector<const AssignedMember*> takers;
  for (const AssignedMember& member : members) {
    if (Wants(member, topic)) {
      takers.push_back(&member);
    }
  }
  int32_t next = 0;
  for (size_t i = 0; i < takers.size(); ++i) {
    const auto rest = static_cast<int32_t>(takers.size() - i);
    const int32_t share = (count - next + rest - 1) / rest;  // The first ones get one more.
    for (int32_t end = next + share; next < end; ++next) {
      (*assignments)[takers[i]->member_id].push_back({topic, next});
    }
  }
}

// Shares out so that everybody keeps what they have as far as nobody has two more than somebody who could
// take one.
class Sticky {
 public:
  Sticky(const std::vector<AssignedMember>& members, const PartitionCounts& topics)
      : members_(members), topics_(topics), loads_(members.size()) {}

  Assignments Run() {
    TakeClaims();
    GiveOutTheRest();
    Balance();
    Assignments assignments;
    for (const AssignedMember& member : members_) {
      assignments[member.member_id];
    }
    for (const auto& [partition, owner] : owners_) {
      // What moves is free first, and given out when its owner has let it go and comes again.
      const auto claim = claims_.find(partition);
      if (claim == claims_.end() || claim->second.owner == owner) {
        assignments[members_[owner].member_id].push_back(partition);
      }
    }
    return assignments;
  }

 private:
  struct Claim {
    size_t owner = 0;
    int32_t generation = -1;
    bool disputed = false;  // Two say that they were given it in the same generation: neither was.
  };

  bool Exists(const TopicPartition& partition) const {
    const auto topic = topics_.find(partition.topic);
    return topic != topics_.end() && partition.partition >= 0 && partition.partition < topic->second;
  }

  // Who comes back late still believes in an older generation.
  void TakeClaims() {
    for (size_t i = 0; i < members_.size(); ++i) {
      const Subscription& subscription = members_[i].subscription;
      for (const TopicPartition& partition : subscription.owned) {
        if (!Exists(partition)) {
          continue;
        }
        const auto [claim, is_new] =
            claims_.try_emplace(partition, Claim{.owner = i, .generation = subscription.generation});
        if (!is_new && subscription.generation > claim->second.generation) {
          claim->second = {.owner = i, .generation = subscription.generation};
        } else if (!is_new && subscription.generation == claim->second.generation) {
          claim->second.disputed = true;
        }
      }
    }
    std::erase_if(claims_, [](const auto& claim) { return claim.second.disputed; });
    for (const auto& [partition, claim] : claims_) {
      if (Wants(members_[claim.owner], partition.topic)) {
        Give(partition, claim.owner);
      }
    }
  }

  void Give(const TopicPartition& partition, size_t member) {
    owners_[partition] = member;
    loads_[member].insert(partition);
  }

  std::vector<size_t> TakersOf(const std::string& topic) const {
    std::vector<size_t> takers;
    for (size_t i = 0; i < members_.size(); ++i) {
      if (Wants(members_[i], topic)) {
        takers.push_back(i);
      }
    }
    return takers;
  }

  size_t LeastLoaded(const std::vector<size_t>& takers) const {
    return *std::min_element(takers.begin(), takers.end(),
                             [&](size_t a, size_t b) { return loads_[a].size() < loads_[b].size(); });
  }

  // Topics that few can take come first, so that the others can make up for it.
  void GiveOutTheRest() {
    std::vector<std::pair<size_t, std::string>> order;
    for (const auto& [topic, count] : topics_) {
      takers_[topic] = TakersOf(topic);
      order.emplace_back(takers_[topic].size(), topic);
    }
    std::sort(order.begin(), order.end());
    for (const auto& [takers, topic] : order) {
      for (int32_t i = 0; takers > 0 && i < topics_.at(topic); ++i) {
        if (!owners_.contains({topic, i})) {
          Give({topic, i}, LeastLoaded(takers_[topic]));
        }
      }
    }
  }

  // Each move makes the loads more equal, so it ends.
  void Balance() {
    for (bool moved = true; moved;) {
      moved = false;
      std::vector<size_t> heaviest_first(members_.size());
      for (size_t i = 0; i < heaviest_first.size(); ++i) {
        heaviest_first[i] = i;
      }
      std::stable_sort(heaviest_first.begin(), heaviest_first.end(),
                       [&](size_t a, size_t b) { return loads_[a].size() > loads_[b].size(); });
      for (const size_t from : heaviest_first) {
        moved |= MoveOneFrom(from);
      }
    }
  }

  bool MoveOneFrom(size_t from) {
    for (auto partition = loads_[from].rbegin(); partition != loads_[from].rend(); ++partition) {
      const size_t to = LeastLoaded(takers_[partition->topic]);
      if (loads_[to].size() + 1 < loads_[from].size()) {
        const TopicPartition moved = *partition;
        loads_[from].erase(moved);
        Give(moved, to);
        return true;
      }
    }
    return false;
  }

  const std::vector<AssignedMember>& members_;
  const PartitionCounts& topics_;
  std::map<TopicPartition, Claim> claims_;
  std::map<TopicPartition, size_t> owners_;
  std::vector<std::set<TopicPartition>> loads_;  // By member.
  std::map<std::string, std::vector<size_t>> takers_;
};

}  // namespace

Assignments Assign(Assignor assignor, std::vector<AssignedMember> members, const PartitionCounts& topics) {
  std::sort(members.begin(), members.end(), ComesFirst);
  if (assignor == Assignor::kCooperativeSticky) {
    return Sticky(members, topics).Run();
  }
  Assignments assignments;
  for (const AssignedMember& member : members) {
    assignments[member.member_id];
  }
  for (const auto& [topic, count] : topics) {
    AssignRange(members, topic, count, &assignments);
  }
  return assignments;
}

}  // namespace sluice::client_internal
