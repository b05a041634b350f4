// A Disk that ends the process, or fails, at an exact call: what a crash at a named point is made of.
//
//   CRASH_AT=sync:3:before            SIGKILL instead of the third fdatasync
//   CRASH_AT=rename:1:after:.deleted  SIGKILL right behind the first rename to a name with ".deleted" in it
//   CRASH_AT=write:2:torn:.log        the second write to a segment: half of it, then SIGKILL
//   CRASH_AT=sync:5:error             the fifth sync fails once (EIO); errors: it and all after it
//   CRASH_AT=allocate:2:full          that allocation and all after it find no space
//
// Several, separated by commas. The path of a rename is its new name. The index is RocksDB's and does its own
// I/O: ArmedIndex stands before its writes instead (call "index", and "checkpoint" for those that hold one).
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "storage/disk/disk.h"
#include "storage/index/offset_index.h"

namespace sluice::crash {

enum class ArmedAction { kKillBefore, kKillAfter, kTornThenKill, kErrorOnce, kErrors, kFull };

struct ArmedRule {
  std::string call;
  int64_t nth = 1;
  ArmedAction action = ArmedAction::kKillBefore;
  std::string path_part = {};  // Empty: any path.
  std::atomic<int64_t> calls{0};
};

// The rules of a run. Thread-safe; they must not change any more once a call was made.
class ArmedRules {
 public:
  static absl::StatusOr<std::unique_ptr<ArmedRules>> Parse(const std::string& text);

  // Around every call: Before may end the process or say how the call fails; After may end the process.
  struct Verdict {
    absl::Status fault;
    bool torn = false;
    bool kill_after = false;
  };
  Verdict Before(const std::string& call, const std::string& path);
  static void After(const Verdict& verdict);

 private:
  std::deque<ArmedRule> rules_;
};

// Thread-safe as the disk under it. `disk` and `rules` must outlive it and its files.
class ArmedDisk final : public storage::Disk {
 public:
  ArmedDisk(storage::Disk& disk, ArmedRules& rules) : disk_(disk), rules_(rules) {}

  absl::StatusOr<std::unique_ptr<storage::File>> Open(const std::string& path, OpenMode mode) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override { return disk_.List(path); }
  absl::StatusOr<uint64_t> FileSize(const std::string& path) override { return disk_.FileSize(path); }
  absl::StatusOr<int64_t> ModifiedMs(const std::string& path) override { return disk_.ModifiedMs(path); }
  absl::StatusOr<storage::DiskSpace> SpaceOf(const std::string& path) override { return disk_.SpaceOf(path); }
  bool Exists(const std::string& path) override { return disk_.Exists(path); }
  absl::Status CreateDirectory(const std::string& path) override { return disk_.CreateDirectory(path); }
  absl::Status SyncDirectory(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Unlink(const std::string& path) override;
  absl::Status RemoveTree(const std::string& path) override { return disk_.RemoveTree(path); }

 private:
  storage::Disk& disk_;
  ArmedRules& rules_;
};

// `index`, with its writes armed. `rules` must outlive it.
std::unique_ptr<storage::OffsetIndex> Arm(std::unique_ptr<storage::OffsetIndex> index, ArmedRules& rules);

}  // namespace sluice::crash
