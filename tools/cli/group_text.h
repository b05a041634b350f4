// What several of `sluice group`'s commands say and read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sluice/group.h"

namespace sluice::cli {

// "orders:0,1,4 users:2". The partitions must be ordered.
std::string PartitionsText(const std::vector<TopicPartition>& partitions);

// What --topic says: a topic, and which of its partitions; empty: all.
struct TopicChoice {
  std::string topic;
  std::vector<int32_t> partitions;
};
// "orders" or "orders:0,1". InvalidArgument says what is wrong.
absl::StatusOr<TopicChoice> ParseTopicChoice(absl::string_view text);

// Lines of "topic,partition,offset", as kafka-consumer-groups exports them; empty ones and those that begin
// with # are skipped. InvalidArgument names the line.
absl::StatusOr<std::vector<GroupOffset>> ParseOffsetLines(absl::string_view text);

// OK without members; else FailedPrecondition in words that name them.
absl::Status RefuseActive(const GroupDescription& group, absl::string_view what);

}  // namespace sluice::cli
