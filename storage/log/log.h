// The log of one partition: batches in, ranges of files out.
//
//   auto outcome = log.TryAppend(batch, context);               // Network thread: never blocks.
//   if (outcome.code == AppendCode::kWouldBlock) {              // No room is ready yet:
//     pool.Post([&] { outcome = log.Append(batch, context); }); // on a thread that may block.
//   }
//   auto read = log.TryRead(request, &cursor);                  // The same pair for reads.
//
// A log is a row of segments, each named by the offset of its first record; only the last one is appended to:
//
//   0000.log {[0,9][10,29]}  0030.log {[30,30][31,44]}  0045.log {[45,60] ....room....}
//   ^ log start                                                          ^ log end
//
// Threads: every method may be called from any thread. One mutex orders appends and is held for a copy at
// most; syncing, indexing, allocation and rolling happen outside it. Readers take no lock that an append
// holds while it copies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/base/ids.h"
#include "proto/record/batch_view.h"
#include "storage/disk/file_range.h"
#include "storage/index/log_id.h"
#include "storage/log/log_options.h"

namespace sluice::storage {

enum class AppendCode {
  kOk,
  kDuplicate,   // A retry of one of its producer's last five batches: the outcome of the first try is given.
  kWouldBlock,  // TryAppend only: nothing was done; call Append where it may block.
  kOutOfOrderSequence,
  kInvalidProducerEpoch,
  kBatchTooLarge,  // Larger than a segment may be.
  kStorageError,   // `status` says which; nothing was appended.
  kClosed,         // The log was deleted or closed.
};

struct AppendContext {
  LeaderEpoch leader_epoch;
  int64_t now_ms = 0;  // Wall clock: for LogAppendTime, and for the age of producers.
};

struct AppendOutcome {
  AppendCode code = AppendCode::kOk;
  Offset base_offset;
  Offset next_offset;               // One past the batch: acks=all waits for durable_end() to reach it.
  int64_t log_append_time_ms = -1;  // -1 when records keep the time that their producer gave.
  absl::Status status;
};

struct ReadRequest {
  Offset offset;
  Offset limit;  // Records at or after it are not given: the caller's high watermark.
  uint64_t max_bytes = 0;
  bool at_least_one_batch = false;  // Give the first batch even if it is larger than max_bytes (KIP-74).
};

// Where the read before this one ended: a consumer that reads on needs no lookup. Kept by its connection.
struct ReadCursor {
  Offset next_offset{-1};
  Offset segment_base;
  uint32_t segment_generation = 0;
  uint64_t position = 0;
};

enum class ReadCode { kOk, kWouldBlock, kOffsetOutOfRange, kStorageError, kClosed };

// Whole batches only, in order; the first contains ReadRequest::offset, so it may begin before it, or is the
// next one after it where compaction took that away. Ends at a segment's end at the latest: ask again for
// more. Empty when offset == limit.
struct ReadOutcome {
  ReadCode code = ReadCode::kOk;
  FileRange range;
  absl::Status status;
};

struct OffsetAndTimestamp {
  Offset offset;
  int64_t timestamp_ms = -1;
  LeaderEpoch leader_epoch;
};

// A producer that the log remembers, for who asks after them (DescribeProducers).
struct ActiveProducer {
  ProducerId id;
  ProducerEpoch epoch;
  int32_t last_sequence = -1;
  int64_t last_seen_ms = -1;
};

struct EpochEnd {
  LeaderEpoch epoch;
  Offset end_offset;
};

class Log {
 public:
  virtual ~Log() = default;

  // OK while the log serves. Else why it does not, until a later start finds it whole again: a sync of its
  // log dir failed, its files are damaged, or its log dir could not be opened. Appends and reads then answer
  // kStorageError with it, whatever memory still shows.
  virtual absl::Status health() const { return absl::OkStatus(); }

  // The batch must have passed the caller's validation (size, magic, CRC, counts); its base offset and leader
  // epoch are assigned here, in the log's copy.
  virtual AppendOutcome TryAppend(const record::BatchView& batch, const AppendContext& context) = 0;
  virtual AppendOutcome Append(const record::BatchView& batch, const AppendContext& context) = 0;

  // `cursor` may be null. It is used if it fits and always updated on success.
  virtual ReadOutcome TryRead(const ReadRequest& request, ReadCursor* cursor) = 0;
  virtual ReadOutcome Read(const ReadRequest& request, ReadCursor* cursor) = 0;

  // One load each. start <= durable_end <= end. In a page-cache log readers may go up to end(), in a synced
  // one up to durable_end(): readable_end() is that choice, the high watermark of a partition with one
  // replica.
  virtual Offset start() const = 0;
  virtual Offset end() const = 0;
  virtual Offset durable_end() const = 0;
  virtual Offset readable_end() const = 0;

  // Calls `listener` after end(), durable_end(), start() or health() changed, or the log was closed, from the
  // thread that did it, at times from several at once. It must not block and must not call back into the
  // log's append. One listener, set once; what moves meanwhile is not told, so look after setting it.
  virtual void SetListener(absl::AnyInvocable<void()> listener) = 0;

  // Asks for everything appended so far to be put on the disk, soon, together with whatever else waits:
  // returns at once, the listener hears of it. Only a synced log, flush.* and acks=all callers need it:
  // appends to a synced log ask by themselves.
  virtual void RequestSync() = 0;

  // The first record with timestamp >= `timestamp_ms` before `limit`, if any. Blocks.
  virtual absl::StatusOr<std::optional<OffsetAndTimestamp>> FindTimestamp(int64_t timestamp_ms,
                                                                          Offset limit) = 0;
  // The record with the largest timestamp (the first of equals), before `limit` (ListOffsets -3, KIP-734).
  // Blocks.
  virtual absl::StatusOr<std::optional<OffsetAndTimestamp>> FindMaxTimestamp(Offset limit) = 0;

  // The last leader epoch, and where the largest epoch <= `epoch` ends (KIP-101, OffsetForLeaderEpoch). As in
  // Kafka: empty for an epoch above the last; one below the first is given back with the first one's start.
  virtual LeaderEpoch latest_epoch() const = 0;
  virtual std::optional<EpochEnd> FindEpochEnd(LeaderEpoch epoch) const = 0;
  virtual LeaderEpoch EpochOf(Offset offset) const = 0;

  // Moves the log start forward (DeleteRecords, retention); whole segments below it go away. Blocks.
  virtual absl::Status AdvanceStart(Offset start) = 0;

  // By rising id.
  virtual std::vector<ActiveProducer> Producers() const { return {}; }

  virtual void SetOptions(const LogOptions& options) = 0;
  virtual uint64_t size_bytes() const = 0;
  virtual size_t segment_count() const = 0;
  virtual const LogId& id() const = 0;
  virtual const std::string& directory() const = 0;
};

}  // namespace sluice::storage
