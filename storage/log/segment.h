// One file of a log. Its published bytes never change; it is unlinked, never truncated below them.
//
// Shared by the log's list of segments and by whoever reads it at the moment, so that retention can drop a
// segment that is being read, and compaction put another of the same name in its place. Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/ids.h"
#include "proto/record/batch_format.h"
#include "storage/disk/disk.h"

namespace sluice::storage {

class Segment {
 public:
  // `file` may be null: it is then opened when first read. `disk` must outlive the last OpenFile().
  // `generation` tells it from those that had the same path before.
  Segment(Disk& disk, std::string path, Offset base, std::shared_ptr<File> file = nullptr,
          uint32_t generation = 0)
      : disk_(disk), path_(std::move(path)), base_(base), generation_(generation), file_(std::move(file)) {}

  Offset base() const { return base_; }
  const std::string& path() const { return path_; }
  uint32_t generation() const { return generation_; }

  // Null while it was not opened. Never blocks.
  std::shared_ptr<File> OpenedFile() const {
    absl::MutexLock lock(&mu_);
    used_ = true;
    return file_;
  }
  // Opens it for reading if need be.
  absl::StatusOr<std::shared_ptr<File>> OpenFile();
  // The same, and from now on it stays open: its path is about to become another file's.
  absl::StatusOr<std::shared_ptr<File>> OpenForGood();
  // Gives the descriptor back until the next OpenFile(). Only when all of it is on the disk: the descriptor
  // that wrote is the one that hears of write errors.
  void CloseFile() {
    absl::MutexLock lock(&mu_);
    if (!for_good_) {
      file_.reset();
    }
  }
  // The same, unless it was asked for since the last call: open descriptors follow what is read.
  void CloseFileIfIdle() {
    absl::MutexLock lock(&mu_);
    if (!std::exchange(used_, false) && !for_good_) {
      file_.reset();
    }
  }

  // The largest record timestamp in it; kNoTimestamp when there is none.
  int64_t max_timestamp_ms() const { return max_timestamp_ms_.load(std::memory_order_relaxed); }
  void RaiseMaxTimestamp(int64_t timestamp_ms) {
    if (timestamp_ms > max_timestamp_ms()) {
      max_timestamp_ms_.store(timestamp_ms, std::memory_order_relaxed);
    }
  }

  // When something was last appended, by the broker's clock: the age of a segment whose records tell no time.
  // kNotKnown for one that was found at the start, until somebody asked the disk.
  static constexpr int64_t kNotKnown = -1;
  int64_t last_append_ms() const { return last_append_ms_.load(std::memory_order_relaxed); }
  void SetLastAppend(int64_t now_ms) { last_append_ms_.store(now_ms, std::memory_order_relaxed); }

 private:
  Disk& disk_;
  const std::string path_;
  const Offset base_;
  const uint32_t generation_;
  std::atomic<int64_t> last_append_ms_{kNotKnown};
  std::atomic<int64_t> max_timestamp_ms_{record::kNoTimestamp};  // Raised by the appender only.

  mutable absl::Mutex mu_;
  std::shared_ptr<File> file_ ABSL_GUARDED_BY(mu_);  // Shared with readers and the writer.
  mutable bool used_ ABSL_GUARDED_BY(mu_) = true;
  bool for_good_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sluice::storage
