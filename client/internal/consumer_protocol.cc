#include "client/internal/consumer_protocol.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/base/status_macros.h"
#include "proto/kafka/gen/consumer_protocol.h"
#include "proto/kafka/wire_reader.h"
#include "proto/kafka/wire_writer.h"

namespace sluice::client_internal {
namespace {

using WireSubscription = kafka::ConsumerProtocolSubscription;
using WireAssignment = kafka::ConsumerProtocolAssignment;

// All versions of an assignment look the same: the first is the one that everybody reads.
constexpr int16_t kAssignmentVersion = 0;
constexpr int16_t kGenerationFrom = 2;

template <class Group>
std::vector<Group> ByTopic(const std::vector<TopicPartition>& partitions) {
  std::vector<Group> groups;
  for (const TopicPartition& partition : partitions) {
    if (groups.empty() || groups.back().topic != partition.topic) {
      groups.push_back({.topic = partition.topic, .partitions = {}});
    }
    groups.back().partitions.push_back(partition.partition);
  }
  return groups;
}

template <class Group>
std::vector<TopicPartition> Flat(const std::vector<Group>& groups) {
  std::vector<TopicPartition> partitions;
  for (const Group& group : groups) {
    for (const int32_t index : group.partitions) {
      partitions.push_back({group.topic, index});
    }
  }
  std::sort(partitions.begin(), partitions.end());
  return partitions;
}

template <class Message>
Bytes Encode(const Message& message, int16_t version) {
  kafka::WireWriter out;
  out.WriteInt16(version);
  message.Encode(out, version);
  CHECK(out.ok());
  return out.Take();
}

template <class Message>
absl::Status Decode(ByteView bytes, Message* message, int16_t* version) {
  kafka::WireReader in(bytes);
  *version = in.ReadInt16();
  if (*version < 0) {
    in.Fail(absl::StrCat("version ", *version));
  }
  message->Decode(in, std::min(*version, Message::kMaxVersion));
  return in.ok() ? absl::OkStatus()
                 : absl::DataLossError(absl::StrCat("a ", Message::kName, " does not decode: ", in.error(),
                                                    "; which client of the group wrote it?"));
}

}  // namespace

const char* NameOf(Assignor assignor) {
  return assignor == Assignor::kRange ? "range" : "cooperative-sticky";
}

std::optional<Assignor> AssignorOf(absl::string_view name) {
  for (const Assignor assignor : {Assignor::kRange, Assignor::kCooperativeSticky}) {
    if (name == NameOf(assignor)) {
      return assignor;
    }
  }
  return std::nullopt;
}

Bytes EncodeSubscription(const Subscription& subscription, Assignor assignor) {
  WireSubscription wire;
  wire.topics = subscription.topics;
  wire.owned_partitions = ByTopic<WireSubscription::TopicPartition>(subscription.owned);
  wire.generation_id = subscription.generation;
  // Sticky leaders that know version 1 only look for the generation here.
  std::byte generation[sizeof(int32_t)];
  StoreBigEndian<int32_t>(generation, subscription.generation);
  if (assignor == Assignor::kCooperativeSticky) {
    wire.user_data = ByteView(generation);
  }
  return Encode(wire, WireSubscription::kMaxVersion);
}

Bytes EncodeAssignment(const std::vector<TopicPartition>& partitions) {
  WireAssignment wire;
  wire.assigned_partitions = ByTopic<WireAssignment::TopicPartition>(partitions);
  return Encode(wire, kAssignmentVersion);
}

absl::StatusOr<Subscription> DecodeSubscription(ByteView bytes) {
  WireSubscription wire;
  int16_t version = 0;
  RETURN_IF_ERROR(Decode(bytes, &wire, &version));
  Subscription subscription{.topics = std::move(wire.topics),
                            .owned = Flat(wire.owned_partitions),
                            .generation = wire.generation_id};
  std::sort(subscription.topics.begin(), subscription.topics.end());
  if (version < kGenerationFrom && wire.user_data.has_value() && wire.user_data->size() == sizeof(int32_t)) {
    subscription.generation = LoadBigEndian<int32_t>(wire.user_data->data());
  }
  return subscription;
}

absl::StatusOr<std::vector<TopicPartition>> DecodeAssignment(ByteView bytes) {
  if (bytes.empty()) {
    return std::vector<TopicPartition>();
  }
  WireAssignment wire;
  int16_t version = 0;
  RETURN_IF_ERROR(Decode(bytes, &wire, &version));
  return Flat(wire.assigned_partitions);
}

}  // namespace sluice::client_internal
