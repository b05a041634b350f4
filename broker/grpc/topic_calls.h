// The answers of sluice.v1.Admin that are about topics. All may block on the disk.
#pragma once

#include <grpcpp/support/status.h>

#include "broker/topic/catalog.h"
#include "proto/base/ids.h"
#include "sluice/v1/admin.pb.h"

namespace sluice::broker {

grpc::Status CreateTopic(Catalog& catalog, const v1::CreateTopicRequest& request,
                         v1::CreateTopicResponse* response);
grpc::Status ListTopics(const Catalog& catalog, const v1::ListTopicsRequest& request,
                        v1::ListTopicsResponse* response);
grpc::Status DescribeTopic(const Catalog& catalog, NodeId node_id, const v1::DescribeTopicRequest& request,
                           v1::DescribeTopicResponse* response);
grpc::Status DeleteTopic(Catalog& catalog, const v1::DeleteTopicRequest& request);
grpc::Status AddPartitions(Catalog& catalog, const v1::AddPartitionsRequest& request);

}  // namespace sluice::broker
