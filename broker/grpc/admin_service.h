// sluice.v1.Admin: topics, configs, the cluster. Every rule is the catalog's; this translates.
#pragma once

#include "broker/grpc/grpc_server.h"
#include "sluice/v1/admin.grpc.pb.h"

namespace sluice::broker {

// Threads: gRPC's own, concurrently; everything is answered on the pool.
class AdminService final : public v1::Admin::CallbackService {
 public:
  explicit AdminService(const GrpcParts& parts) : parts_(parts), started_(parts.clock.Monotonic()) {}

  grpc::ServerUnaryReactor* CreateTopic(grpc::CallbackServerContext* context,
                                        const v1::CreateTopicRequest* request,
                                        v1::CreateTopicResponse* response) override;
  grpc::ServerUnaryReactor* ListTopics(grpc::CallbackServerContext* context,
                                       const v1::ListTopicsRequest* request,
                                       v1::ListTopicsResponse* response) override;
  grpc::ServerUnaryReactor* DescribeTopic(grpc::CallbackServerContext* context,
                                          const v1::DescribeTopicRequest* request,
                                          v1::DescribeTopicResponse* response) override;
  grpc::ServerUnaryReactor* DeleteTopic(grpc::CallbackServerContext* context,
                                        const v1::DeleteTopicRequest* request,
                                        v1::DeleteTopicResponse* response) override;
  grpc::ServerUnaryReactor* AddPartitions(grpc::CallbackServerContext* context,
                                          const v1::AddPartitionsRequest* request,
                                          v1::AddPartitionsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteRecords(grpc::CallbackServerContext* context,
                                          const v1::DeleteRecordsRequest* request,
                                          v1::DeleteRecordsResponse* response) override;
  grpc::ServerUnaryReactor* DescribeConfigs(grpc::CallbackServerContext* context,
                                            const v1::DescribeConfigsRequest* request,
                                            v1::DescribeConfigsResponse* response) override;
  grpc::ServerUnaryReactor* AlterConfigs(grpc::CallbackServerContext* context,
                                         const v1::AlterConfigsRequest* request,
                                         v1::AlterConfigsResponse* response) override;
  grpc::ServerUnaryReactor* DescribeCluster(grpc::CallbackServerContext* context,
                                            const v1::DescribeClusterRequest* request,
                                            v1::DescribeClusterResponse* response) override;

 private:
  const GrpcParts parts_;
  const absl::Duration started_;
};

}  // namespace sluice::broker
