// Reads partitions that the application names, fetching ahead while it works on what it has.
//
//   auto consumer = (*client)->NewConsumer();
//   absl::Status assigned = (*consumer)->AssignTopic("orders", sluice::Position::Beginning());
//   for (;;) {
//     absl::StatusOr<sluice::FetchedRecords> records = (*consumer)->Poll(500ms);
//     if (!records.ok()) { ... }
//     for (const sluice::RecordView& record : *records) { Handle(record.key, record.value); }
//   }
//
// Consumer groups are not part of this class: it remembers positions in memory only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sluice/options.h"
#include "sluice/position.h"
#include "sluice/record.h"

namespace sluice {

namespace client_internal {
class ConsumerCore;
}

struct Assignment {
  std::string topic = {};
  int32_t partition = 0;
  Position start = Position::Beginning();
};

struct Watermarks {
  int64_t low = -1;   // The oldest offset that is still there.
  int64_t high = -1;  // The offset after the last record that consumers may see.
};

// One thread at a time, except Wakeup, which any thread may call.
class Consumer {
 public:
  // Returns at once: fetches under way are forgotten.
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // Replaces the whole assignment; partitions that stay assigned move to their new start. Looks up topics and
  // offsets by the cluster: NotFound when a topic or partition does not exist, Unavailable or
  // DeadlineExceeded when the cluster does not answer within request_timeout; the assignment is then
  // unchanged.
  absl::Status Assign(std::vector<Assignment> assignments);
  // All partitions of a topic, as they are now.
  absl::Status AssignTopic(std::string_view topic, Position start);

  // Goes on from elsewhere in an assigned partition; NotFound when it is not assigned.
  absl::Status Seek(std::string_view topic, int32_t partition, Position to);

  // Stops and resumes handing out records of a partition, without forgetting its position.
  absl::Status Pause(std::string_view topic, int32_t partition);
  absl::Status Resume(std::string_view topic, int32_t partition);

  // Waits until there are records, at most for `timeout`; none when it ran out or Wakeup was called. Errors
  // that time may heal (a broker restarts, a leader moves) are retried inside and look like no records.
  // Others are returned once for each partition that they hit: OutOfRange with OffsetReset::kError, NotFound
  // when the topic is gone, PermissionDenied, DataLoss on a bad checksum. That partition then stands still
  // until Seek, the others go on.
  absl::StatusOr<FetchedRecords> Poll(milliseconds timeout);

  // Makes the Poll that is waiting, or else the next one, return at once. Any thread; not from a signal
  // handler.
  void Wakeup();

  // The offset of the next record that Poll will return; NotFound when the partition is not assigned.
  absl::StatusOr<int64_t> NextOffset(std::string_view topic, int32_t partition) const;

  // As the last fetch of that partition told; absent before the first. Costs nothing.
  std::optional<Watermarks> LastWatermarks(std::string_view topic, int32_t partition) const;

  // True when Poll has returned everything that was there at the last fetch of each assigned partition: how a
  // reader that shall stop at the end knows that it is there.
  bool AtEnd() const;

  // Why nothing comes, while it does not: the latest error that is being retried inside (a broker cannot be
  // reached, a partition has no leader). OK when all is well.
  absl::Status LastError() const;

  std::vector<Assignment> assignment() const;  // With the next offsets as starts.

  // For Client.
  explicit Consumer(std::shared_ptr<client_internal::ConsumerCore> core);

 private:
  std::shared_ptr<client_internal::ConsumerCore> core_;
};

}  // namespace sluice
