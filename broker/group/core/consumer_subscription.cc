#include "broker/group/core/consumer_subscription.h"

#include <algorithm>

#include "proto/base/bytes.h"
#include "proto/kafka/wire_reader.h"

namespace sluice::broker {

std::optional<kafka::ConsumerProtocolSubscription> ParseSubscription(absl::string_view metadata) {
  kafka::WireReader in(AsBytes(metadata));
  const int16_t version = in.ReadInt16();
  if (!in.ok() || version < 0) {
    return std::nullopt;
  }
  kafka::ConsumerProtocolSubscription subscription;
  subscription.Decode(in, std::min(version, kafka::ConsumerProtocolSubscription::kMaxVersion));
  return in.ok() ? std::optional(std::move(subscription)) : std::nullopt;
}

}  // namespace sluice::broker
