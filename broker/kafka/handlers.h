// The handlers, one per API key, each in NN_name.cc. A handler gets a request that was decoded to its last
// byte in a version that the table (api_table.h) serves.
//
// Threads: the connection's network thread; whatever may block is awaited on the disk pool.
#pragma once

#include <asio/awaitable.hpp>

#include "broker/kafka/call.h"
#include "proto/kafka/gen/alter_configs.h"
#include "proto/kafka/gen/api_versions.h"
#include "proto/kafka/gen/consumer_group_describe.h"
#include "proto/kafka/gen/consumer_group_heartbeat.h"
#include "proto/kafka/gen/create_partitions.h"
#include "proto/kafka/gen/create_topics.h"
#include "proto/kafka/gen/delete_groups.h"
#include "proto/kafka/gen/delete_records.h"
#include "proto/kafka/gen/delete_topics.h"
#include "proto/kafka/gen/describe_acls.h"
#include "proto/kafka/gen/describe_client_quotas.h"
#include "proto/kafka/gen/describe_cluster.h"
#include "proto/kafka/gen/describe_configs.h"
#include "proto/kafka/gen/describe_groups.h"
#include "proto/kafka/gen/describe_log_dirs.h"
#include "proto/kafka/gen/describe_producers.h"
#include "proto/kafka/gen/describe_quorum.h"
#include "proto/kafka/gen/describe_topic_partitions.h"
#include "proto/kafka/gen/elect_leaders.h"
#include "proto/kafka/gen/fetch.h"
#include "proto/kafka/gen/find_coordinator.h"
#include "proto/kafka/gen/heartbeat.h"
#include "proto/kafka/gen/incremental_alter_configs.h"
#include "proto/kafka/gen/init_producer_id.h"
#include "proto/kafka/gen/join_group.h"
#include "proto/kafka/gen/leave_group.h"
#include "proto/kafka/gen/list_config_resources.h"
#include "proto/kafka/gen/list_groups.h"
#include "proto/kafka/gen/list_offsets.h"
#include "proto/kafka/gen/list_partition_reassignments.h"
#include "proto/kafka/gen/metadata.h"
#include "proto/kafka/gen/offset_commit.h"
#include "proto/kafka/gen/offset_delete.h"
#include "proto/kafka/gen/offset_fetch.h"
#include "proto/kafka/gen/offset_for_leader_epoch.h"
#include "proto/kafka/gen/produce.h"
#include "proto/kafka/gen/sasl_handshake.h"
#include "proto/kafka/gen/sync_group.h"
#include "proto/kafka/gen/update_features.h"

