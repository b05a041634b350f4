// A log that cannot be served: found damaged, or in a log dir that could not be opened. It stands where the
// log would, so that whoever asks is told why, and so that nobody makes the log anew.
#pragma once

#include <string>

#include "storage/log/log.h"

namespace sluice::storage {

// Immutable, so thread-safe.
class OfflineLog final : public Log {
 public:
  // `directory` is where the log is, or is thought to be. `reason` is what every call is answered with.
  OfflineLog(const LogId& id, std::string directory, absl::Status reason);

  absl::Status health() const override { return reason_; }
  AppendOutcome TryAppend(const record::BatchView& batch, const AppendContext& context) override;
  AppendOutcome Append(const record::BatchView& batch, const AppendContext& context) override;
  ReadOutcome TryRead(const ReadRequest& request, ReadCursor* cursor) override;
  ReadOutcome Read(const ReadRequest& request, ReadCursor* cursor) override;

  // It may hold records, but none that anybody could read.
  Offset start() const override { return Offset(0); }
  Offset end() const override { return Offset(0); }
  Offset durable_end() const override { return Offset(0); }
  Offset readable_end() const override { return Offset(0); }
  LeaderEpoch latest_epoch() const override { return LeaderEpoch(-1); }
  std::optional<EpochEnd> FindEpochEnd(LeaderEpoch) const override { return std::nullopt; }
  LeaderEpoch EpochOf(Offset) const override { return LeaderEpoch(-1); }
  uint64_t size_bytes() const override { return 0; }
  size_t segment_count() const override { return 0; }

  absl::StatusOr<std::optional<OffsetAndTimestamp>> FindTimestamp(int64_t timestamp_ms,
                                                                  Offset limit) override;
  absl::StatusOr<std::optional<OffsetAndTimestamp>> FindMaxTimestamp(Offset limit) override;
  absl::Status AdvanceStart(Offset) override { return reason_; }

  // Nothing moves.
  void SetListener(absl::AnyInvocable<void()>) override {}
  void RequestSync() override {}
  void SetOptions(const LogOptions&) override {}

  const LogId& id() const override { return id_; }
  const std::string& directory() const override { return directory_; }

 private:
  const LogId id_;
  const std::string directory_;
  const absl::Status reason_;
};

}  // namespace sluice::storage
