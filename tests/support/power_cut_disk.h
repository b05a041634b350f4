// A Disk that knows what was synced, and turns real files into what a power cut may leave of them.
//
//   PowerCutDisk disk(posix, "dir");           // What is in dir is on the disk. The paths below it are
//   watched.
//   ... use it; files are written through maps as well ...
//   disk.Cut(PowerCutDisk::Keeps::kAnything, seed);   // Now. Every later call fails.
//   ... drop whoever holds files ...
//   disk.Restore();                            // dir is as the next start finds it, and the disk works
//   again.
//
// The model: of a file, each sector that was not synced is as before or as now, and so is its size; of a
// directory, the changes since its last sync that happened, up to any one of them (as a journalling file
// system has it). The index and the lock of a log dir, which are not written through it, stay as they are.
//
// Nothing is really synced, so it is fast. Thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/check.h"
#include "proto/base/random.h"
#include "proto/base/status_macros.h"
#include "storage/disk/disk.h"

namespace sluice::storage {

// A file or directory that was made through the disk.
struct WatchedNode {
  using Names = std::map<std::string, std::shared_ptr<WatchedNode>>;
  struct Change {
    std::string removed;
    std::string added;
    std::shared_ptr<WatchedNode> node;
  };

  std::shared_ptr<File> file;   // Null: a directory. Shared with those who opened it.
  std::string durable_content;  // Of a file, as last synced.
  Names names;                  // Of a directory: now...
  Names durable_names;          // ... as last synced...
  std::vector<Change> changes;  // ... and what lies between.

  void Apply(const Change& change, Names* to) const {
    to->erase(change.removed);
    if (!change.added.empty()) {
      (*to)[change.added] = change.node;
    }
  }
  void Note(Change change) {
    Apply(change, &names);
    changes.push_back(std::move(change));
  }
};

// What the disk and its files share.
struct PowerState {
  absl::Mutex mu;
  bool is_off ABSL_GUARDED_BY(mu) = false;

  absl::Status Check() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    return is_off ? absl::UnavailableError("the power is off") : absl::OkStatus();
  }
};

inline std::string ContentOf(File& file) {
  std::string content(*file.Size(), '\0');
  const MutableByteView into(reinterpret_cast<std::byte*>(content.data()), content.size());
  CHECK_EQ(*file.ReadAt(0, into), content.size());
  return content;
}

class WatchedFile final : public File {
 public:
  WatchedFile(std::shared_ptr<WatchedNode> node, std::shared_ptr<PowerState> power)
      : node_(std::move(node)), power_(std::move(power)) {}

  const std::shared_ptr<const SharedFile>& shared() const override { return node_->file->shared(); }
  absl::StatusOr<uint64_t> Size() override { return node_->file->Size(); }
  absl::StatusOr<size_t> ReadAt(uint64_t position, MutableByteView into) override {
    return node_->file->ReadAt(position, into);
  }
  uint64_t NextData(uint64_t position) override { return node_->file->NextData(position); }
  absl::Status WriteAt(uint64_t position, ByteView bytes) override {
    absl::MutexLock lock(&power_->mu);
    const absl::Status power = power_->Check();
    return power.ok() ? node_->file->WriteAt(position, bytes) : power;
  }
  absl::Status Allocate(uint64_t position, uint64_t size) override {
    absl::MutexLock lock(&power_->mu);
    const absl::Status power = power_->Check();
    return power.ok() ? node_->file->Allocate(position, size) : power;
  }
  absl::Status Truncate(uint64_t size) override {
    absl::MutexLock lock(&power_->mu);
    const absl::Status power = power_->Check();
    return power.ok() ? node_->file->Truncate(size) : power;
  }
  absl::Status Sync() override {
    absl::MutexLock lock(&power_->mu);
    const absl::Status power = power_->Check();
    if (power.ok()) {
      node_->durable_content = ContentOf(*node_->file);
    }
    return power;
  }
  absl::Status StartWriteback(uint64_t, uint64_t) override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<Mapping>> Map(uint64_t size) override { return node_->file->Map(size); }

