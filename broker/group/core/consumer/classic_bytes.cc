#include "broker/group/core/consumer/classic_bytes.h"

#include <algorithm>

#include "proto/base/bytes.h"
#include "proto/kafka/gen/consumer_protocol.h"
#include "proto/kafka/wire_reader.h"
#include "proto/kafka/wire_writer.h"

namespace sluice::broker {
namespace {

using kafka::ConsumerProtocolAssignment;

int16_t VersionOf(absl::string_view bytes) {
  kafka::WireReader in(AsBytes(bytes));
  const int16_t version = in.ReadInt16();
  return in.ok() ? std::clamp<int16_t>(version, 0, ConsumerProtocolAssignment::kMaxVersion) : int16_t{0};
}

}  // namespace

std::string EncodeAssignment(const PartitionList& partitions, absl::string_view subscription,
                             const TopicView& topics) {
  ConsumerProtocolAssignment assignment;
  const Uuid* last = nullptr;
  for (const TopicIdPartition& partition : partitions) {
    if (last == nullptr || *last != partition.topic) {
      const auto name = topics.NameOf(partition.topic);
      if (!name) {
        continue;
      }
      assignment.assigned_partitions.emplace_back().topic = *name;
      last = &partition.topic;
    }
    assignment.assigned_partitions.back().partitions.push_back(partition.partition.value());
  }
  const int16_t version = VersionOf(subscription);
  kafka::WireWriter out;
  out.WriteInt16(version);
  assignment.Encode(out, version);
  return std::string(AsText(out.buffer()));
}

std::optional<PartitionList> DecodeAssignment(absl::string_view bytes, const TopicView& topics) {
  if (bytes.empty()) {
    return PartitionList();
  }
  kafka::WireReader in(AsBytes(bytes));
  const int16_t version = in.ReadInt16();
  ConsumerProtocolAssignment assignment;
  if (!in.ok() || version < 0) {
    return std::nullopt;
  }
  assignment.Decode(in, std::min(version, ConsumerProtocolAssignment::kMaxVersion));
  if (!in.ok() || (assignment.user_data && !assignment.user_data->empty())) {
    return std::nullopt;
  }
  return ToPartitions(assignment.assigned_partitions, topics);
}

}  // namespace sluice::broker
