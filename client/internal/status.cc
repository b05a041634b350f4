#include "client/internal/status.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "sluice/errors.h"

namespace sluice {
namespace client_internal {
namespace {

using kafka::ErrorCode;

constexpr char kPayloadUrl[] = "sluice/kafka-error-code";

absl::StatusCode StatusCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kResourceNotFound:
    case ErrorCode::kGroupIdNotFound:
      return absl::StatusCode::kNotFound;
    case ErrorCode::kTopicAlreadyExists:
    case ErrorCode::kDuplicateResource:
      return absl::StatusCode::kAlreadyExists;
    case ErrorCode::kTopicAuthorizationFailed:
    case ErrorCode::kGroupAuthorizationFailed:
    case ErrorCode::kClusterAuthorizationFailed:
    case ErrorCode::kTransactionalIdAuthorizationFailed:
    case ErrorCode::kSaslAuthenticationFailed:
    case ErrorCode::kTopicDeletionDisabled:
    case ErrorCode::kPolicyViolation:
      return absl::StatusCode::kPermissionDenied;
    case ErrorCode::kInvalidTopicException:
    case ErrorCode::kInvalidPartitions:
    case ErrorCode::kInvalidReplicationFactor:
    case ErrorCode::kInvalidReplicaAssignment:
    case ErrorCode::kInvalidConfig:
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kInvalidTimestamp:
    case ErrorCode::kInvalidRecord:
    case ErrorCode::kInvalidRequiredAcks:
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
    case ErrorCode::kInvalidGroupId:
    case ErrorCode::kInvalidSessionTimeout:
    case ErrorCode::kOffsetMetadataTooLarge:
    case ErrorCode::kInvalidCommitOffsetSize:
      return absl::StatusCode::kInvalidArgument;
    case ErrorCode::kOffsetOutOfRange:
      return absl::StatusCode::kOutOfRange;
    case ErrorCode::kCorruptMessage:
      return absl::StatusCode::kDataLoss;
    case ErrorCode::kRequestTimedOut:
      return absl::StatusCode::kDeadlineExceeded;
    case ErrorCode::kThrottlingQuotaExceeded:
    case ErrorCode::kGroupMaxSizeReached:
      return absl::StatusCode::kResourceExhausted;
    case ErrorCode::kUnsupportedVersion:
    case ErrorCode::kUnsupportedCompressionType:
    case ErrorCode::kUnsupportedForMessageFormat:
      return absl::StatusCode::kUnimplemented;
    case ErrorCode::kUnknownServerError:
      return absl::StatusCode::kInternal;
    default:
      return kafka::IsRetriable(code) ? absl::StatusCode::kUnavailable
                                      : absl::StatusCode::kFailedPrecondition;
  }
}

}  // namespace

absl::Status KafkaStatus(int16_t error_code, absl::string_view what, absl::string_view reason,
                         absl::string_view advice) {
  const auto code = static_cast<ErrorCode>(error_code);
  if (code == ErrorCode::kNone) {
    return absl::OkStatus();
  }
  std::string message = absl::StrCat(what, ": ", kafka::ErrorName(code), ": ",
                                     reason.empty() ? kafka::ErrorDescription(code) : reason);
  if (!advice.empty()) {
    if (message.back() == '.') {
      message.pop_back();  // Brokers end their reasons with it; the advice goes on in the same sentence.
    }
    absl::StrAppend(&message, "; ", advice);
  }
  absl::Status status(StatusCodeOf(code), message);
  status.SetPayload(kPayloadUrl, absl::Cord(absl::StrCat(error_code)));
  return status;
}

bool MeansStaleMetadata(int16_t error_code) {
  switch (static_cast<ErrorCode>(error_code)) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kLeaderNotAvailable:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kReplicaNotAvailable:
    case ErrorCode::kKafkaStorageError:
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kUnknownLeaderEpoch:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kInconsistentTopicId:
    case ErrorCode::kListenerNotFound:
    case ErrorCode::kNotController:
    case ErrorCode::kNetworkException:
      return true;
    default:
      return false;
  }
}

absl::Status ClosedStatus(absl::string_view what) {
  return absl::CancelledError(absl::StrCat(what, " was closed while the call was under way; make a new one"));
}

absl::Status Annotated(const absl::Status& status, absl::string_view context) {
  absl::Status annotated(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { annotated.SetPayload(url, payload); });
  return annotated;
}

}  // namespace client_internal

std::optional<int16_t> KafkaErrorCode(const absl::Status& status) {
  const auto payload = status.GetPayload(client_internal::kPayloadUrl);
  int code = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &code)) {
    return std::nullopt;
  }
  return static_cast<int16_t>(code);
}

std::string_view KafkaErrorName(int16_t code) {
  return ToStd(kafka::ErrorName(static_cast<kafka::ErrorCode>(code)));
}

bool IsRetriable(const absl::Status& status) {
  if (const std::optional<int16_t> code = KafkaErrorCode(status)) {
    return kafka::IsRetriable(static_cast<kafka::ErrorCode>(*code));
  }
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status);
}

}  // namespace sluice