namespace sluice::broker {

// These answer by themselves: the answer has file ranges in it, comes later, or never.
asio::awaitable<void> HandleProduce(const kafka::ProduceRequest& request, Call& call);
asio::awaitable<void> HandleFetch(const kafka::FetchRequest& request, Call& call);
// Of groups: answered when what they rest on is on the disk, or a rebalance is through.
asio::awaitable<void> HandleOffsetCommit(const kafka::OffsetCommitRequest& request, Call& call);
asio::awaitable<void> HandleOffsetFetch(const kafka::OffsetFetchRequest& request, Call& call);
asio::awaitable<void> HandleJoinGroup(const kafka::JoinGroupRequest& request, Call& call);
asio::awaitable<void> HandleHeartbeat(const kafka::HeartbeatRequest& request, Call& call);
asio::awaitable<void> HandleLeaveGroup(const kafka::LeaveGroupRequest& request, Call& call);
asio::awaitable<void> HandleSyncGroup(const kafka::SyncGroupRequest& request, Call& call);
asio::awaitable<void> HandleDescribeGroups(const kafka::DescribeGroupsRequest& request, Call& call);
asio::awaitable<void> HandleListGroups(const kafka::ListGroupsRequest& request, Call& call);
asio::awaitable<void> HandleDeleteGroups(const kafka::DeleteGroupsRequest& request, Call& call);
asio::awaitable<void> HandleOffsetDelete(const kafka::OffsetDeleteRequest& request, Call& call);
asio::awaitable<void> HandleConsumerGroupHeartbeat(const kafka::ConsumerGroupHeartbeatRequest& request,
                                                   Call& call);
asio::awaitable<void> HandleConsumerGroupDescribe(const kafka::ConsumerGroupDescribeRequest& request,
                                                  Call& call);

// These may have to go to the disk.
asio::awaitable<kafka::ListOffsetsResponse> HandleListOffsets(const kafka::ListOffsetsRequest& request,
                                                              Call& call);
asio::awaitable<kafka::MetadataResponse> HandleMetadata(const kafka::MetadataRequest& request, Call& call);
asio::awaitable<kafka::CreateTopicsResponse> HandleCreateTopics(const kafka::CreateTopicsRequest& request,
                                                                Call& call);
asio::awaitable<kafka::DeleteTopicsResponse> HandleDeleteTopics(const kafka::DeleteTopicsRequest& request,
                                                                Call& call);
asio::awaitable<kafka::DeleteRecordsResponse> HandleDeleteRecords(const kafka::DeleteRecordsRequest& request,
                                                                  Call& call);
asio::awaitable<kafka::InitProducerIdResponse> HandleInitProducerId(
    const kafka::InitProducerIdRequest& request, Call& call);
asio::awaitable<kafka::AlterConfigsResponse> HandleAlterConfigs(const kafka::AlterConfigsRequest& request,
                                                                Call& call);
asio::awaitable<kafka::CreatePartitionsResponse> HandleCreatePartitions(
    const kafka::CreatePartitionsRequest& request, Call& call);
asio::awaitable<kafka::IncrementalAlterConfigsResponse> HandleIncrementalAlterConfigs(
    const kafka::IncrementalAlterConfigsRequest& request, Call& call);

asio::awaitable<kafka::FindCoordinatorResponse> HandleFindCoordinator(
    const kafka::FindCoordinatorRequest& request, Call& call);

asio::awaitable<kafka::DescribeConfigsResponse> HandleDescribeConfigs(
    const kafka::DescribeConfigsRequest& request, Call& call);

asio::awaitable<kafka::DescribeLogDirsResponse> HandleDescribeLogDirs(
    const kafka::DescribeLogDirsRequest& request, Call& call);
asio::awaitable<kafka::DescribeProducersResponse> HandleDescribeProducers(
    const kafka::DescribeProducersRequest& request, Call& call);

// These only look at what is in memory.
kafka::SaslHandshakeResponse HandleSaslHandshake(const kafka::SaslHandshakeRequest& request, Call& call);
kafka::ApiVersionsResponse HandleApiVersions(const kafka::ApiVersionsRequest& request, Call& call);
kafka::OffsetForLeaderEpochResponse HandleOffsetForLeaderEpoch(
    const kafka::OffsetForLeaderEpochRequest& request, Call& call);
kafka::DescribeClusterResponse HandleDescribeCluster(const kafka::DescribeClusterRequest& request,
                                                     Call& call);

kafka::DescribeAclsResponse HandleDescribeAcls(const kafka::DescribeAclsRequest& request, Call& call);
kafka::ElectLeadersResponse HandleElectLeaders(const kafka::ElectLeadersRequest& request, Call& call);
kafka::ListPartitionReassignmentsResponse HandleListPartitionReassignments(
    const kafka::ListPartitionReassignmentsRequest& request, Call& call);
kafka::DescribeClientQuotasResponse HandleDescribeClientQuotas(
    const kafka::DescribeClientQuotasRequest& request, Call& call);
kafka::DescribeQuorumResponse HandleDescribeQuorum(const kafka::DescribeQuorumRequest& request, Call& call);
kafka::UpdateFeaturesResponse HandleUpdateFeatures(const kafka::UpdateFeaturesRequest& request, Call& call);
kafka::ListConfigResourcesResponse HandleListConfigResources(const kafka::ListConfigResourcesRequest& request,
                                                             Call& call);
kafka::DescribeTopicPartitionsResponse HandleDescribeTopicPartitions(
    const kafka::DescribeTopicPartitionsRequest& request, Call& call);

// The answer to an ApiVersions request of a version that we do not speak: version 0's layout, error
// UNSUPPORTED_VERSION, and what we do speak of this one API, so that the client can ask again.
kafka::ApiVersionsResponse UnsupportedApiVersions();

}  // namespace sluice::broker
