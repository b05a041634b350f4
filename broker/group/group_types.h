// What the coordinator is asked and what it answers, beyond the core's own types (core/classic_types.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/group/core/classic_types.h"
#include "broker/group/core/consumer/consumer_types.h"
#include "broker/group/core/group_offsets.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {

struct OffsetToCommit {
  TopicPartition at;
  CommittedOffset offset;
};

struct FetchedOffset {
  TopicPartition at;
  std::optional<CommittedOffset> offset;  // Nothing: none is committed.
};

struct FetchedOffsets {
  kafka::ErrorCode error = kafka::ErrorCode::kNone;
  std::vector<FetchedOffset> offsets = {};
};

struct DescribedMember {
  std::string member_id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  std::string metadata;
  std::string assignment;
};

struct DescribedGroup {
  kafka::ErrorCode error =
      kafka::ErrorCode::kNone;  // GROUP_ID_NOT_FOUND: state Dead, as older clients want it.
  std::string group_id = {};
  std::string state = {};
  std::string protocol_type = {};
  std::string protocol = {};
  std::vector<DescribedMember> members = {};
};

struct DescribedConsumer {
  std::string member_id;
  MemberSubscription subscription;
  int32_t epoch = 0;
  PartitionList assigned;
  PartitionList target;
};

struct DescribedConsumerGroup {
  kafka::ErrorCode error = kafka::ErrorCode::kNone;
  std::string group_id = {};
  std::string state = {};
  int32_t epoch = 0;
  int32_t target_epoch = 0;
  std::string assignor = {};
  std::vector<DescribedConsumer> members = {};
};

// Who asks for a group's offsets; neither: nobody in particular, so nothing is checked.
struct OffsetReader {
  std::optional<std::string> member_id = {};
  int32_t epoch = -1;
};

struct ListedGroup {
  std::string group_id;
  std::string protocol_type;
  std::string state;
  std::string type;  // "classic" or "consumer".
};

}  // namespace sluice::broker
