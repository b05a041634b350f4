// Reads partitions, fetching ahead while the application works on what it has: those that the application
// names, or those that a group of consumers shares out among its members.
//
//   auto consumer = (*client)->NewConsumer();
//   absl::Status assigned = (*consumer)->AssignTopic("orders", sluice::Position::Beginning());
//
//   auto member = (*client)->NewConsumer({.offset_reset = sluice::OffsetReset::kEarliest, .group_id =
//   "billing"}); absl::Status subscribed = (*member)->Subscribe({"orders"});
//
//   for (;;) {
//     absl::StatusOr<sluice::FetchedRecords> records = (*consumer)->Poll(500ms);
//     if (!records.ok()) { ... }
//     for (const sluice::RecordView& record : *records) { Handle(record.key, record.value); }
//   }
//
// A member of a group joins it in Poll and leaves it in Close. Between the two the client's I/O thread sends
// its heartbeats, however long the application works on its records: up to poll_interval_max.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sluice/group.h"
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
  // Fetches under way are forgotten. Without a group it returns at once; with one see Close, for at most
  // close_timeout.
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // Replaces the whole assignment; partitions that stay assigned move to their new start. Looks up topics and
  // offsets by the cluster: NotFound when a topic or partition does not exist, Unavailable or
  // DeadlineExceeded when the cluster does not answer within request_timeout; the assignment is then
  // unchanged. FailedPrecondition after Subscribe: a group assigns by itself.
  absl::Status Assign(std::vector<Assignment> assignments);
  // All partitions of a topic, as they are now.
  absl::Status AssignTopic(std::string_view topic, Position start);

  // Takes part in the group of ConsumerOptions::group_id, from the next Poll on. A partition is read from
  // where the group has committed, or else from where offset_reset says; with OffsetReset::kError Poll
  // returns NotFound for it. Topics that do not exist yet are read when they do. Calling it again changes the
  // subscription; the listener is replaced. FailedPrecondition without a group_id or after Assign.
  absl::Status Subscribe(std::vector<std::string> topics, RebalanceListener listener = {});
  // All topics whose whole name matches, now and later; internal ones do not. An ECMAScript regular
  // expression, InvalidArgument when it is none.
  absl::Status SubscribePattern(std::string_view pattern, RebalanceListener listener = {});
  // Gives the partitions back and leaves the group, as Close does, and may subscribe or assign anew.
  absl::Status Unsubscribe();

  // Commits for the group where this consumer is: after the last record that Poll returned of each partition,
  // or the given offsets (of the next records to read). Waits, for at most request_timeout. It also works for
  // a consumer that assigns its partitions by itself. FailedPrecondition when the group is being rebalanced
  // or has dropped this member: the next Poll joins it again, and somebody may read the records once more.
  absl::Status CommitSync();
  absl::Status CommitSync(const std::vector<GroupOffset>& offsets);
  // The same without waiting and without a second attempt: a later commit tells as much. Commits arrive in
  // the order of the calls. ResourceExhausted through the callback when a thousand are waiting.
  void CommitAsync(CommitCallback done = nullptr);
  void CommitAsync(std::vector<GroupOffset> offsets, CommitCallback done = nullptr);
  // What the group has committed of these partitions, in the same order; offset -1: nothing.
  absl::StatusOr<std::vector<GroupOffset>> Committed(const std::vector<TopicPartition>& partitions);
  GroupMembership membership() const;

  // The orderly end of a member: commits if auto_commit says so, gives the partitions back (the listener's
  // `revoked`) and leaves the group, so that the others need not wait for session_timeout; a static member
  // stays, its successor takes over. Returns what the commit did. Idempotent; every later call is Cancelled.
  // Never waits longer than `timeout` and some milliseconds for brokers, even when none answers.
  absl::Status Close(milliseconds timeout);

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
  // Of a group's member Poll does the application's part of a rebalance: it calls the listener. What bars a
  // member from its group for good is returned by every Poll until Subscribe or Unsubscribe:
  // FailedPrecondition when another consumer came with the same group_instance_id or the members have no
  // assignor in common, PermissionDenied, InvalidArgument when the broker does not like group_id or
  // session_timeout.
  absl::StatusOr<FetchedRecords> Poll(milliseconds timeout);

  // Makes the Poll that is waiting, or else the next one, return at once. Any thread; not from a signal
  // handler.
  void Wakeup();

  // The offset of the next record that Poll will return; NotFound when the partition is not assigned,
  // Unavailable while its first position is being looked up.
  absl::StatusOr<int64_t> NextOffset(std::string_view topic, int32_t partition) const;

  // As the last fetch of that partition told; absent before the first. Costs nothing.
  std::optional<Watermarks> LastWatermarks(std::string_view topic, int32_t partition) const;

  // True when Poll has returned everything that was there at the last fetch of each assigned partition: how a
  // reader that shall stop at the end knows that it is there. Of a member: false until it has its partitions.
  bool AtEnd() const;

  // Why nothing comes, while it does not: the latest error that is being retried inside (a broker cannot be
  // reached, a partition has no leader). OK when all is well.
  absl::Status LastError() const;

  // With the next offsets as starts; -1 where the first one is not known yet.
  std::vector<Assignment> assignment() const;

  // For Client.
  explicit Consumer(std::shared_ptr<client_internal::ConsumerCore> core);

 private:
  std::shared_ptr<client_internal::ConsumerCore> core_;
};

}  // namespace sluice
