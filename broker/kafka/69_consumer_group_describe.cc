// ConsumerGroupDescribe (69): what groups of the consumer protocol are doing, and with which members.
//
//   v1   which protocol each member speaks
//
// A group of the other protocol is not found: DescribeGroups (15) knows it.
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/kafka/gather.h"
#include "broker/kafka/group_call.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/reply_later.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::ConsumerGroupDescribeRequest;
using Response = kafka::ConsumerGroupDescribeResponse;

constexpr int8_t kClassicMember = 0;
constexpr int8_t kConsumerMember = 1;

// Topics that are gone have no name to be told by: they are left out.
Response::Assignment ToAssignment(const PartitionList& partitions, const Catalog& catalog) {
  Response::Assignment assignment;
  auto& topics = assignment.topic_partitions;
  for (const TopicIdPartition& partition : partitions) {
    if (topics.empty() || topics.back().topic_id != partition.topic) {
      const TopicPtr topic = catalog.FindById(partition.topic);
      if (topic == nullptr) {
        continue;
      }
      auto& added = topics.emplace_back();
      added.topic_id = topic->id;
      added.topic_name = topic->name;
    }
    topics.back().partitions.push_back(partition.partition.value());
  }
  return assignment;
}

Response::Member ToMember(const DescribedConsumer& described, const Catalog& catalog) {
  const MemberSubscription& subscription = described.subscription;
  Response::Member member;
  member.member_id = described.member_id;
  member.instance_id = subscription.instance_id;
  member.rack_id = subscription.rack_id;
  member.member_epoch = described.epoch;
  member.client_id = subscription.client_id;
  member.client_host = subscription.client_host;
  member.subscribed_topic_names = subscription.topics;
  if (!subscription.regex.empty()) {
    member.subscribed_topic_regex = subscription.regex;
  }
  member.assignment = ToAssignment(described.assigned, catalog);
  member.target_assignment = ToAssignment(described.target, catalog);
  member.member_type = subscription.classic ? kClassicMember : kConsumerMember;
  return member;
}

Response::DescribedGroup ToGroup(const DescribedConsumerGroup& described, const Catalog& catalog,
                                 bool with_operations) {
  Response::DescribedGroup group;
  group.group_id = described.group_id;
  group.error_code = kafka::ToWire(described.error);
  if (described.error == ErrorCode::kGroupIdNotFound) {
    group.error_message =
        absl::StrCat("there is no group \"", described.group_id, "\" of the consumer protocol");
  }
  if (described.error != ErrorCode::kNone) {
    return group;
  }
  group.group_state = described.state;
  group.group_epoch = described.epoch;
  group.assignment_epoch = described.target_epoch;
  group.assignor_name = described.assignor;
  for (const DescribedConsumer& member : described.members) {
    group.members.push_back(ToMember(member, catalog));
  }
  if (with_operations) {
    group.authorized_operations = kAllGroupOperations;
  }
  return group;
}

}  // namespace

asio::awaitable<void> HandleConsumerGroupDescribe(const Request& request, Call& call) {
  const auto gather = Gather<DescribedConsumerGroup>::Of(
      request.group_ids.size(), [reply = ReplyLater(call), &catalog = call.services.catalog,
                                 with_operations = request.include_authorized_operations](
                                    const std::vector<DescribedConsumerGroup>& groups) mutable {
        kafka::ConsumerGroupDescribeResponse response;
        for (const DescribedConsumerGroup& group : groups) {
          response.groups.push_back(ToGroup(group, catalog, with_operations));
        }
        reply(response);
      });
  for (size_t i = 0; i < request.group_ids.size(); ++i) {
    const std::string& id = request.group_ids[i];
    const GroupPlace place = PlaceOfGroup(call, id, EmptyGroupId::kRefused);
    if (place.shard == nullptr) {
      gather->Part(i)({.error = place.error, .group_id = id});
    } else {
      place.shard->DescribeConsumers(id, gather->Part(i));
    }
  }
  co_return;
}

}  // namespace sluice::broker
