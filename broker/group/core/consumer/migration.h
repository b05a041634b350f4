// From the classic protocol to the consumer protocol and back, while members go on reading.
//
//   upgrade    a member of the consumer protocol joins a classic group of consumers: those who are in it
//   stay,
//              as classic members of a consumer group, with what the last generation gave them
//   downgrade  the last member of the consumer protocol goes: the others are a classic group again, which
//              they are asked to join anew
//
// A group without members has nothing to take along and simply changes its kind.
#pragma once

#include <optional>

#include "broker/group/core/classic_group.h"
#include "broker/group/core/consumer/consumer_group.h"

namespace sluice::broker {

// Nothing when the policy forbids it, when it is no group of consumers, or when what a member said cannot be
// read. Whoever waits in `classic` is still to be told to join again.
std::optional<ConsumerGroup> Upgrade(const ClassicGroup& classic, const ConsumerLimits& limits,
                                     const TopicView& topics, const GroupTime& now, ConsumerEffects* effects);

// `effects` gets what the rebalance that this begins leads to.
ClassicGroup ToClassicGroup(const ConsumerGroup& group, const Downgrade& downgrade, const GroupLimits& limits,
                            const TopicView& topics, const GroupTime& now, ClassicEffects* effects);

}  // namespace sluice::broker
