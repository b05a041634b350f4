// How errors of the client look. Every fallible call returns absl::Status or absl::StatusOr; nothing throws.
// A message says what failed, against which broker, topic or record, why, and what to do about it.
//
//   kInvalidArgument     the call or an option makes no sense, or the broker calls the request invalid
//   kNotFound            topic or partition does not exist          kAlreadyExists      topic does
//   kUnavailable         no broker can be reached, or has no leader: worth a retry later
//   kDeadlineExceeded    a timeout of ours ran out                  kCancelled          the object was closed
//   kResourceExhausted   the producer's buffer is full, or a quota  kOutOfRange         offset is not in the
//   log kPermissionDenied    the broker's authorizer said no            kDataLoss           corrupt bytes
//   arrived kUnimplemented       the broker does not know the request       kFailedPrecondition anything else
//   it refused
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"

namespace sluice {

// Kafka's own error number, when a broker's answer is what failed: 3 is UNKNOWN_TOPIC_OR_PARTITION and so on
// (https://kafka.apache.org/protocol#protocol_error_codes).
std::optional<int16_t> KafkaErrorCode(const absl::Status& status);

// "UNKNOWN_TOPIC_OR_PARTITION" for 3; "UNKNOWN_ERROR_CODE" for numbers that this library does not know.
std::string_view KafkaErrorName(int16_t code);

// Whether the same call may succeed later without anything being changed. The client itself has then retried
// for as long as its timeouts allow.
bool IsRetriable(const absl::Status& status);

}  // namespace sluice
