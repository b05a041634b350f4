// DescribeQuorum (55): who votes on the cluster's metadata, and how far each has read it.
//
//   v0 flexible from the start      v1 when each was last heard of      v2 directories, addresses, messages
//
// The metadata is in the broker's own store and in no log, so __cluster_metadata-0 has one voter, this
// broker, which has read all of it: both offsets are 0. That is what consoles and kafka-metadata-quorum.sh
// ask for.
#include "broker/kafka/handlers.h"
#include "broker/kafka/self.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::DescribeQuorumRequest;
using Response = kafka::DescribeQuorumResponse;

constexpr char kMetadataTopic[] = "__cluster_metadata";

void DescribeVoters(const Call& call, Response::PartitionData* answer) {
  answer->leader_id = call.services.node_id.value();
  answer->leader_epoch = call.services.catalog.leader_epoch().value();
  auto& voter = answer->current_voters.emplace_back();
  voter.replica_id = call.services.node_id.value();
  voter.last_fetch_timestamp = call.services.clock.NowMs();
  voter.last_caught_up_timestamp = voter.last_fetch_timestamp;
}

void Refuse(Response::PartitionData* answer) {
  answer->error_code = kafka::ToWire(ErrorCode::kUnknownTopicOrPartition);
  answer->error_message = "voters are told of __cluster_metadata-0 only";
}

void DescribeNode(const Call& call, Response* response) {
  const Self self = DescribeSelf(call);
  auto& node = response->nodes.emplace_back();
  node.node_id = self.node_id;
  auto& listener = node.listeners.emplace_back();
  listener.name = call.connection.listener;
  listener.host = self.host;
  listener.port = static_cast<uint16_t>(self.port);
}

}  // namespace

kafka::DescribeQuorumResponse HandleDescribeQuorum(const Request& request, Call& call) {
  kafka::DescribeQuorumResponse response;
  for (const auto& asked_topic : request.topics) {
    auto& topic = response.topics.emplace_back();
    topic.topic_name = asked_topic.topic_name;
    for (const auto& asked : asked_topic.partitions) {
      auto& answer = topic.partitions.emplace_back();
      answer.partition_index = asked.partition_index;
      if (asked_topic.topic_name == kMetadataTopic && asked.partition_index == 0) {
        DescribeVoters(call, &answer);
      } else {
        Refuse(&answer);
      }
    }
  }
  if (call.version() >= 2) {
    DescribeNode(call, &response);
  }
  return response;
}

}  // namespace sluice::broker
