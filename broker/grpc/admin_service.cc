#include "broker/grpc/admin_service.h"

#include "absl/strings/str_cat.h"
#include "broker/grpc/config_calls.h"
#include "broker/grpc/on_pool.h"
#include "broker/grpc/record_calls.h"
#include "broker/grpc/topic_calls.h"

namespace sluice::broker {
namespace {

std::string HostPort(absl::string_view host, uint16_t port) {
  return host.find(':') == absl::string_view::npos ? absl::StrCat(host, ":", port)
                                                   : absl::StrCat("[", host, "]:", port);
}

bool IsEveryAddress(absl::string_view host) {
  return host.empty() || host == "0.0.0.0" || host == "::";
}

// host:port by which the client reached this server, as it says.
std::string AuthorityOf(const grpc::CallbackServerContext& context) {
  const grpc::string_ref authority = context.ExperimentalGetAuthority();
  return {authority.data(), authority.size()};
}

// The best guess for a broker that listens everywhere.
std::string HostOfCall(const grpc::CallbackServerContext& context) {
  const auto endpoint = ParseHostPort(AuthorityOf(context));
  return endpoint.ok() && !IsEveryAddress(endpoint->host) ? endpoint->host : "localhost";
}

std::string KafkaEndpoint(const GrpcParts& parts, const grpc::CallbackServerContext& context) {
  const std::vector<Endpoint> advertised = AdvertisedListenersOf(parts.config);
  if (!advertised.empty()) {
    return HostPort(advertised.front().host, advertised.front().port);
  }
  const std::string host = ListenersOf(parts.config).front().host;
  return HostPort(IsEveryAddress(host) ? HostOfCall(context) : host, parts.identity.kafka_port);
}

}  // namespace

grpc::ServerUnaryReactor* AdminService::CreateTopic(grpc::CallbackServerContext* context,
                                                    const v1::CreateTopicRequest* request,
                                                    v1::CreateTopicResponse* response) {
  return AnswerOnPool(context, parts_.pool,
                      [=, this] { return broker::CreateTopic(parts_.catalog, *request, response); });
}

grpc::ServerUnaryReactor* AdminService::ListTopics(grpc::CallbackServerContext* context,
                                                   const v1::ListTopicsRequest* request,
                                                   v1::ListTopicsResponse* response) {
  return AnswerOnPool(context, parts_.pool,
                      [=, this] { return broker::ListTopics(parts_.catalog, *request, response); });
}

grpc::ServerUnaryReactor* AdminService::DescribeTopic(grpc::CallbackServerContext* context,
                                                      const v1::DescribeTopicRequest* request,
                                                      v1::DescribeTopicResponse* response) {
  return AnswerOnPool(context, parts_.pool, [=, this] {
    return broker::DescribeTopic(parts_.catalog, parts_.identity.node_id, *request, response);
  });
}

grpc::ServerUnaryReactor* AdminService::DeleteTopic(grpc::CallbackServerContext* context,
                                                    const v1::DeleteTopicRequest* request,
                                                    v1::DeleteTopicResponse* /*response*/) {
  return AnswerOnPool(context, parts_.pool,
                      [=, this] { return broker::DeleteTopic(parts_.catalog, *request); });
}

grpc::ServerUnaryReactor* AdminService::AddPartitions(grpc::CallbackServerContext* context,
                                                      const v1::AddPartitionsRequest* request,
                                                      v1::AddPartitionsResponse* /*response*/) {
  return AnswerOnPool(context, parts_.pool,
                      [=, this] { return broker::AddPartitions(parts_.catalog, *request); });
}

grpc::ServerUnaryReactor* AdminService::DeleteRecords(grpc::CallbackServerContext* context,
                                                      const v1::DeleteRecordsRequest* request,
                                                      v1::DeleteRecordsResponse* response) {
  return AnswerOnPool(context, parts_.pool,
                      [=, this] { return broker::DeleteRecords(parts_.catalog, *request, response); });
}

grpc::ServerUnaryReactor* AdminService::DescribeConfigs(grpc::CallbackServerContext* context,
                                                        const v1::DescribeConfigsRequest* request,
                                                        v1::DescribeConfigsResponse* response) {
  return AnswerOnPool(context, parts_.pool,
                      [=, this] { return broker::DescribeConfigs(parts_.catalog, *request, response); });
}

grpc::ServerUnaryReactor* AdminService::AlterConfigs(grpc::CallbackServerContext* context,
                                                     const v1::AlterConfigsRequest* request,
                                                     v1::AlterConfigsResponse* /*response*/) {
  return AnswerOnPool(context, parts_.pool,
                      [=, this] { return broker::AlterConfigs(parts_.catalog, *request); });
}

grpc::ServerUnaryReactor* AdminService::DescribeCluster(grpc::CallbackServerContext* context,
                                                        const v1::DescribeClusterRequest* /*request*/,
                                                        v1::DescribeClusterResponse* response) {
  response->set_cluster_id(parts_.identity.cluster_id);
  response->set_node_id(parts_.identity.node_id.value());
  response->set_version(parts_.identity.version);
  response->set_kafka_endpoint(KafkaEndpoint(parts_, *context));
  response->set_grpc_endpoint(AuthorityOf(*context));
  response->set_uptime_ms(absl::ToInt64Milliseconds(parts_.clock.Monotonic() - started_));
  for (const OfflineDir& dir : parts_.catalog.OfflineDirs()) {
    v1::OfflineLogDir* offline = response->add_offline_log_dirs();
    offline->set_path(dir.path);
    offline->set_reason(dir.reason);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace sluice::broker
