#include "broker/grpc/status_map.h"

#include "absl/strings/str_cat.h"
#include "broker/topic/produce_rules.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

grpc::StatusCode CodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNone:
      return grpc::StatusCode::OK;
    case ErrorCode::kInvalidTopicException:
    case ErrorCode::kInvalidPartitions:
    case ErrorCode::kInvalidReplicationFactor:
    case ErrorCode::kInvalidConfig:
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kInvalidTimestamp:
    case ErrorCode::kInvalidRecord:
    case ErrorCode::kCorruptMessage:
    case ErrorCode::kUnsupportedCompressionType:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kUnknownTopicId:
      return grpc::StatusCode::NOT_FOUND;
    case ErrorCode::kTopicAlreadyExists:
      return grpc::StatusCode::ALREADY_EXISTS;
    case ErrorCode::kTopicDeletionDisabled:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case ErrorCode::kPolicyViolation:
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::kOffsetOutOfRange:
      return grpc::StatusCode::OUT_OF_RANGE;
    case ErrorCode::kNotController:
    case ErrorCode::kNotLeaderOrFollower:
      return grpc::StatusCode::UNAVAILABLE;
    default:
      return grpc::StatusCode::INTERNAL;
  }
}

grpc::Status Make(grpc::StatusCode code, absl::string_view message) {
  return code == grpc::StatusCode::OK ? grpc::Status::OK : grpc::Status(code, std::string(message));
}

}  // namespace

grpc::Status ToGrpcStatus(ErrorCode code, absl::string_view message) {
  return Make(CodeOf(code), message);
}

grpc::Status ToGrpcStatus(const TopicError& error) {
  return error.out_of_space ? Make(grpc::StatusCode::RESOURCE_EXHAUSTED, error.message)
                            : ToGrpcStatus(error.code, error.message);
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  // Abseil took its codes from gRPC, number by number.
  return Make(static_cast<grpc::StatusCode>(status.code()), status.message());
}

grpc::Status ToGrpcStatus(const storage::AppendOutcome& outcome) {
  if (outcome.code == storage::AppendCode::kStorageError && absl::IsResourceExhausted(outcome.status)) {
    return Make(grpc::StatusCode::RESOURCE_EXHAUSTED, outcome.status.message());
  }
  return ToGrpcStatus(ToErrorCode(outcome), DescribeOutcome(outcome));
}

grpc::Status InvalidArgument(absl::string_view message) {
  return Make(grpc::StatusCode::INVALID_ARGUMENT, message);
}

grpc::Status NoSuchTopic(const Catalog& catalog, absl::string_view name) {
  return name.empty() ? InvalidArgument("the request names no topic")
                      : ToGrpcStatus(catalog.UnknownTopic(name));
}

grpc::Status NoSuchPartition(const Topic& topic, int32_t partition) {
  if (partition < 0) {
    return InvalidArgument(absl::StrCat("partition ", partition, " cannot be: they are numbered from 0"));
  }
  return Make(grpc::StatusCode::NOT_FOUND,
              absl::StrCat("topic \"", topic.name, "\" has no partition ", partition, ": it has ",
                           topic.partitions.size(), ", numbered from 0"));
}

grpc::Status HealthOf(const Partition& partition) {
  return ToGrpcStatus(partition.health());
}

grpc::Status PartitionClosed(const Catalog& catalog, const Topic& topic) {
  if (catalog.FindById(topic.id) == nullptr) {
    return Make(grpc::StatusCode::ABORTED,
                absl::StrCat("topic \"", topic.name, "\" was deleted while the call was under way"));
  }
  return Make(grpc::StatusCode::UNAVAILABLE, "the broker is stopping: try again when it is back");
}

}  // namespace sluice::broker
