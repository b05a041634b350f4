// DescribeCluster (60): the brokers of the cluster; here, this one.
//
//   v0 flexible from the start      v1 endpoint type (1 brokers, 2 controllers)      v2 fenced brokers
#include "absl/strings/str_cat.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/self.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

constexpr int8_t kBrokers = 1;
constexpr int8_t kControllers = 2;

kafka::DescribeClusterResponse WrongEndpoint(int8_t type) {
  kafka::DescribeClusterResponse response;
  response.error_code = kafka::ToWire(type == kControllers ? ErrorCode::kMismatchedEndpointType
                                                           : ErrorCode::kUnsupportedEndpointType);
  response.error_message =
      type == kControllers
          ? "this endpoint is a broker's; there are no separate controllers to connect to"
          : absl::StrCat("endpoint type ", static_cast<int>(type), " is not known; 1 stands for brokers");
  return response;
}

}  // namespace

kafka::DescribeClusterResponse HandleDescribeCluster(const kafka::DescribeClusterRequest& request,
                                                     Call& call) {
  if (request.endpoint_type != kBrokers) {
    return WrongEndpoint(request.endpoint_type);
  }
  const Self self = DescribeSelf(call);
  kafka::DescribeClusterResponse response;
  response.cluster_id = call.services.cluster_id;
  response.controller_id = self.node_id;
  auto& broker = response.brokers.emplace_back();
  broker.broker_id = self.node_id;
  broker.host = self.host;
  broker.port = self.port;
  broker.rack = self.rack;
  if (request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations = kAllClusterOperations;
  }
  return response;
}

}  // namespace sluice::broker
