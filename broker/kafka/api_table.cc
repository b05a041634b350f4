#include "broker/kafka/api_table.h"

#include <algorithm>
#include <array>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "broker/kafka/handlers.h"

namespace sluice::broker {
namespace {

// No request of good sense names more than every partition there can be, each with a topic of its own.
// Decoded, planned and answered, an element of a few bytes takes some hundred: without a limit a frame of
// socket.request.max.bytes would take gigabytes.
size_t ElementsMax(const BrokerConfig& config) {
  constexpr int64_t kAtLeast = 10'000;
  return static_cast<size_t>(std::max(kAtLeast, 2 * config.Int("sluice.partitions.max")));
}

template <class Request>
bool DecodeBody(kafka::WireReader body, Call& call, Request* request) {
  body.LimitElements(ElementsMax(call.services.config));
  request->Decode(body, call.version());  // Bytes may follow, as in Kafka: librdkafka 2 sends some.
  if (!body.ok()) {
    call.slot.Close(
        absl::StrCat("malformed ", Request::kName, " version ", call.version(), ": ", body.error()));
  }
  return body.ok();
}

// A handler that answers by itself.
template <class Request, asio::awaitable<void> (*handle)(const Request&, Call&)>
asio::awaitable<void> ServeItself(kafka::WireReader body, Call& call) {
  Request request;
  if (DecodeBody(body, call, &request)) {
    co_await handle(request, call);
  }
}

template <class Request, asio::awaitable<typename Request::Response> (*handle)(const Request&, Call&)>
asio::awaitable<void> ServeLater(kafka::WireReader body, Call& call) {
  Request request;
  if (DecodeBody(body, call, &request)) {
    const typename Request::Response response = co_await handle(request, call);
    SendReply(call.reply_to, response, call.slot);
  }
}

template <class Request, typename Request::Response (*handle)(const Request&, Call&)>
asio::awaitable<void> ServeNow(kafka::WireReader body, Call& call) {
  Request request;
  if (DecodeBody(body, call, &request)) {
    SendReply(call.reply_to, handle(request, call), call.slot);
  }
  co_return;
}

// `min` and `max` are what is advertised; versions that the codec does not know are not served.
template <class Request>
constexpr ApiRow Row(int16_t min, int16_t max, asio::awaitable<void> (*serve)(kafka::WireReader, Call&)) {
  return {.key = static_cast<kafka::ApiKey>(Request::kApiKey),
          .min_advertised = min,
          .max_version = max,
          .min_version = std::max(min, Request::kMinVersion),
          .serve = serve};
}

using namespace kafka;  // NOLINT: the names of the table.

constexpr std::array kTable = {
    Row<ProduceRequest>(0, 13, ServeItself<ProduceRequest, HandleProduce>),
    Row<FetchRequest>(4, 18, ServeItself<FetchRequest, HandleFetch>),
    Row<ListOffsetsRequest>(1, 11, ServeLater<ListOffsetsRequest, HandleListOffsets>),
    Row<MetadataRequest>(0, 13, ServeLater<MetadataRequest, HandleMetadata>),
    Row<OffsetCommitRequest>(2, 10, ServeItself<OffsetCommitRequest, HandleOffsetCommit>),
    Row<OffsetFetchRequest>(1, 10, ServeItself<OffsetFetchRequest, HandleOffsetFetch>),
    Row<FindCoordinatorRequest>(0, 6, ServeLater<FindCoordinatorRequest, HandleFindCoordinator>),
    Row<JoinGroupRequest>(0, 9, ServeItself<JoinGroupRequest, HandleJoinGroup>),
    Row<HeartbeatRequest>(0, 4, ServeItself<HeartbeatRequest, HandleHeartbeat>),
    Row<LeaveGroupRequest>(0, 5, ServeItself<LeaveGroupRequest, HandleLeaveGroup>),
    Row<SyncGroupRequest>(0, 5, ServeItself<SyncGroupRequest, HandleSyncGroup>),
    Row<DescribeGroupsRequest>(0, 6, ServeItself<DescribeGroupsRequest, HandleDescribeGroups>),
    Row<ListGroupsRequest>(0, 5, ServeItself<ListGroupsRequest, HandleListGroups>),
    Row<SaslHandshakeRequest>(0, 1, ServeNow<SaslHandshakeRequest, HandleSaslHandshake>),
    Row<ApiVersionsRequest>(0, 5, ServeNow<ApiVersionsRequest, HandleApiVersions>),
    Row<CreateTopicsRequest>(2, 7, ServeLater<CreateTopicsRequest, HandleCreateTopics>),
    Row<DeleteTopicsRequest>(1, 6, ServeLater<DeleteTopicsRequest, HandleDeleteTopics>),
    Row<DeleteRecordsRequest>(0, 2, ServeLater<DeleteRecordsRequest, HandleDeleteRecords>),
    Row<InitProducerIdRequest>(0, 5, ServeLater<InitProducerIdRequest, HandleInitProducerId>),
    Row<OffsetForLeaderEpochRequest>(2, 4, ServeNow<OffsetForLeaderEpochRequest, HandleOffsetForLeaderEpoch>),
    Row<DescribeAclsRequest>(1, 3, ServeNow<DescribeAclsRequest, HandleDescribeAcls>),
    Row<DescribeConfigsRequest>(1, 4, ServeLater<DescribeConfigsRequest, HandleDescribeConfigs>),
    Row<AlterConfigsRequest>(0, 2, ServeLater<AlterConfigsRequest, HandleAlterConfigs>),
    Row<DescribeLogDirsRequest>(1, 5, ServeLater<DescribeLogDirsRequest, HandleDescribeLogDirs>),
    Row<CreatePartitionsRequest>(0, 3, ServeLater<CreatePartitionsRequest, HandleCreatePartitions>),
    Row<DeleteGroupsRequest>(0, 3, ServeItself<DeleteGroupsRequest, HandleDeleteGroups>),
    Row<ElectLeadersRequest>(0, 2, ServeNow<ElectLeadersRequest, HandleElectLeaders>),
    Row<IncrementalAlterConfigsRequest>(
        0, 1, ServeLater<IncrementalAlterConfigsRequest, HandleIncrementalAlterConfigs>),
    Row<ListPartitionReassignmentsRequest>(
        0, 0, ServeNow<ListPartitionReassignmentsRequest, HandleListPartitionReassignments>),
    Row<OffsetDeleteRequest>(0, 0, ServeItself<OffsetDeleteRequest, HandleOffsetDelete>),
    Row<DescribeClientQuotasRequest>(0, 1, ServeNow<DescribeClientQuotasRequest, HandleDescribeClientQuotas>),
    Row<DescribeQuorumRequest>(0, 2, ServeNow<DescribeQuorumRequest, HandleDescribeQuorum>),
    Row<UpdateFeaturesRequest>(0, 2, ServeNow<UpdateFeaturesRequest, HandleUpdateFeatures>),
    Row<DescribeClusterRequest>(0, 2, ServeNow<DescribeClusterRequest, HandleDescribeCluster>),
    Row<DescribeProducersRequest>(0, 0, ServeLater<DescribeProducersRequest, HandleDescribeProducers>),
    Row<ConsumerGroupHeartbeatRequest>(
        0, 1, ServeItself<ConsumerGroupHeartbeatRequest, HandleConsumerGroupHeartbeat>),
    Row<ConsumerGroupDescribeRequest>(0, 1,
                                      ServeItself<ConsumerGroupDescribeRequest, HandleConsumerGroupDescribe>),
    Row<ListConfigResourcesRequest>(0, 1, ServeNow<ListConfigResourcesRequest, HandleListConfigResources>),
    Row<DescribeTopicPartitionsRequest>(
        0, 0, ServeNow<DescribeTopicPartitionsRequest, HandleDescribeTopicPartitions>),
};
static_assert(std::ranges::is_sorted(kTable, {}, &ApiRow::key));

}  // namespace

std::span<const ApiRow> ApiTable() {
  return kTable;
}

const ApiRow* FindApiRow(int16_t key) {
  const auto found = std::ranges::lower_bound(kTable, static_cast<ApiKey>(key), {}, &ApiRow::key);
  return found != kTable.end() && static_cast<int16_t>(found->key) == key ? &*found : nullptr;
}

}  // namespace sluice::broker
