// A log dir under random work, and what must be in it: the storage-level twin of the load and its checker.
//
//   LogModel model(disk, path, {synced, page_cache});
//   model.Open();  model.Work(random, 50);  model.Crash();
//   ... faults ...
//   model.Open();  model.Verify();             // Fails the test when anything acknowledged is gone or
//   changed.
//
// Acknowledged is what durable_end() passed, and seen what readable_end() passed in a synced log. One thread
// drives it. It knows nothing of how durability is made.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"
#include "proto/base/random.h"
#include "storage/log/log_dir.h"
#include "tests/support/log_fixture.h"

namespace sluice::storage {

class LogModel {
 public:
  LogModel(Disk& disk, std::string path, std::vector<LogOptions> options);
  ~LogModel() { Crash(); }

  LogDirOptions& dir_options() { return dir_options_; }
  void set_may_create(bool may_create) { may_create_ = may_create; }
  void set_pipelined(bool pipelined) { pipelined_ = pipelined; }
  ManualClock& clock() { return clock_; }

  // Opens the log dir and makes the logs that are not there. Refused logs are an error of data loss.
  absl::Status Open();
  bool is_open() const { return dir_ != nullptr; }
  // The process dies.
  void Crash();
  absl::Status Close();

  // Random appends, rolls, retention, deletes of records, maintenance, reads; until `until` says so.
  // Synced logs get several batches at once only if pipelined.
  void Work(
      Random& random, int steps, const std::function<bool()>& until = [] { return false; });
  // One batch, waited for. False when it was refused or not acknowledged.
  bool Append(size_t log, size_t value_size = 100);
  // Several batches in a row, then one wait.
  void AppendMany(size_t log, Random& random, int count);
  void Tick();

  // The index, which alone knows of a start inside a segment, was lost or is older.
  void ForgetStarts();

  // Everything is there and as it was; what was in the balance is settled by what is found.
  void Verify();
  // Reads one log from its start to its end; false when a read refused. Appends what was found.
  bool ReadAll(size_t log, std::vector<Bytes>* found, std::string* refusal);

  bool failed() const {
    absl::MutexLock lock(&mu_);
    return !fatal_.empty();
  }
  std::vector<absl::Status> fatal() const {
    absl::MutexLock lock(&mu_);
    return fatal_;
  }
  Log* log(size_t index) { return logs_[index].log; }
  LogDir& dir() { return *dir_; }
  size_t acked_batches() const { return acked_batches_; }
  int64_t acked_end(size_t index) const { return logs_[index].acked_end; }
  std::set<absl::StatusCode> error_codes() const { return error_codes_; }

 private:
  struct OneLog {
    LogName name;
    LogOptions options;
    Log* log = nullptr;
    // By base offset: what was appended there and may be there. One, but for offsets given again after a
    // crash that nothing was acknowledged before.
    std::map<int64_t, std::vector<Bytes>> appended;
    int64_t acked_end = 0;    // Below it, appended has one batch for each offset, and it must be there.
    int64_t start_max = 0;    // The highest start that was asked for, by anybody.
    int64_t start_acked = 0;  // What AdvanceStart confirmed.
  };

  absl::Status DamageOf(const OneLog& one);
  void AwaitDurable(OneLog& one);
  void Await(const std::function<bool()>& condition);
  void NoteError(const absl::Status& status);
  absl::StatusOr<Offset> Put(OneLog& one, size_t value_size);
  void NoteAcks(OneLog& one);
  void VerifyOne(size_t index);
  void Step(Random& random);

  Disk& disk_;
  ManualClock clock_;
  InlineExecutor pool_;
  LogDirOptions dir_options_;
  Uuid cluster_;
  std::vector<OneLog> logs_;
  std::unique_ptr<LogDir> dir_;
  bool pipelined_ = true;
  bool may_create_ = true;
  size_t acked_batches_ = 0;
  uint64_t next_fill_ = 0;
  std::set<absl::StatusCode> error_codes_;  // Of everything that failed.

  mutable absl::Mutex mu_;
  int changes_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<absl::Status> fatal_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::storage