 private:
  const std::shared_ptr<WatchedNode> node_;
  const std::shared_ptr<PowerState> power_;
};

class PowerCutDisk final : public Disk {
 public:
  enum class Keeps { kWhatWasSynced, kAnything };

  // `root` must not be there yet; the directory that it is in is safe.
  PowerCutDisk(Disk& disk, std::string root) : disk_(disk), root_path_(std::move(root)) {
    CHECK_OK(disk_.CreateDirectory(root_path_));
  }

  void Cut(Keeps keeps, uint64_t seed) {
    absl::MutexLock lock(&power_->mu);
    Random random(seed);
    power_->is_off = true;
    root_ = AfterCut(*root_, keeps, random);
  }
  // Nobody may hold files any more.
  void Restore() {
    absl::MutexLock lock(&power_->mu);
    CHECK(power_->is_off);
    Clear(root_path_);
    Materialize(*root_, root_path_);
    power_->is_off = false;
  }

  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    absl::MutexLock lock(&power_->mu);
    if (const absl::Status power = power_->Check(); !power.ok()) {
      return power;
    }
    WatchedNode* const parent = Parent(path);
    if (mode == OpenMode::kCreateNew) {
      absl::StatusOr<std::unique_ptr<File>> made = disk_.Open(path, mode);
      if (!made.ok()) {
        return made.status();
      }
      auto node = std::make_shared<WatchedNode>();
      node->file = *std::move(made);
      CHECK(parent != nullptr);
      parent->Note({"", NameOf(path), node});
      return std::make_unique<WatchedFile>(std::move(node), power_);
    }
    if (parent == nullptr || !parent->names.contains(NameOf(path))) {
      return disk_.Open(path, mode);  // Not there, or not watched.
    }
    return std::make_unique<WatchedFile>(parent->names.at(NameOf(path)), power_);
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override { return disk_.List(path); }
  absl::StatusOr<uint64_t> FileSize(const std::string& path) override { return disk_.FileSize(path); }
  absl::StatusOr<int64_t> ModifiedMs(const std::string& path) override { return disk_.ModifiedMs(path); }
  absl::StatusOr<DiskSpace> SpaceOf(const std::string& path) override { return disk_.SpaceOf(path); }
  bool Exists(const std::string& path) override { return disk_.Exists(path); }

  absl::Status CreateDirectory(const std::string& path) override {
    absl::MutexLock lock(&power_->mu);
    RETURN_IF_ERROR(power_->Check());
    WatchedNode* node = root_.get();
    for (const std::string& name : NamesIn(path).value_or(std::vector<std::string>())) {
      if (!node->names.contains(name)) {
        node->Note({"", name, std::make_shared<WatchedNode>()});
      }
      node = node->names.at(name).get();
    }
    return disk_.CreateDirectory(path);
  }
  absl::Status SyncDirectory(const std::string& path) override {
    absl::MutexLock lock(&power_->mu);
    RETURN_IF_ERROR(power_->Check());
    if (WatchedNode* const node = Find(path); node != nullptr) {
      node->durable_names = node->names;
      node->changes.clear();
    }
    return absl::OkStatus();
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    absl::MutexLock lock(&power_->mu);
    RETURN_IF_ERROR(power_->Check());
    const absl::Status renamed = disk_.Rename(from, to);
    if (renamed.ok()) {
      WatchedNode* const parent = Parent(from);
      CHECK(parent == Parent(to));
      parent->Note({NameOf(from), NameOf(to), parent->names.at(NameOf(from))});
    }
    return renamed;
  }
  absl::Status Unlink(const std::string& path) override { return Remove(path, &Disk::Unlink); }
  absl::Status RemoveTree(const std::string& path) override { return Remove(path, &Disk::RemoveTree); }

 private:
  using Node = std::shared_ptr<WatchedNode>;
  static constexpr size_t kSector = 512;

