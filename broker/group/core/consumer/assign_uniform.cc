// Three steps: keep what members have, hand out what nobody has, then move single partitions for as long as
// that makes two members more alike. Where all subscribe to the same topics each one's share is known
// beforehand: what is above it is not kept, and nothing is left to be moved.
//
// A move may take a detour: where the member with little (a) and the one with much (c) subscribe to nothing
// in common, b gives a partition of one topic to a and takes one of another topic from c. Such a path is
// looked for breadth first, so the fewest partitions move; when there is none for anybody, no assignment is
// better balanced.
#include <algorithm>
#include <limits>
#include <queue>

#include "broker/group/core/consumer/assignor.h"

namespace sluice::broker {
namespace {

constexpr size_t kNobody = std::numeric_limits<size_t>::max();

// Partitions of all topics are numbered through: those of topic t are [first_[t], first_[t + 1]).
class Uniform {
 public:
  explicit Uniform(const AssignorInput& input) : input_(input) {
    size_t next = 0;
    for (const AssignorTopic& topic : input.topics) {
      first_.push_back(next);
      next += static_cast<size_t>(topic.partitions);
    }
    first_.push_back(next);
    owner_.assign(next, kNobody);
    kept_.assign(next, false);
    load_.assign(input.members.size(), 0);
    subscribers_.resize(input.topics.size());
    for (size_t member = 0; member < input.members.size(); ++member) {
      for (const size_t topic : input.members[member].topics) {
        subscribers_[topic].push_back(member);
      }
    }
  }

  AssignorResult Run() {
    Keep();
    if (SubscribeToTheSame()) {
      LetGoOfSurplus();
    }
    HandOut();
    Balance();
    AssignorResult result(input_.members.size());
    for (size_t topic = 0; topic < input_.topics.size(); ++topic) {
      for (size_t at = first_[topic]; at < first_[topic + 1]; ++at) {
        if (owner_[at] != kNobody) {
          const auto partition = PartitionId(static_cast<int32_t>(at - first_[topic]));
          result[owner_[at]].push_back({input_.topics[topic].id, partition});
        }
      }
    }
    return result;
  }

 private:
  // How a member could get one more: a partition of `topic` that `giver` has.
  struct Step {
    size_t giver = kNobody;
    size_t taker = kNobody;
    size_t topic = 0;
  };

  void Give(size_t at, size_t member) {
    if (owner_[at] != kNobody) {
      --load_[owner_[at]];
    }
    owner_[at] = member;
    ++load_[member];
  }

  void Keep() {
    for (size_t member = 0; member < input_.members.size(); ++member) {
      for (const TopicIdPartition& partition : input_.members[member].has) {
        const auto topic = std::lower_bound(input_.topics.begin(), input_.topics.end(), partition.topic,
                                            [](const AssignorTopic& t, const Uuid& id) { return t.id < id; });
        if (topic == input_.topics.end() || topic->id != partition.topic ||
            partition.partition.value() >= topic->partitions) {
          continue;  // Is gone.
        }
        const auto index = static_cast<size_t>(topic - input_.topics.begin());
        const size_t at = first_[index] + static_cast<size_t>(partition.partition.value());
        const auto& subscribed = input_.members[member].topics;
        if (owner_[at] == kNobody && std::binary_search(subscribed.begin(), subscribed.end(), index)) {
          Give(at, member);
          kept_[at] = true;
        }
      }
    }
  }

  bool SubscribeToTheSame() const {
    return std::all_of(input_.members.begin(), input_.members.end(), [this](const AssignorMember& member) {
      return member.topics == input_.members.front().topics;
    });
  }

  // 10 partitions, 4 members: two may have 3, the others 2. Those who have more than 2 come first to the 3.
  void LetGoOfSurplus() {
    size_t partitions = 0;
    for (size_t topic = 0; topic < input_.topics.size(); ++topic) {
      partitions += subscribers_[topic].empty() ? 0 : first_[topic + 1] - first_[topic];
    }
    const size_t each = partitions / std::max<size_t>(load_.size(), 1);
    size_t with_one_more = partitions % std::max<size_t>(load_.size(), 1);
    std::vector<size_t> share(load_.size(), each);
    for (size_t member = 0; member < load_.size() && with_one_more > 0; ++member) {
      if (load_[member] > each) {
        ++share[member];
        --with_one_more;
      }
    }
    for (size_t at = owner_.size(); at > 0; --at) {
      size_t& owner = owner_[at - 1];
      if (owner != kNobody && load_[owner] > share[owner]) {
        --load_[owner];
        kept_[at - 1] = false;
        owner = kNobody;
      }
    }
  }

