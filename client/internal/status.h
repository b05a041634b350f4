// Makes the statuses that leave the library, so that all of them carry Kafka's code where there is one and
// follow the same rule: what failed, against what, why, what to do.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/base/bytes.h"
#include "proto/base/status_macros.h"
#include "proto/kafka/error_code.h"

namespace sluice::client_internal {

// OK for kNone. `what` is the operation and its object ("create topic \"orders\""); `reason` is the broker's
// own message when it sent one (else the code's description is used); `advice` may be empty.
absl::Status KafkaStatus(int16_t error_code, absl::string_view what, absl::string_view reason = {},
                         absl::string_view advice = {});
inline absl::Status KafkaStatus(kafka::ErrorCode code, absl::string_view what, absl::string_view reason = {},
                                absl::string_view advice = {}) {
  return KafkaStatus(kafka::ToWire(code), what, reason, advice);
}

// Codes that say "you asked the wrong broker": the metadata must be asked again.
bool MeansStaleMetadata(int16_t error_code);

// For what the object's owner closed under a caller's feet.
absl::Status ClosedStatus(absl::string_view what);

// A copy of `status` with `context` in front that keeps Kafka's code.
absl::Status Annotated(const absl::Status& status, absl::string_view context);

}  // namespace sluice::client_internal
