// ConsumerGroupHeartbeat (68): a member of a group of the consumer protocol (KIP-848) joins, stays, leaves.
//
//   v0   the broker makes up ids of new members      v1   members make up their own; regular expressions
#include <utility>

#include "broker/kafka/group_call.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/reply_later.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::ConsumerGroupHeartbeatRequest;
using Response = kafka::ConsumerGroupHeartbeatResponse;

ConsumerHeartbeat ToHeartbeat(const Request& request, const Call& call) {
  ConsumerHeartbeat heartbeat{.member_id = request.member_id,
                              .epoch = request.member_epoch,
                              .instance_id = request.instance_id,
                              .rack_id = request.rack_id,
                              .rebalance_timeout_ms = request.rebalance_timeout_ms,
                              .topics = request.subscribed_topic_names,
                              .regex = request.subscribed_topic_regex,
                              .assignor = request.server_assignor,
                              .client_id = call.state.client_id,
                              .client_host = ClientHost(call.connection)};
  if (request.topic_partitions) {
    PartitionList& owned = heartbeat.owned.emplace();
    for (const auto& topic : *request.topic_partitions) {
      for (const int32_t partition : topic.partitions) {
        owned.push_back({topic.topic_id, PartitionId(partition)});
      }
    }
    owned = Sorted(std::move(owned));
  }
  if (request.member_id.empty()) {
    heartbeat.new_member_id = call.services.groups.NewConsumerId();
  }
  return heartbeat;
}

Response ToResponse(const ConsumerHeartbeatAnswer& answer) {
  Response response;
  response.error_code = kafka::ToWire(answer.error);
  if (answer.error != ErrorCode::kNone) {
    if (!answer.message.empty()) {
      response.error_message = answer.message;
    }
    return response;
  }
  response.member_id = answer.member_id;
  response.member_epoch = answer.epoch;
  response.heartbeat_interval_ms = answer.heartbeat_interval_ms;
  if (answer.assignment) {
    auto& topics = response.assignment.emplace().topic_partitions;
    for (const TopicIdPartition& partition : *answer.assignment) {
      if (topics.empty() || topics.back().topic_id != partition.topic) {
        topics.emplace_back().topic_id = partition.topic;
      }
      topics.back().partitions.push_back(partition.partition.value());
    }
  }
  return response;
}

ConsumerHeartbeatAnswer Check(const Request& request, const ConsumerHeartbeat& heartbeat, const Call& call) {
  if (request.group_id.empty()) {
    return {.error = ErrorCode::kInvalidRequest, .message = "the group id is empty"};
  }
  return ConsumerGroup::CheckRequest(heartbeat, call.version(), call.services.groups.consumer_limits());
}

}  // namespace

asio::awaitable<void> HandleConsumerGroupHeartbeat(const Request& request, Call& call) {
  const ConsumerHeartbeat heartbeat = ToHeartbeat(request, call);
  ConsumerHeartbeatAnswer refusal = Check(request, heartbeat, call);
  const GroupPlace place = PlaceOfGroup(call, request.group_id, EmptyGroupId::kAllowed);
  auto answer = [reply = ReplyLater(call)](const ConsumerHeartbeatAnswer& answered) mutable {
    reply(ToResponse(answered));
  };
  if (refusal.error == ErrorCode::kNone && place.shard == nullptr) {
    refusal.error = place.error;
  }
  if (refusal.error != ErrorCode::kNone) {
    answer(refusal);
    co_return;
  }
  place.shard->ConsumerHeartbeat(request.group_id, heartbeat, std::move(answer));
}

}  // namespace sluice::broker
