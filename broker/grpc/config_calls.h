// The answers of sluice.v1.Admin that are about configs. AlterConfigs may block on the disk.
#pragma once

#include <grpcpp/support/status.h>

#include "broker/config/broker_config.h"
#include "broker/topic/catalog.h"
#include "sluice/v1/admin.pb.h"

namespace sluice::broker {

grpc::Status DescribeConfigs(const Catalog& catalog, const v1::DescribeConfigsRequest& request,
                             v1::DescribeConfigsResponse* response);
grpc::Status AlterConfigs(Catalog& catalog, const v1::AlterConfigsRequest& request);

}  // namespace sluice::broker
