// Members of one group, polled in turn by the test's thread, with what each was told and read.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/base/check.h"
#include "sluice/client.h"

namespace sluice::client_test {

inline std::string Text(const std::vector<TopicPartition>& partitions) {
  return absl::StrJoin(partitions, " ", [](std::string* out, const TopicPartition& partition) {
    absl::StrAppend(out, partition.topic, "-", partition.partition);
  });
}

class Member {
 public:
  Member(Client& client, ConsumerOptions options) : consumer_(*client.NewConsumer(std::move(options))) {}

  Consumer& consumer() { return *consumer_; }
  RebalanceListener listener() {
    return {.assigned = [this](const auto& partitions) { Note("+", partitions); },
            .revoked = [this](const auto& partitions) { Note("-", partitions); },
            .lost = [this](const auto& partitions) { Note("!", partitions); }};
  }
  void Subscribe(std::vector<std::string> topics) {
    CHECK_OK(consumer_->Subscribe(std::move(topics), listener()));
  }

  // One short Poll; what it returned is kept.
  void Poll(std::chrono::milliseconds timeout = std::chrono::milliseconds(5)) {
    const absl::StatusOr<FetchedRecords> records = consumer_->Poll(timeout);
    if (!records.ok()) {
      errors.push_back(records.status());
      return;
    }
    for (const RecordView& record : *records) {
      values.emplace_back(TextOf(*record.value));
    }
  }

  std::string Owned() {
    std::vector<TopicPartition> owned;
    for (const Assignment& assignment : consumer_->assignment()) {
      owned.push_back({assignment.topic, assignment.partition});
    }
    return Text(owned);
  }
  void Close() { consumer_.reset(); }

  std::vector<std::string> events;  // "+t-0 t-1" assigned, "-" revoked, "!" lost.
  std::vector<std::string> values;
  std::vector<absl::Status> errors;

 private:
  void Note(const char* sign, const std::vector<TopicPartition>& partitions) {
    events.push_back(sign + Text(partitions));
  }

  std::unique_ptr<Consumer> consumer_;
};

// Polls all in turn until `done`, for half a minute at most; false: it did not come.
inline bool PollUntil(const std::vector<Member*>& members, const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    for (Member* member : members) {
      member->Poll();
    }
  }
  return true;
}

// Who has what, each partition once: "t-0 t-1 | t-2".
inline std::string Shares(const std::vector<Member*>& members) {
  return absl::StrJoin(members, " | ",
                       [](std::string* out, Member* member) { absl::StrAppend(out, member->Owned()); });
}

}  // namespace sluice::client_test
