// Errors of the storage, as Kafka's codes. (Refused appends: broker/topic/produce_rules.h.)
#pragma once

#include "absl/status/status.h"
#include "proto/kafka/error_code.h"
#include "storage/log/log.h"

namespace sluice::broker {

// kWouldBlock is not an error: do not ask.
kafka::ErrorCode CodeOf(storage::ReadCode code);

// Of an operation on a log that failed, or of a batch that was appended and will never be known to be on the
// disk. Both codes that it gives make a client try again.
kafka::ErrorCode CodeOf(const absl::Status& status);

}  // namespace sluice::broker
