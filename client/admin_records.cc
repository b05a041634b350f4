// Deleting records: the start of partitions moves forward, at the leader of each.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/admin_call.h"
#include "proto/kafka/gen/delete_records.h"
#include "sluice/admin.h"
#include "sluice/errors.h"

namespace sluice {
namespace {

using client_internal::CallOnce;
using client_internal::Core;
using client_internal::kAdminAttempts;
using client_internal::kAdminBackoff;
using client_internal::KafkaStatus;
using client_internal::RefreshMetadata;
using kafka::ErrorCode;

std::string WhatOf(const RecordsToDelete& asked) {
  return absl::StrCat("delete records of ", asked.topic, "-", asked.partition, " before ",
                      asked.before_offset < 0 ? "its end" : absl::StrCat("offset ", asked.before_offset));
}

absl::string_view ReasonOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kOffsetOutOfRange:
      return "the offset is beyond the partition's end";
    case ErrorCode::kPolicyViolation:
      return "the topic's cleanup.policy has no \"delete\"";
    default:
      return "";
  }
}

// The leader of each partition, as the metadata has it; -1 where there is none, with a status that says why.
int32_t LeaderOf(Core& core, const RecordsToDelete& asked, absl::Status* problem) {
  const client_internal::TopicInfo* topic = core.metadata().FindTopic(asked.topic);
  if (topic == nullptr || topic->error_code != 0) {
    *problem = client_internal::Annotated(core.metadata().TopicStatus(asked.topic), WhatOf(asked));
    if (problem->ok()) {
      *problem = absl::UnavailableError(absl::StrCat(WhatOf(asked), ": the topic is not known yet"));
    }
    return -1;
  }
  if (asked.partition < 0 || static_cast<size_t>(asked.partition) >= topic->partitions.size()) {
    *problem = KafkaStatus(ErrorCode::kUnknownTopicOrPartition, WhatOf(asked),
                           absl::StrCat("the topic has partitions 0 to ", topic->partitions.size() - 1));
    return -1;
  }
  const int32_t leader = topic->partitions[static_cast<size_t>(asked.partition)].leader;
  if (leader < 0) {
    *problem = KafkaStatus(ErrorCode::kLeaderNotAvailable, WhatOf(asked));
  }
  return leader;
}

// Rounds of requests, one for each leader, until nothing is left that a moment may heal.
class Deletion {
 public:
  Deletion(Core& core, const std::vector<RecordsToDelete>& asked)
      : core_(core), asked_(asked), answers_(asked.size()), open_(asked.size(), true) {}

  std::vector<DeletedRecords> Run() {
    core_.loop().RunSync([this] {
      for (const RecordsToDelete& one : asked_) {
        core_.metadata().Watch(one.topic, false);
      }
    });
    for (attempt_ = 1; attempt_ <= kAdminAttempts && AnyOpen(); ++attempt_) {
      if (attempt_ > 1) {
        absl::SleepFor(kAdminBackoff * (1 << attempt_));
      }
      const absl::Status refreshed = RefreshMetadata(core_);
      for (const auto& [leader, indexes] : GroupByLeader(refreshed)) {
        Ask(leader, indexes);
      }
    }
    return std::move(answers_);
  }

 private:
  using Groups = std::map<int32_t, std::vector<size_t>>;

  bool AnyOpen() const { return std::find(open_.begin(), open_.end(), true) != open_.end(); }

  // What does not exist may have been made a moment ago: one more look is enough.
  void Settle(size_t index, absl::Status status) {
    open_[index] = !status.ok() && IsRetriable(status) && (attempt_ == 1 || !absl::IsNotFound(status));
    answers_[index].status = std::move(status);
  }

  Groups GroupByLeader(const absl::Status& refreshed) {
    Groups groups;
    core_.loop().RunSync([&] {
      for (size_t i = 0; i < asked_.size(); ++i) {
        if (!open_[i]) {
          continue;
        }
        absl::Status problem = refreshed;
        const int32_t leader = problem.ok() ? LeaderOf(core_, asked_[i], &problem) : -1;
        if (leader >= 0) {
          groups[leader].push_back(i);
        } else {
          Settle(i, std::move(problem));
        }
      }
    });
    return groups;
  }

  void Ask(int32_t leader, const std::vector<size_t>& indexes) {
    kafka::DeleteRecordsRequest request;
    request.timeout_ms = static_cast<int32_t>(core_.options().request_timeout.count());
    std::map<std::string, size_t> places;
    for (const size_t i : indexes) {
      const auto [place, is_new] = places.try_emplace(asked_[i].topic, request.topics.size());
      if (is_new) {
        request.topics.emplace_back().name = asked_[i].topic;
      }
      auto& partition = request.topics[place->second].partitions.emplace_back();
      partition.partition_index = asked_[i].partition;
      partition.offset = asked_[i].before_offset;
    }
    const auto answer = CallOnce(core_, leader, request, std::numeric_limits<int16_t>::max());
    for (const size_t i : indexes) {
      if (answer.ok()) {
        Take(answer->message, i);
      } else {
        Settle(i, client_internal::Annotated(answer.status(), WhatOf(asked_[i])));
      }
    }
  }

  void Take(const kafka::DeleteRecordsResponse& response, size_t index) {
    const RecordsToDelete& asked = asked_[index];
    for (const auto& topic : response.topics) {
      for (const auto& partition : topic.partitions) {
        if (topic.name == asked.topic && partition.partition_index == asked.partition) {
          const auto code = static_cast<ErrorCode>(partition.error_code);
          answers_[index].low_watermark = partition.low_watermark;
          Settle(index, KafkaStatus(partition.error_code, WhatOf(asked), ReasonOf(code)));
          return;
        }
      }
    }
    Settle(index, absl::InternalError(
                      absl::StrCat(WhatOf(asked), ": the broker's answer does not mention the partition")));
  }

  Core& core_;
  const std::vector<RecordsToDelete>& asked_;
  std::vector<DeletedRecords> answers_;
  std::vector<bool> open_;  // Not answered yet, or with what a moment may heal.
  int attempt_ = 1;
};

}  // namespace

absl::StatusOr<std::vector<DeletedRecords>> Admin::DeleteRecords(
    const std::vector<RecordsToDelete>& partitions) {
  std::set<std::pair<std::string, int32_t>> seen;
  for (const RecordsToDelete& asked : partitions) {
    if (!seen.emplace(asked.topic, asked.partition).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(WhatOf(asked), ": the partition is named twice; name it once"));
    }
  }
  return Deletion(core_, partitions).Run();
}

}  // namespace sluice
