#include "broker/config/foreign_keys.h"

#include <algorithm>
#include <span>

#include "absl/strings/match.h"

namespace sluice::broker {
namespace {

// A trailing dot stands for every key below it.
constexpr absl::string_view kIgnored[] = {
    "alter.config.policy.class.name",
    "auto.include.jmx.reporter",
    "auto.leader.rebalance.enable",
    "background.threads",
    "broker.heartbeat.interval.ms",
    "broker.id.generation.enable",
    "broker.session.timeout.ms",
    "control.plane.listener.name",
    "controlled.shutdown.",
    "controller.",
    "create.topic.policy.class.name",
    "eligible.leader.replicas.enable",
    "fetch.purgatory.purge.interval.requests",
    "group.consumer.assignment.interval.ms",
    "group.consumer.assignor.offload.enable",
    "group.consumer.max.",
    "group.consumer.min.",
    "group.coordinator.",
    "group.share.",
    "initial.broker.registration.timeout.ms",
    "inter.broker.listener.name",
    "inter.broker.protocol.version",
    "kafka.metrics.",
    "leader.imbalance.",
    "log.cleaner.io.buffer.",
    "log.dir.failure.timeout.ms",
    "log.flush.offset.checkpoint.interval.ms",
    "log.flush.scheduler.interval.ms",
    "log.flush.start.offset.checkpoint.interval.ms",
    "log.initial.task.delay.ms",
    "log.message.downconversion.enable",
    "log.message.format.version",
    "metadata.",
    "metric.reporters",
    "metrics.",
    "num.io.threads",
    "num.replica.",
    "offsets.commit.timeout.ms",
    "offsets.load.buffer.size",
    "offsets.topic.replication.factor",
    "process.roles",
    "producer.purgatory.purge.interval.requests",
    "queued.max.request.bytes",
    "queued.max.requests",
    "replica.",
    "request.timeout.ms",
    "reserved.broker.max.id",
    "transaction.",
    "transactional.id.expiration.ms",
    "unclean.leader.election.enable",
    "unstable.",
    "zookeeper.",
};

constexpr absl::string_view kRefused[] = {
    "allow.everyone.if.no.acl.found",
    "authorizer.class.name",
    "delegation.token.",
    "listener.name.",
    "password.encoder.",
    "principal.builder.",
    "sasl.",
    "security.",
    "ssl.",
    "super.users",
};

bool Matches(absl::string_view entry, absl::string_view name) {
  return entry == name || (absl::EndsWith(entry, ".") && absl::StartsWith(name, entry));
}

bool AnyMatches(std::span<const absl::string_view> entries, absl::string_view name) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](absl::string_view entry) { return Matches(entry, name); });
}

}  // namespace

ForeignKey ClassifyForeignKey(absl::string_view name) {
  if (AnyMatches(kIgnored, name)) {
    return ForeignKey::kIgnored;
  }
  return AnyMatches(kRefused, name) ? ForeignKey::kRefused : ForeignKey::kUnknown;
}

}  // namespace sluice::broker
