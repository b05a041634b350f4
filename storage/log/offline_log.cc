#include "storage/log/offline_log.h"

#include <utility>

#include "proto/base/check.h"

namespace sluice::storage {

OfflineLog::OfflineLog(const LogId& id, std::string directory, absl::Status reason)
    : id_(id), directory_(std::move(directory)), reason_(std::move(reason)) {
  CHECK(!reason_.ok());
}

AppendOutcome OfflineLog::TryAppend(const record::BatchView&, const AppendContext&) {
  AppendOutcome outcome;
  outcome.code = AppendCode::kStorageError;
  outcome.status = reason_;
  return outcome;
}

AppendOutcome OfflineLog::Append(const record::BatchView& batch, const AppendContext& context) {
  return TryAppend(batch, context);
}

ReadOutcome OfflineLog::TryRead(const ReadRequest&, ReadCursor*) {
  return {.code = ReadCode::kStorageError, .range = {}, .status = reason_};
}

ReadOutcome OfflineLog::Read(const ReadRequest& request, ReadCursor* cursor) {
  return TryRead(request, cursor);
}

absl::StatusOr<std::optional<OffsetAndTimestamp>> OfflineLog::FindTimestamp(int64_t, Offset) {
  return reason_;
}

absl::StatusOr<std::optional<OffsetAndTimestamp>> OfflineLog::FindMaxTimestamp(Offset) {
  return reason_;
}

}  // namespace sluice::storage