  // Topics with few subscribers first, because they have the least choice.
  void HandOut() {
    std::vector<size_t> topics;
    for (size_t topic = 0; topic < input_.topics.size(); ++topic) {
      if (!subscribers_[topic].empty()) {
        topics.push_back(topic);
      }
    }
    std::stable_sort(topics.begin(), topics.end(),
                     [this](size_t a, size_t b) { return subscribers_[a].size() < subscribers_[b].size(); });
    for (const size_t topic : topics) {
      HandOut(topic);
    }
  }

  void HandOut(size_t topic) {
    using LoadOf = std::pair<size_t, size_t>;
    std::priority_queue<LoadOf, std::vector<LoadOf>, std::greater<>> least;
    for (size_t at = first_[topic]; at < first_[topic + 1]; ++at) {
      if (owner_[at] != kNobody) {
        continue;
      }
      if (least.empty()) {
        for (const size_t member : subscribers_[topic]) {
          least.emplace(load_[member], member);
        }
      }
      const size_t member = least.top().second;
      least.pop();
      Give(at, member);
      least.emplace(load_[member], member);
    }
  }

  // Ends: each move brings two loads nearer to each other, so the sum of their squares falls.
  void Balance() {
    std::vector<bool> settled(input_.members.size(), false);
    while (true) {
      const size_t taker = LeastLoaded(settled);
      if (taker == kNobody) {
        return;
      }
      if (MoveTo(taker, &settled)) {
        settled.assign(settled.size(), false);
      }
    }
  }

  // Of those that are not settled; kNobody when none could become better.
  size_t LeastLoaded(const std::vector<bool>& settled) const {
    if (load_.empty()) {
      return kNobody;
    }
    const size_t most = *std::max_element(load_.begin(), load_.end());
    size_t least = kNobody;
    for (size_t member = 0; member < load_.size(); ++member) {
      if (!settled[member] && load_[member] + 2 <= most &&
          (least == kNobody || load_[member] < load_[least])) {
        least = member;
      }
    }
    return least;
  }

  // False: `taker` and whoever was reached from it cannot get more from anyone; they are settled.
  bool MoveTo(size_t taker, std::vector<bool>* settled) {
    std::vector<Step> steps(input_.members.size());  // By giver.
    std::vector<bool> seen(input_.members.size(), false);
    std::vector<bool> topic_seen(input_.topics.size(), false);
    seen[taker] = true;
    for (std::vector<size_t> level = {taker}; !level.empty();) {
      std::vector<size_t> next = GiversTo(level, &seen, &topic_seen, &steps);
      const auto giver = std::max_element(next.begin(), next.end(),
                                          [this](size_t a, size_t b) { return load_[a] < load_[b]; });
      if (giver != next.end() && load_[*giver] >= load_[taker] + 2) {
        MoveAlong(steps, *giver, taker);
        return true;
      }
      level = std::move(next);
    }
    for (size_t member = 0; member < seen.size(); ++member) {
      (*settled)[member] = (*settled)[member] || seen[member];
    }
    return false;
  }

  std::vector<size_t> GiversTo(const std::vector<size_t>& takers, std::vector<bool>* seen,
                               std::vector<bool>* topic_seen, std::vector<Step>* steps) const {
    std::vector<size_t> givers;
    for (const size_t taker : takers) {
      for (const size_t topic : input_.members[taker].topics) {
        if ((*topic_seen)[topic]) {
          continue;
        }
        (*topic_seen)[topic] = true;
        for (size_t at = first_[topic]; at < first_[topic + 1]; ++at) {
          const size_t giver = owner_[at];
          if (!(*seen)[giver]) {
            (*seen)[giver] = true;
            (*steps)[giver] = {.giver = giver, .taker = taker, .topic = topic};
            givers.push_back(giver);
          }
        }
      }
    }
    return givers;
  }

  void MoveAlong(const std::vector<Step>& steps, size_t from, size_t to) {
    for (size_t giver = from; giver != to; giver = steps[giver].taker) {
      const size_t at = PartitionToGive(steps[giver]);
      kept_[at] = false;
      Give(at, steps[giver].taker);
    }
  }

  // Rather one that the giver has not had before; of several, the last.
  size_t PartitionToGive(const Step& step) const {
    size_t found = kNobody;
    for (size_t at = first_[step.topic]; at < first_[step.topic + 1]; ++at) {
      if (owner_[at] == step.giver && (found == kNobody || kept_[found] || !kept_[at])) {
        found = at;
      }
    }
    return found;
  }

  const AssignorInput& input_;
  std::vector<size_t> first_;
  std::vector<size_t> owner_;                     // By partition.
  std::vector<bool> kept_;                        // By partition: its owner has it from before.
  std::vector<size_t> load_;                      // By member.
  std::vector<std::vector<size_t>> subscribers_;  // By topic.
};

}  // namespace

AssignorResult AssignUniform(const AssignorInput& input) {
  return Uniform(input).Run();
}

}  // namespace sluice::broker