  // The names on the way from the root; nothing for a path outside it.
  std::optional<std::vector<std::string>> NamesIn(absl::string_view path) const {
    if (!absl::ConsumePrefix(&path, root_path_)) {
      return std::nullopt;
    }
    return std::vector<std::string>(absl::StrSplit(path, '/', absl::SkipEmpty()));
  }
  WatchedNode* Walk(const std::vector<std::string>& names) const {
    WatchedNode* node = root_.get();
    for (const std::string& name : names) {
      const auto found = node->names.find(name);
      if (found == node->names.end()) {
        return nullptr;
      }
      node = found->second.get();
    }
    return node;
  }
  WatchedNode* Find(const std::string& path) const {
    const auto names = NamesIn(path);
    return names ? Walk(*names) : nullptr;
  }
  WatchedNode* Parent(const std::string& path) const { return Find(path.substr(0, path.rfind('/'))); }
  static std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

  absl::Status Remove(const std::string& path, absl::Status (Disk::*remove)(const std::string&)) {
    absl::MutexLock lock(&power_->mu);
    RETURN_IF_ERROR(power_->Check());
    const absl::Status removed = (disk_.*remove)(path);
    WatchedNode* const parent = Parent(path);
    if (removed.ok() && parent != nullptr && parent->names.contains(NameOf(path))) {
      parent->Note({NameOf(path), "", nullptr});
    }
    return removed;
  }

  static std::string ContentAfterCut(const WatchedNode& node, Keeps keeps, Random& random) {
    const std::string& old = node.durable_content;
    if (keeps == Keeps::kWhatWasSynced) {
      return old;
    }
    const std::string now = ContentOf(*node.file);
    std::string content(random.Below(2) == 0 ? old.size() : now.size(), '\0');
    const uint64_t lost_of_8 = random.Below(9);
    for (size_t at = 0; at < content.size(); at += kSector) {
      const std::string& from = random.Below(8) < lost_of_8 ? old : now;
      if (at < from.size()) {
        const size_t size = std::min({kSector, content.size() - at, from.size() - at});
        content.replace(at, size, from, at, size);
      }
    }
    return content;
  }
  static Node AfterCut(const WatchedNode& node, Keeps keeps, Random& random) {
    auto after = std::make_shared<WatchedNode>();
    if (node.file != nullptr) {
      after->file = node.file;  // Says that it is one, until Materialize.
      after->durable_content = ContentAfterCut(node, keeps, random);
      return after;
    }
    WatchedNode::Names names = node.durable_names;
    const size_t kept = keeps == Keeps::kAnything ? random.Below(node.changes.size() + 1) : 0;
    for (size_t i = 0; i < kept; ++i) {
      node.Apply(node.changes[i], &names);
    }
    for (const auto& [name, child] : names) {
      after->names[name] = AfterCut(*child, keeps, random);
    }
    after->durable_names = after->names;
    return after;
  }
  void Materialize(WatchedNode& node, const std::string& path) {
    if (node.file != nullptr) {
      node.file = *disk_.Open(path, OpenMode::kCreateNew);
      CHECK_OK(node.file->WriteAt(0, AsBytes(node.durable_content)));
      return;
    }
    CHECK_OK(disk_.CreateDirectory(path));
    for (const auto& [name, child] : node.names) {
      Materialize(*child, absl::StrCat(path, "/", name));
    }
  }
  // Takes away all but what is not written through this disk.
  static void Clear(const std::filesystem::path& directory) {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      const std::string name = entry.path().filename();
      if (name.starts_with("index") || name == ".lock") {
        continue;
      }
      if (entry.is_directory()) {
        Clear(entry.path());
      }
      std::error_code not_empty;
      std::filesystem::remove(entry.path(), not_empty);
    }
  }

  Disk& disk_;
  const std::string root_path_;
  const std::shared_ptr<PowerState> power_ = std::make_shared<PowerState>();  // Shared with files.
  Node root_ = std::make_shared<WatchedNode>();
};

}  // namespace sluice::storage
