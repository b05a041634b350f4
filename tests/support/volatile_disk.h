// A Disk that forgets: a directory tree of real files, of which only what was synced survives a power cut.
//
//   VolatileDisk disk(temp / "data");
//   disk.CutPowerAt(17);                      // The 17th call from now that changes something fails, and all
//   after.
//   ... work, until disk.power_is_off() ...   // Close every file then: the process died with the power.
//   disk.ComeBack(random, {.kept = 0.5});     // What is there now is what a disk may hold.
//
// Of what was not synced, ComeBack keeps a random part: stores through maps and writes by pieces of a sector,
// sizes either way, and of a directory's changes (create, rename, unlink) any number of the first ones; with
// .kept = 0 nothing at all. A sync of a file does not sync its name: only SyncDirectory does.
//
// "index" and ".lock" at the top are let be: RocksDB and flock do their own I/O. Syncs cost no I/O here.
// Thread-safe, but for ComeBack. Files must be closed before it.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/check.h"
#include "proto/base/random.h"
#include "storage/disk/disk.h"
#include "storage/disk/posix_disk.h"

namespace sluice::storage {

namespace volatile_disk {

struct Node;
using NodePtr = std::shared_ptr<Node>;  // Shared by the names that it has and had.

// One change of a directory, as a journaling file system makes it: whole.
struct Change {
  std::string removed = {};  // Empty: none.
  std::string added = {};
  NodePtr node = {};
};

struct Node {
  bool is_directory = false;
  // Directories.
  std::map<std::string, NodePtr> now = {};
  std::map<std::string, NodePtr> durable = {};
  std::vector<Change> pending = {};  // What leads from `durable` to `now`.
  // Files.
  std::shared_ptr<const SharedFile> file = {};  // Null: not opened since the power came.
  Bytes content = {};                           // As it was synced last.
  bool sync_failed = false;                     // What is synced from now on does not reach the disk.
};

inline Bytes ReadWhole(int fd) {
  struct stat info;
  CHECK_EQ(::fstat(fd, &info), 0);
  Bytes bytes(static_cast<size_t>(info.st_size));
  const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), 0);
  CHECK_GE(got, 0);
  bytes.resize(static_cast<size_t>(got));  // Fewer when it is being trimmed at this moment.
  return bytes;
}

}  // namespace volatile_disk

class VolatileDisk final : public Disk {
 public:
  struct Damage {
    double kept = 0;     // The chance of each unsynced piece to have reached the disk.
    size_t piece = 512;  // A disk writes whole sectors.
  };

  // `root` exists; what is in it counts as synced.
  explicit VolatileDisk(std::string root) : root_(std::move(root)) {
    absl::MutexLock lock(&mu_);
    top_ = Scan(root_, true);
  }

  void CutPowerAt(int64_t nth_change) {
    absl::MutexLock lock(&mu_);
    changes_left_ = nth_change;
  }
  void CutPower() { CutPowerAt(0); }
  void KeepPower() { CutPowerAt(kNever); }
  // The nth sync of a file from now fails, and as with Linux those of that file which follow succeed and do
  // nothing: the pages count as clean. So cut the power before the next start.
  void FailSyncAt(int64_t nth) {
    absl::MutexLock lock(&mu_);
    syncs_left_ = nth;
  }
  bool a_sync_failed() const {
    absl::MutexLock lock(&mu_);
    return a_sync_failed_;
  }
  bool power_is_off() const {
    absl::MutexLock lock(&mu_);
    return changes_left_ <= 0;
  }

