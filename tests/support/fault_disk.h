// A Disk that fails when told to, for tests of what must survive a bad disk.
//
//   FaultDisk disk(posix);
//   disk.FailNth(DiskCall::kSync, 3, absl::DataLossError("injected"));        // The third sync from now.
//   disk.FailAllFrom(DiskCall::kAllocate, 1, absl::ResourceExhaustedError("full"));
//   disk.Heal(DiskCall::kAllocate);
//   disk.StopAtChange(7);                                                      // As if the process died
//   there. disk.Hold(DiskCall::kSync);                                                // Syncs wait ...
//   disk.Release(DiskCall::kSync);                                             // ... until now.
//
// Files share its counters, so they may outlive it. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/disk/disk.h"

namespace sluice::storage {

enum class DiskCall {
  kOpen,
  kRead,
  kWrite,
  kAllocate,
  kTruncate,
  kSync,
  kSyncDirectory,
  kStartWriteback,
  kMap,
  kRename,
  kUnlink,
  kCount,
};

// Which calls fail, and how many were made.
class FaultPlan {
 public:
  absl::Status Count(DiskCall call) {
    absl::MutexLock lock(&mu_);
    Rule& rule = rules_[static_cast<size_t>(call)];
    ++rule.calls;
    if (IsChange(call)) {
      ++changes_;
      if (stop_at_ > 0 && changes_ >= stop_at_) {
        return absl::AbortedError("the process died here");
      }
    }
    const auto may_go = [&rule] { return !rule.held; };
    mu_.Await(absl::Condition(&may_go));
    if (rule.calls == rule.fail_at || (rule.and_after && rule.calls > rule.fail_at)) {
      return rule.error;
    }
    return absl::OkStatus();
  }
  void Fail(DiskCall call, int64_t nth, bool and_after, absl::Status error) {
    absl::MutexLock lock(&mu_);
    Rule& rule = rules_[static_cast<size_t>(call)];
    rule.fail_at = rule.calls + nth;
    rule.and_after = and_after;
    rule.error = std::move(error);
  }
  void Heal(DiskCall call) {
    absl::MutexLock lock(&mu_);
    Rule& rule = rules_[static_cast<size_t>(call)];
    rule.fail_at = -1;
    rule.and_after = false;
  }
  // 0: never.
  void StopAtChange(int64_t nth) {
    absl::MutexLock lock(&mu_);
    stop_at_ = nth == 0 ? 0 : changes_ + nth;
  }
  int64_t changes() const {
    absl::MutexLock lock(&mu_);
    return changes_;
  }
  void SetHeld(DiskCall call, bool held) {
    absl::MutexLock lock(&mu_);
    rules_[static_cast<size_t>(call)].held = held;
  }
  int64_t calls(DiskCall call) const {
    absl::MutexLock lock(&mu_);
    return rules_[static_cast<size_t>(call)].calls;
  }

 private:
  struct Rule {
    int64_t calls = 0;
    int64_t fail_at = -1;
    bool and_after = false;
    bool held = false;
    absl::Status error;
  };
  static bool IsChange(DiskCall call) {
    return call != DiskCall::kOpen && call != DiskCall::kRead && call != DiskCall::kMap;
  }

  mutable absl::Mutex mu_;
  int64_t changes_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t stop_at_ ABSL_GUARDED_BY(mu_) = 0;
  std::array<Rule, static_cast<size_t>(DiskCall::kCount)> rules_ ABSL_GUARDED_BY(mu_);
};

class FaultFile final : public File {
 public:
  FaultFile(std::unique_ptr<File> file, std::shared_ptr<FaultPlan> plan)
      : file_(std::move(file)), plan_(std::move(plan)) {}

