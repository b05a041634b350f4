// The one place where errors of the broker become gRPC statuses. The sentences are the errors' own.
#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "broker/topic/catalog.h"
#include "proto/kafka/error_code.h"
#include "storage/log/log.h"

namespace sluice::broker {

grpc::Status ToGrpcStatus(kafka::ErrorCode code, absl::string_view message);
grpc::Status ToGrpcStatus(const TopicError& error);
grpc::Status ToGrpcStatus(const absl::Status& status);
grpc::Status ToGrpcStatus(const storage::AppendOutcome& outcome);

grpc::Status InvalidArgument(absl::string_view message);
grpc::Status NoSuchTopic(const Catalog& catalog, absl::string_view name);
grpc::Status NoSuchPartition(const Topic& topic, int32_t partition);

// OK while the partition serves; FAILED_PRECONDITION or DATA_LOSS with the reason when it is offline.
grpc::Status HealthOf(const Partition& partition);

// A partition was closed under a call: ABORTED when its topic was deleted, UNAVAILABLE when the broker stops.
grpc::Status PartitionClosed(const Catalog& catalog, const Topic& topic);

}  // namespace sluice::broker