  void ComeBack(Random& random, const Damage& damage) {
    absl::MutexLock lock(&mu_);
    const volatile_disk::NodePtr left = Settle(*top_, random, damage);
    for (const auto& entry : std::filesystem::directory_iterator(root_)) {
      if (!IsForeign(entry.path().filename())) {
        std::filesystem::remove_all(entry.path());
      }
    }
    WriteOut(*left, root_);
    top_ = left;
    changes_left_ = kNever;
    syncs_left_ = 0;
    a_sync_failed_ = false;
  }

  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    absl::MutexLock lock(&mu_);
    if (mode == OpenMode::kCreateNew) {
      if (absl::Status power = ChangeLocked(); !power.ok()) {
        return power;
      }
    }
    absl::StatusOr<std::unique_ptr<File>> file = posix_.Open(path, mode);
    if (!file.ok()) {
      return file.status();
    }
    volatile_disk::NodePtr node = Find(path);
    if (node == nullptr && mode == OpenMode::kCreateNew) {
      node = std::make_shared<volatile_disk::Node>();
      Apply(path, {.added = NameOf(path), .node = node});
    }
    if (node == nullptr) {
      return file;
    }
    if (node->file == nullptr) {
      node->file = (*file)->shared();
    }
    return std::make_unique<VolatileFile>(*std::move(file), std::move(node), *this);
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    return posix_.List(path);
  }
  absl::StatusOr<uint64_t> FileSize(const std::string& path) override { return posix_.FileSize(path); }
  absl::StatusOr<int64_t> ModifiedMs(const std::string& path) override { return posix_.ModifiedMs(path); }
  absl::StatusOr<DiskSpace> SpaceOf(const std::string& path) override { return posix_.SpaceOf(path); }
  bool Exists(const std::string& path) override { return posix_.Exists(path); }

  absl::Status CreateDirectory(const std::string& path) override {
    absl::MutexLock lock(&mu_);
    if (absl::Status power = ChangeLocked(); !power.ok()) {
      return power;
    }
    if (absl::Status made = posix_.CreateDirectory(path); !made.ok()) {
      return made;
    }
    std::string parent = root_;
    for (const std::string& name : PartsOf(path)) {
      const std::string child = parent + "/" + name;
      if (Find(child) == nullptr) {
        Apply(child,
              {.added = name,
               .node = std::make_shared<volatile_disk::Node>(volatile_disk::Node{.is_directory = true})});
      }
      parent = child;
    }
    return absl::OkStatus();
  }
  absl::Status SyncDirectory(const std::string& path) override {
    absl::MutexLock lock(&mu_);
    if (absl::Status power = ChangeLocked(); !power.ok()) {
      return power;
    }
    if (const volatile_disk::NodePtr node = Find(path)) {
      node->durable = node->now;
      node->pending.clear();
    }
    return absl::OkStatus();
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    absl::MutexLock lock(&mu_);
    if (absl::Status power = ChangeLocked(); !power.ok()) {
      return power;
    }
    const volatile_disk::NodePtr node = Find(from);
    if (absl::Status renamed = posix_.Rename(from, to); !renamed.ok() || node == nullptr) {
      return renamed;
    }
    CHECK(std::filesystem::path(from).parent_path() == std::filesystem::path(to).parent_path());
    Apply(to, {.removed = NameOf(from), .added = NameOf(to), .node = node});
    return absl::OkStatus();
  }
  absl::Status Unlink(const std::string& path) override {
    absl::MutexLock lock(&mu_);
    if (absl::Status power = ChangeLocked(); !power.ok()) {
      return power;
    }
    const bool known = Find(path) != nullptr;
    const absl::Status unlinked = posix_.Unlink(path);
    if (unlinked.ok() && known) {
      Apply(path, {.removed = NameOf(path)});
    }
    return unlinked;
  }
  absl::Status RemoveTree(const std::string& path) override {
    absl::MutexLock lock(&mu_);
    if (absl::Status power = ChangeLocked(); !power.ok()) {
      return power;
    }
    const bool known = Find(path) != nullptr;
    const absl::Status removed = posix_.RemoveTree(path);
    if (known) {
      Apply(path, {.removed = NameOf(path)});
    }
    return removed;
  }

 private:
  static constexpr int64_t kNever = int64_t{1} << 60;

  class VolatileFile final : public File {
   public:
    VolatileFile(std::unique_ptr<File> file, volatile_disk::NodePtr node, VolatileDisk& disk)
        : file_(std::move(file)), node_(std::move(node)), disk_(disk) {}

    const std::shared_ptr<const SharedFile>& shared() const override { return file_->shared(); }
    absl::StatusOr<uint64_t> Size() override { return file_->Size(); }
    absl::StatusOr<size_t> ReadAt(uint64_t position, MutableByteView into) override {
      return file_->ReadAt(position, into);
    }
    uint64_t NextData(uint64_t position) override { return file_->NextData(position); }
    absl::Status WriteAt(uint64_t position, ByteView bytes) override {
      const absl::Status power = disk_.Change();
      return power.ok() ? file_->WriteAt(position, bytes) : power;
    }
    absl::Status Allocate(uint64_t position, uint64_t size) override {
      const absl::Status power = disk_.Change();
      return power.ok() ? file_->Allocate(position, size) : power;
    }
    absl::Status Truncate(uint64_t size) override {
      const absl::Status power = disk_.Change();
      return power.ok() ? file_->Truncate(size) : power;
    }
    absl::Status Sync() override {
      absl::MutexLock lock(&disk_.mu_);
      if (absl::Status power = disk_.ChangeLocked(); !power.ok()) {
        return power;
      }
      return disk_.SyncLocked(file_->shared()->fd(), node_.get());
    }
    absl::Status StartWriteback(uint64_t, uint64_t) override {
      return absl::OkStatus();
    }  // Promises nothing.
    absl::StatusOr<std::unique_ptr<Mapping>> Map(uint64_t size) override { return file_->Map(size); }

   private:
    const std::unique_ptr<File> file_;
    const volatile_disk::NodePtr node_;  // Shared with the tree, and with other opens of the file.
    VolatileDisk& disk_;
  };

  absl::Status Change() {
    absl::MutexLock lock(&mu_);
    return ChangeLocked();
  }
  absl::Status ChangeLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (changes_left_ > 0 && --changes_left_ > 0) {
      return absl::OkStatus();
    }
    return absl::UnavailableError("the power is off");
  }

  absl::Status SyncLocked(int fd, volatile_disk::Node* node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (syncs_left_ > 0 && --syncs_left_ == 0) {
      node->sync_failed = true;
      a_sync_failed_ = true;
      return absl::DataLossError("fdatasync: injected");
    }
    if (!node->sync_failed) {
      node->content = volatile_disk::ReadWhole(fd);
    }
    return absl::OkStatus();
  }

  static bool IsForeign(const std::string& name) { return name == "index" || name == ".lock"; }
  static std::string NameOf(const std::string& path) { return std::filesystem::path(path).filename(); }

  // Below the root; empty for the root and for what is elsewhere.
  std::vector<std::string> PartsOf(const std::string& path) const {
    if (!path.starts_with(root_ + "/")) {
      return {};
    }
    return absl::StrSplit(path.substr(root_.size() + 1), '/', absl::SkipEmpty());
  }

  volatile_disk::NodePtr Find(const std::string& path) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (path != root_ && !path.starts_with(root_ + "/")) {
      return nullptr;
    }
    volatile_disk::NodePtr node = top_;
    for (const std::string& name : PartsOf(path)) {
      const auto found = node->now.find(name);
      if (found == node->now.end()) {
        return nullptr;
      }
      node = found->second;
    }
    return node;
  }

  static void Apply(std::map<std::string, volatile_disk::NodePtr>* names,
                    const volatile_disk::Change& change) {
    if (!change.removed.empty()) {
      names->erase(change.removed);
    }
    if (!change.added.empty()) {
      (*names)[change.added] = change.node;
    }
  }
  void Apply(const std::string& path, volatile_disk::Change change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const std::vector<std::string> parts = PartsOf(path);
    if (parts.empty() || IsForeign(parts.front())) {
      return;
    }
    const volatile_disk::NodePtr parent = Find(std::filesystem::path(path).parent_path());
    CHECK(parent != nullptr);
    Apply(&parent->now, change);
    parent->pending.push_back(std::move(change));
  }

  // What the power cut leaves of a directory and all below it: nothing pending, no file open.
  static volatile_disk::NodePtr Settle(const volatile_disk::Node& node, Random& random,
                                       const Damage& damage) {
    auto left = std::make_shared<volatile_disk::Node>();
    left->is_directory = node.is_directory;
    if (!node.is_directory) {
      left->content = SettleContent(node, random, damage);
      return left;
    }
    std::map<std::string, volatile_disk::NodePtr> names = node.durable;
    const size_t kept = damage.kept == 0 ? 0 : random.Below(node.pending.size() + 1);
    for (size_t i = 0; i < kept; ++i) {
      Apply(&names, node.pending[i]);
    }
    for (const auto& [name, child] : names) {
      left->durable[name] = Settle(*child, random, damage);
    }
    left->now = left->durable;
    return left;
  }

  static Bytes SettleContent(const volatile_disk::Node& node, Random& random, const Damage& damage) {
    if (node.file == nullptr) {
      return node.content;
    }
    Bytes written = volatile_disk::ReadWhole(node.file->fd());
    Bytes result = node.content;
    const size_t size = damage.kept > 0 && random.Below(2) == 0 ? written.size() : result.size();
    const size_t both = std::max(written.size(), result.size());
    written.resize(both);
    result.resize(both);
    for (size_t at = 0; at < both; at += damage.piece) {
      const size_t length = std::min(damage.piece, both - at);
      const auto from = written.begin() + static_cast<std::ptrdiff_t>(at);
      if (std::equal(from, from + static_cast<std::ptrdiff_t>(length),
                     result.begin() + static_cast<std::ptrdiff_t>(at))) {
        continue;
      }
      if (static_cast<double>(random.Below(1'000'000)) < damage.kept * 1e6) {
        std::copy_n(from, length, result.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
    result.resize(size);
    return result;
  }

  void WriteOut(const volatile_disk::Node& directory, const std::string& path) {
    for (const auto& [name, child] : directory.now) {
      const std::string child_path = path + "/" + name;
      if (child->is_directory) {
        CHECK_OK(posix_.CreateDirectory(child_path));
        WriteOut(*child, child_path);
        continue;
      }
      const auto file = posix_.Open(child_path, OpenMode::kCreateNew);
      CHECK_OK(file.status());
      CHECK_OK((*file)->WriteAt(0, child->content));
    }
  }

  volatile_disk::NodePtr Scan(const std::string& path, bool is_top) {
    auto node = std::make_shared<volatile_disk::Node>();
    node->is_directory = true;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      const std::string name = entry.path().filename();
      if (is_top && IsForeign(name)) {
        continue;
      }
      volatile_disk::NodePtr child;
      if (entry.is_directory()) {
        child = Scan(entry.path(), false);
      } else {
        child = std::make_shared<volatile_disk::Node>();
        child->content =
            volatile_disk::ReadWhole((*posix_.Open(entry.path(), OpenMode::kReadOnly))->shared()->fd());
      }
      node->now[name] = child;
    }
    node->durable = node->now;
    return node;
  }

  const std::string root_;
  PosixDisk posix_;
  mutable absl::Mutex mu_;
  volatile_disk::NodePtr top_ ABSL_GUARDED_BY(mu_);
  int64_t changes_left_ ABSL_GUARDED_BY(mu_) = kNever;
  int64_t syncs_left_ ABSL_GUARDED_BY(mu_) = 0;  // 0: none fails.
  bool a_sync_failed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sluice::storage
