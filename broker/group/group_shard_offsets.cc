// A shard's committed offsets, and what administrators ask of its groups.
#include <algorithm>
#include <utility>

#include "broker/group/group_shard.h"

namespace sluice::broker {

using kafka::ErrorCode;

void GroupShard::Commit(const std::string& group, const MemberClaim& member,
                        std::vector<OffsetToCommit> offsets, CommitDialect dialect, OnError done) {
  {
    absl::ReleasableMutexLock lock(&mu_);
    if (const ErrorCode unfit = UnfitToWrite(); unfit != ErrorCode::kNone) {
      lock.Release();
      return done(unfit);
    }
  }
  Change<ErrorCode>(
      std::move(done),
      [&] {
        mu_.AssertHeld();
        Group* found = Find(group);
        if (found == nullptr && member.generation >= 0) {
          return dialect == CommitDialect::kMemberEpochs ? ErrorCode::kGroupIdNotFound
                                                         : ErrorCode::kIllegalGeneration;
        }
        found = &FindOrMake(group);
        const ErrorCode error = CheckCommit(found, member, offsets, dialect);
        if (error != ErrorCode::kNone || offsets.empty()) {
          ForgetIfDone(group);
          return error;
        }
        std::vector<GroupRecord> records;
        for (OffsetToCommit& commit : offsets) {
          records.push_back(OffsetRecord(group, commit.at, commit.offset));
          found->offsets.Put(commit.at, std::move(commit.offset));
        }
        journal_->Write(std::move(records));
        return ErrorCode::kNone;
      },
      [](ErrorCode error) { return error; });
}

void GroupShard::FetchOffsets(const std::string& group, const OffsetReader& reader,
                              const std::vector<TopicPartition>* wanted,
                              absl::AnyInvocable<void(FetchedOffsets)> done) {
  Change<FetchedOffsets>(
      std::move(done),
      [&] {
        mu_.AssertHeld();
        FetchedOffsets fetched;
        Group* const found = Find(group);
        if (found != nullptr && found->consumer) {
          fetched.error = found->consumer->CheckFetch(reader.member_id, reader.epoch);
        }
        if (fetched.error != ErrorCode::kNone) {
          return fetched;
        }
        if (wanted != nullptr) {
          for (const TopicPartition& at : *wanted) {
            const CommittedOffset* offset = found == nullptr ? nullptr : found->offsets.Find(at);
            fetched.offsets.push_back({at, offset == nullptr ? std::nullopt : std::optional(*offset)});
          }
        } else if (found != nullptr) {
          for (const auto& [at, offset] : found->offsets.all()) {
            fetched.offsets.push_back({at, offset});
          }
        }
        return fetched;
      },
      // What Java's consumer asks again after; kLost is the end of it here. The groups are read anew by then.
      [](ErrorCode error) {
        return FetchedOffsets{.error = error == kLost ? ErrorCode::kCoordinatorLoadInProgress : error};
      });
}

void GroupShard::Describe(const std::string& group, absl::AnyInvocable<void(DescribedGroup)> done) {
  Change<DescribedGroup>(
      std::move(done),
      [&] {
        mu_.AssertHeld();
        return DescribeLocked(group);
      },
      [&](ErrorCode error) { return DescribedGroup{.error = error, .group_id = group}; });
}

// Metadata is told only when all members are known to agree on it.
DescribedGroup GroupShard::DescribeLocked(const std::string& group) {
  const Group* const found = Find(group);
  if (found == nullptr || found->consumer || found->classic.state() == GroupState::kDead) {
    return {.error = ErrorCode::kGroupIdNotFound, .group_id = group, .state = "Dead"};
  }
  const ClassicGroup& classic = found->classic;
  const bool stable = classic.state() == GroupState::kStable;
  DescribedGroup described{.group_id = group,
                           .state = std::string(GroupStateName(classic.state())),
                           .protocol_type = classic.protocol_type(),
                           .protocol = stable ? classic.protocol().value_or("") : ""};
  for (const auto& [id, member] : classic.members()) {
    described.members.push_back({.member_id = id,
                                 .instance_id = member.instance_id,
                                 .client_id = member.client_id,
                                 .client_host = member.client_host,
                                 .metadata = stable ? member.MetadataOf(described.protocol) : "",
                                 .assignment = stable ? member.assignment : ""});
  }
  return described;
}

void GroupShard::List(absl::AnyInvocable<void(ErrorCode, std::vector<ListedGroup>)> done) {
  using Answer = std::pair<ErrorCode, std::vector<ListedGroup>>;
  Change<Answer>(
      [done = std::move(done)](Answer answer) mutable { done(answer.first, std::move(answer.second)); },
      [&]() -> Answer {
        mu_.AssertHeld();
        std::vector<ListedGroup> listed;
        for (const auto& [id, group] : groups_) {
          if (group.consumer) {
            listed.push_back({.group_id = id,
                              .protocol_type = "consumer",
                              .state = std::string(ConsumerGroupStateName(group.consumer->state())),
                              .type = "consumer"});
            continue;
          }
          listed.push_back({.group_id = id,
                            .protocol_type = group.classic.protocol_type(),
                            .state = std::string(GroupStateName(group.classic.state())),
                            .type = "classic"});
        }
        return {ErrorCode::kNone, std::move(listed)};
      },
      [](ErrorCode error) {
        return Answer{error, {}};
      });
}

void GroupShard::RemoveOffsets(Group* group, const std::vector<TopicPartition>& which) {
  std::vector<GroupRecord> records;
  for (const TopicPartition& at : which) {
    if (group->offsets.Remove(at)) {
      records.push_back(OffsetTombstone(group->classic.id(), at));
    }
  }
  journal_->Write(std::move(records));
}

void GroupShard::DeleteGroup(const std::string& group, OnError done) {
  Change<ErrorCode>(
      std::move(done),
      [&] {
        mu_.AssertHeld();
        const auto found = groups_.find(group);
        if (found == groups_.end()) {
          return ErrorCode::kGroupIdNotFound;
        }
        if (!found->second.empty()) {
          return ErrorCode::kNonEmptyGroup;
        }
        std::vector<TopicPartition> all;
        for (const auto& [at, offset] : found->second.offsets.all()) {
          all.push_back(at);
        }
        RemoveOffsets(&found->second, all);
        journal_->Write(found->second.Tombstones());
        Forget(found);
        return ErrorCode::kNone;
      },
      [](ErrorCode error) { return error; });
}

void GroupShard::DeleteOffsets(const std::string& group, const std::vector<TopicPartition>& which,
                               OnErrors done) {
  using Answer = std::pair<ErrorCode, std::vector<ErrorCode>>;
  Change<Answer>(
      [done = std::move(done)](Answer answer) mutable { done(answer.first, std::move(answer.second)); },
      [&]() -> Answer {
        mu_.AssertHeld();
        Group* const found = Find(group);
        if (found == nullptr) {
          return {ErrorCode::kGroupIdNotFound, {}};
        }
        const bool empty = found->empty();
        if (!empty && !found->consumer && !found->classic.IsConsumerGroup()) {
          return {ErrorCode::kNonEmptyGroup, {}};
        }
        const auto topics = empty ? std::optional(std::set<std::string>()) : found->SubscribedTopics();
        std::vector<ErrorCode> each;
        std::vector<TopicPartition> free;
        for (const TopicPartition& at : which) {
          const bool in_use = !topics || topics->contains(at.topic);
          each.push_back(in_use ? ErrorCode::kGroupSubscribedToTopic : ErrorCode::kNone);
          if (!in_use) {
            free.push_back(at);
          }
        }
        RemoveOffsets(found, free);
        return {ErrorCode::kNone, std::move(each)};
      },
      [](ErrorCode error) {
        return Answer{error, {}};
      });
}

void GroupShard::OnTopicDeleted(const std::string& topic) {
  {
    absl::MutexLock lock(&mu_);
    if (state_ != State::kActive) {
      return;  // What is loaded later is looked at by the coordinator then.
    }
    for (auto& [id, group] : groups_) {
      std::vector<TopicPartition> gone;
      for (const auto& [at, offset] : group.offsets.all()) {
        if (at.topic == topic) {
          gone.push_back(at);
        }
      }
      RemoveOffsets(&group, gone);
    }
  }
  Flush();
}

// As Kafka counts: from when the group became empty; for offsets that no member ever stood behind, from their
// commit; and in a group of consumers that is going well, for topics that none of them reads any more.
std::vector<TopicPartition> GroupShard::ExpiredOf(const Group& group, int64_t now_ms) const {
  const ClassicGroup& classic = group.classic;
  const bool empty = group.empty();
  if (!empty && !group.consumer && !(classic.state() == GroupState::kStable && classic.IsConsumerGroup())) {
    return {};
  }
  const std::optional<std::set<std::string>> topics =
      empty ? std::set<std::string>() : group.SubscribedTopics();
  return group.offsets.Expired(
      now_ms, parts_.offsets_retention_ms,
      [&](const TopicPartition& at, const CommittedOffset& offset) -> std::optional<int64_t> {
        if (!topics || topics->contains(at.topic)) {
          return std::nullopt;
        }
        return empty && classic.state_changed_ms() >= 0
                   ? std::max(classic.state_changed_ms(), offset.commit_ms)
                   : offset.commit_ms;
      });
}

void GroupShard::ExpireOffsets() {
  {
    absl::MutexLock lock(&mu_);
    if (state_ != State::kActive) {
      return;
    }
    const int64_t now_ms = parts_.clock.NowMs();
    for (auto it = groups_.begin(); it != groups_.end();) {
      const auto group = it++;
      RemoveOffsets(&group->second, ExpiredOf(group->second, now_ms));
      if (group->second.empty() && group->second.offsets.empty() &&
          group->second.next_deadline_ms() == INT64_MAX) {
        journal_->Write(group->second.Tombstones());
        Forget(group);
      }
    }
  }
  Flush();
}

}  // namespace sluice::broker
