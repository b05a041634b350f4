// OffsetFetch (9): how far groups have read.
//
//   v1 the first that is served      v2 all topics (null), an error for the group      v5 leader epochs v6
//   flexible v7 require stable (KIP-447)      v8 many groups      v9 who asks (KIP-848)      v10 topics by id
//
// Only what is on the disk is told, so an offset that was seen never goes back. There are no transactions, so
// every offset is stable.
#include <utility>

#include "broker/kafka/gather.h"
#include "broker/kafka/group_call.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/partition_lookup.h"
#include "broker/kafka/reply_later.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::OffsetFetchRequest;
using Response = kafka::OffsetFetchResponse;
using GroupRequest = Request::OffsetFetchRequestGroup;
using GroupAnswer = Response::OffsetFetchResponseGroup;

constexpr int16_t kGroupErrorFrom = 2;
constexpr int16_t kManyGroupsFrom = 8;
constexpr int16_t kTopicIdsFrom = 10;
constexpr int64_t kNoOffset = -1;

// Older versions ask for one group, as if it stood alone in the newer list.
std::vector<GroupRequest> AskedGroups(const Request& request, int16_t version) {
  if (version >= kManyGroupsFrom) {
    return request.groups;
  }
  GroupRequest group;
  group.group_id = request.group_id;
  if (request.topics) {
    group.topics.emplace();
    for (const auto& asked : *request.topics) {
      auto& topic = group.topics->emplace_back();
      topic.name = asked.name;
      topic.partition_indexes = asked.partition_indexes;
    }
  }
  return {std::move(group)};
}

void Fill(const FetchedOffset& fetched, Response::OffsetFetchResponsePartitions* answer) {
  answer->partition_index = fetched.at.partition.value();
  answer->committed_offset = fetched.offset ? fetched.offset->offset.value() : kNoOffset;
  answer->committed_leader_epoch =
      fetched.offset ? fetched.offset->leader_epoch.value() : kNoLeaderEpoch.value();
  answer->metadata = fetched.offset ? fetched.offset->metadata : "";
}

// The names of topics that were asked for by id; empty: there is no such topic.
std::vector<std::string> NamesOf(const GroupRequest& group, const Call& call) {
  std::vector<std::string> names;
  for (const auto& topic : *group.topics) {
    if (call.version() < kTopicIdsFrom) {
      names.push_back(topic.name);
    } else {
      const TopicPtr found = call.services.catalog.FindById(topic.topic_id);
      names.push_back(found == nullptr ? "" : found->name);
    }
  }
  return names;
}

// In the order of the request, one answer for each partition that was asked for.
GroupAnswer AnswerAsked(const GroupRequest& asked, const std::vector<std::string>& names, int16_t version,
                        const FetchedOffsets& fetched) {
  GroupAnswer answer;
  answer.group_id = asked.group_id;
  size_t next = 0;
  for (size_t i = 0; i < asked.topics->size(); ++i) {
    auto& topic = answer.topics.emplace_back();
    topic.name = (*asked.topics)[i].name;
    topic.topic_id = (*asked.topics)[i].topic_id;
    for (const int32_t partition : (*asked.topics)[i].partition_indexes) {
      FetchedOffset offset = fetched.error == ErrorCode::kNone ? fetched.offsets[next++] : FetchedOffset{};
      offset.at.partition = PartitionId(partition);
      auto& result = topic.partitions.emplace_back();
      Fill(offset, &result);
      const bool unknown_id = version >= kTopicIdsFrom && names[i].empty();
      result.error_code = kafka::ToWire(unknown_id ? ErrorCode::kUnknownTopicId : fetched.error);
    }
  }
  return answer;
}

GroupAnswer AnswerAll(const std::string& group_id, const Catalog& catalog, const FetchedOffsets& fetched) {
  GroupAnswer answer;
  answer.group_id = group_id;
  for (const FetchedOffset& offset : fetched.offsets) {
    if (answer.topics.empty() || answer.topics.back().name != offset.at.topic) {
      auto& topic = answer.topics.emplace_back();
      topic.name = offset.at.topic;
      const TopicPtr found = catalog.Find(offset.at.topic);
      topic.topic_id = found == nullptr ? Uuid{} : found->id;
    }
    Fill(offset, &answer.topics.back().partitions.emplace_back());
  }
  return answer;
}

GroupAnswer Answer(const GroupRequest& asked, const std::vector<std::string>& names, int16_t version,
                   const Catalog& catalog, const FetchedOffsets& fetched) {
  GroupAnswer answer;
  answer.group_id = asked.group_id;
  if (fetched.error == ErrorCode::kNone || version < kGroupErrorFrom) {
    answer = asked.topics ? AnswerAsked(asked, names, version, fetched)
                          : AnswerAll(asked.group_id, catalog, fetched);
  }
  answer.error_code = kafka::ToWire(fetched.error);
  return answer;
}

Response ToResponse(std::vector<GroupAnswer> groups, int16_t version) {
  Response response;
  if (version >= kManyGroupsFrom) {
    response.groups = std::move(groups);
    return response;
  }
  response.error_code = groups.front().error_code;
  for (auto& group_topic : groups.front().topics) {
    auto& topic = response.topics.emplace_back();
    topic.name = std::move(group_topic.name);
    for (auto& partition : group_topic.partitions) {
      auto& answer = topic.partitions.emplace_back();
      answer.partition_index = partition.partition_index;
      answer.committed_offset = partition.committed_offset;
      answer.committed_leader_epoch = partition.committed_leader_epoch;
      answer.metadata = std::move(partition.metadata);
      answer.error_code = partition.error_code;
    }
  }
  return response;
}

void FetchGroup(const GroupRequest& asked, const Call& call, absl::AnyInvocable<void(GroupAnswer)> done) {
  const int16_t version = call.version();
  std::vector<std::string> names = asked.topics ? NamesOf(asked, call) : std::vector<std::string>();
  std::vector<TopicPartition> wanted;
  for (size_t i = 0; asked.topics && i < asked.topics->size(); ++i) {
    for (const int32_t partition : (*asked.topics)[i].partition_indexes) {
      wanted.push_back({names[i], PartitionId(partition)});
    }
  }
  auto answer = [asked, names = std::move(names), version, &catalog = call.services.catalog,
                 done = std::move(done)](const FetchedOffsets& fetched) mutable {
    done(Answer(asked, names, version, catalog, fetched));
  };
  const GroupPlace place = PlaceOfGroup(call, asked.group_id, EmptyGroupId::kAllowed);
  if (place.shard == nullptr) {
    return answer({.error = place.error});
  }
  place.shard->FetchOffsets(asked.group_id, {.member_id = asked.member_id, .epoch = asked.member_epoch},
                            asked.topics ? &wanted : nullptr, std::move(answer));
}

}  // namespace

asio::awaitable<void> HandleOffsetFetch(const Request& request, Call& call) {
  const std::vector<GroupRequest> groups = AskedGroups(request, call.version());
  const auto gather = Gather<GroupAnswer>::Of(
      groups.size(), [reply = ReplyLater(call)](std::vector<GroupAnswer> answers) mutable {
        reply(ToResponse(std::move(answers), reply.version()));
      });
  for (size_t i = 0; i < groups.size(); ++i) {
    FetchGroup(groups[i], call, gather->Part(i));
  }
  co_return;
}

}  // namespace sluice::broker
