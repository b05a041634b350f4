#include "storage/rocks/rocks_status.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice::storage {
namespace {

absl::StatusCode CodeOf(const rocksdb::Status& status) {
  if (IsInUse(status)) {
    return absl::StatusCode::kFailedPrecondition;
  }
  if (status.IsNoSpace()) {
    return absl::StatusCode::kResourceExhausted;
  }
  switch (status.code()) {
    case rocksdb::Status::kNotFound:
      return absl::StatusCode::kNotFound;
    case rocksdb::Status::kCorruption:
      return absl::StatusCode::kDataLoss;
    case rocksdb::Status::kNotSupported:
      return absl::StatusCode::kUnimplemented;
    case rocksdb::Status::kInvalidArgument:
      return absl::StatusCode::kInvalidArgument;
    case rocksdb::Status::kBusy:
    case rocksdb::Status::kTryAgain:
    case rocksdb::Status::kTimedOut:
    case rocksdb::Status::kShutdownInProgress:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kUnknown;  // As absl::ErrnoToStatus gives for EIO.
  }
}

absl::string_view AdviceFor(const rocksdb::Status& status) {
  if (IsInUse(status)) {
    return "; it is in use by another process: stop that one, or give this one a folder of its own";
  }
  if (status.IsNoSpace()) {
    return "; the disk is full: free some space";
  }
  return "";
}

}  // namespace

absl::Status FromRocks(const rocksdb::Status& status, absl::string_view context) {
  if (status.ok()) {
    return absl::OkStatus();
  }
  return absl::Status(CodeOf(status), absl::StrCat(context, ": ", status.ToString(), AdviceFor(status)));
}

bool IsDamage(const rocksdb::Status& status) {
  if (IsInUse(status)) {
    return false;
  }
  return status.IsCorruption() || status.IsInvalidArgument() || status.IsNotSupported() ||
         status.IsPathNotFound();
}

// RocksDB has no code of its own for this. Its texts: "While lock file: <path>/LOCK: Resource temporarily
// unavailable" for another process, "lock hold by current process ..." for this one.
bool IsInUse(const rocksdb::Status& status) {
  if (!status.IsIOError()) {
    return false;
  }
  const std::string text = status.ToString();
  return absl::StrContains(text, "lock hold by current process") ||
         (absl::StrContains(text, "While lock file") && absl::StrContains(text, "temporarily unavailable"));
}

}  // namespace sluice::storage
