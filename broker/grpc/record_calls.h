// The answer of sluice.v1.Admin/DeleteRecords.
#pragma once

#include <grpcpp/support/status.h>

#include "broker/topic/catalog.h"
#include "sluice/v1/admin.pb.h"

namespace sluice::broker {

// Blocks on the disk.
grpc::Status DeleteRecords(const Catalog& catalog, const v1::DeleteRecordsRequest& request,
                           v1::DeleteRecordsResponse* response);

}  // namespace sluice::broker
