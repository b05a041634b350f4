// The answer of sluice.v1.Log/ListOffsets.
#pragma once

#include <grpcpp/support/status.h>

#include "broker/topic/catalog.h"
#include "sluice/v1/log.pb.h"

namespace sluice::broker {

// May block on the disk.
grpc::Status ListOffsets(const Catalog& catalog, const v1::ListOffsetsRequest& request,
                         v1::ListOffsetsResponse* response);

}  // namespace sluice::broker
