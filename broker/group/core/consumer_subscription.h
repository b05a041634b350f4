// What a consumer of a classic group says in its JoinGroup metadata.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"
#include "proto/kafka/gen/consumer_protocol.h"

namespace sluice::broker {

// Nothing when the bytes are not a subscription. Versions beyond those known are read as the newest that is,
// as Kafka does: fields are only ever added at the end. The result views `metadata`.
std::optional<kafka::ConsumerProtocolSubscription> ParseSubscription(absl::string_view metadata);

}  // namespace sluice::broker
