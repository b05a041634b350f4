#include "broker/kafka/error_map.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

// The log is being deleted, or the broker stops: the client is to ask for metadata again.
bool IsGone(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAborted:
      return true;
    default:
      return false;
  }
}

}  // namespace

ErrorCode CodeOf(storage::ReadCode code) {
  switch (code) {
    case storage::ReadCode::kOk:
      return ErrorCode::kNone;
    case storage::ReadCode::kOffsetOutOfRange:
      return ErrorCode::kOffsetOutOfRange;
    case storage::ReadCode::kClosed:
      return ErrorCode::kNotLeaderOrFollower;
    case storage::ReadCode::kWouldBlock:
    case storage::ReadCode::kStorageError:
      break;
  }
  return ErrorCode::kKafkaStorageError;
}

ErrorCode CodeOf(const absl::Status& status) {
  return IsGone(status) ? ErrorCode::kNotLeaderOrFollower : ErrorCode::kKafkaStorageError;
}

}  // namespace sluice::broker