  const std::shared_ptr<const SharedFile>& shared() const override { return file_->shared(); }
  absl::StatusOr<uint64_t> Size() override { return file_->Size(); }
  absl::StatusOr<size_t> ReadAt(uint64_t position, MutableByteView into) override {
    absl::Status fault = plan_->Count(DiskCall::kRead);
    if (!fault.ok()) {
      return fault;
    }
    return file_->ReadAt(position, into);
  }
  uint64_t NextData(uint64_t position) override { return file_->NextData(position); }
  absl::Status WriteAt(uint64_t position, ByteView bytes) override {
    absl::Status fault = plan_->Count(DiskCall::kWrite);
    return fault.ok() ? file_->WriteAt(position, bytes) : fault;
  }
  absl::Status Allocate(uint64_t position, uint64_t size) override {
    absl::Status fault = plan_->Count(DiskCall::kAllocate);
    return fault.ok() ? file_->Allocate(position, size) : fault;
  }
  absl::Status Truncate(uint64_t size) override {
    absl::Status fault = plan_->Count(DiskCall::kTruncate);
    return fault.ok() ? file_->Truncate(size) : fault;
  }
  absl::Status Sync() override {
    absl::Status fault = plan_->Count(DiskCall::kSync);
    return fault.ok() ? file_->Sync() : fault;
  }
  absl::Status StartWriteback(uint64_t position, uint64_t size) override {
    absl::Status fault = plan_->Count(DiskCall::kStartWriteback);
    return fault.ok() ? file_->StartWriteback(position, size) : fault;
  }
  absl::StatusOr<std::unique_ptr<Mapping>> Map(uint64_t size) override {
    absl::Status fault = plan_->Count(DiskCall::kMap);
    if (!fault.ok()) {
      return fault;
    }
    return file_->Map(size);
  }

 private:
  const std::unique_ptr<File> file_;
  const std::shared_ptr<FaultPlan> plan_;  // Shared with the disk and its other files.
};

class FaultDisk final : public Disk {
 public:
  explicit FaultDisk(Disk& disk) : disk_(disk) {}

  void FailNth(DiskCall call, int64_t nth, absl::Status error) {
    plan_->Fail(call, nth, false, std::move(error));
  }
  void FailAllFrom(DiskCall call, int64_t nth, absl::Status error) {
    plan_->Fail(call, nth, true, std::move(error));
  }
  void Heal(DiskCall call) { plan_->Heal(call); }
  // From the nth call from now on that changes something on the disk, none does any more.
  void StopAtChange(int64_t nth) { plan_->StopAtChange(nth); }
  void GoOn() { plan_->StopAtChange(0); }
  int64_t changes() const { return plan_->changes(); }
  void Hold(DiskCall call) { plan_->SetHeld(call, true); }
  void Release(DiskCall call) { plan_->SetHeld(call, false); }
  int64_t calls(DiskCall call) const { return plan_->calls(call); }

  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    absl::Status fault = plan_->Count(DiskCall::kOpen);
    if (!fault.ok()) {
      return fault;
    }
    absl::StatusOr<std::unique_ptr<File>> file = disk_.Open(path, mode);
    if (!file.ok()) {
      return file.status();
    }
    return std::make_unique<FaultFile>(*std::move(file), plan_);
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override { return disk_.List(path); }
  absl::StatusOr<uint64_t> FileSize(const std::string& path) override { return disk_.FileSize(path); }
  absl::StatusOr<int64_t> ModifiedMs(const std::string& path) override { return disk_.ModifiedMs(path); }
  absl::StatusOr<DiskSpace> SpaceOf(const std::string& path) override { return disk_.SpaceOf(path); }
  bool Exists(const std::string& path) override { return disk_.Exists(path); }
  absl::Status CreateDirectory(const std::string& path) override { return disk_.CreateDirectory(path); }
  absl::Status SyncDirectory(const std::string& path) override {
    absl::Status fault = plan_->Count(DiskCall::kSyncDirectory);
    return fault.ok() ? disk_.SyncDirectory(path) : fault;
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    absl::Status fault = plan_->Count(DiskCall::kRename);
    return fault.ok() ? disk_.Rename(from, to) : fault;
  }
  absl::Status Unlink(const std::string& path) override {
    absl::Status fault = plan_->Count(DiskCall::kUnlink);
    return fault.ok() ? disk_.Unlink(path) : fault;
  }
  absl::Status RemoveTree(const std::string& path) override { return disk_.RemoveTree(path); }

 private:
  Disk& disk_;
  const std::shared_ptr<FaultPlan> plan_ = std::make_shared<FaultPlan>();  // Shared with its files.
};

}  // namespace sluice::storage
