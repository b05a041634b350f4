// OffsetCommit and OffsetFetch, to and from the public values. The consumer and the admin share them.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "proto/kafka/error_code.h"
#include "proto/kafka/gen/offset_commit.h"
#include "proto/kafka/gen/offset_fetch.h"
#include "sluice/group.h"

namespace sluice::client_internal {

// Topics are named: from version 10 on they go by id, which a broker may not have told.
inline constexpr int16_t kOffsetCommitCap = 9;
// One group a request; from version 8 on there may be several, elsewhere in the message.
inline constexpr int16_t kOffsetFetchCap = 7;

kafka::OffsetCommitRequest MakeCommit(const std::string& group_id, const std::vector<GroupOffset>& offsets);
// One for each offset, in order. One that the answer leaves out is kUnknownServerError.
std::vector<kafka::ErrorCode> CodesOf(const kafka::OffsetCommitResponse& response,
                                      const std::vector<GroupOffset>& offsets);
// OK for kNone.
absl::Status CommitStatus(const std::string& group_id, const GroupOffset& offset, kafka::ErrorCode code);

// Null: all that the group has.
kafka::OffsetFetchRequest MakeFetch(const std::string& group_id,
                                    const std::vector<TopicPartition>* partitions);
// Ordered; partitions without an offset are left out. The first error of the answer or of a partition in it.
absl::StatusOr<std::vector<GroupOffset>> OffsetsOf(const std::string& group_id,
                                                   const kafka::OffsetFetchResponse& response);

}  // namespace sluice::client_internal
