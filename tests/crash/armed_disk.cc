#include "tests/crash/armed_disk.h"

#include <csignal>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sluice::crash {
namespace {

using storage::Checkpoint;
using storage::Disk;
using storage::File;
using storage::IndexUpdate;
using storage::LogId;
using storage::OffsetEntry;
using storage::OffsetIndex;
using storage::SegmentEntry;

[[noreturn]] void KillMyself() {
  ::raise(SIGKILL);
  __builtin_unreachable();
}

std::optional<ArmedAction> ParseAction(absl::string_view text) {
  static constexpr std::pair<absl::string_view, ArmedAction> kActions[] = {
      {"before", ArmedAction::kKillBefore}, {"after", ArmedAction::kKillAfter},
      {"torn", ArmedAction::kTornThenKill}, {"error", ArmedAction::kErrorOnce},
      {"errors", ArmedAction::kErrors},     {"full", ArmedAction::kFull}};
  for (const auto& [name, action] : kActions) {
    if (name == text) {
      return action;
    }
  }
  return std::nullopt;
}

// Runs one call between the two halves of its rules.
template <class Call>
absl::Status Guard(ArmedRules& rules, const std::string& name, const std::string& path, Call call) {
  const ArmedRules::Verdict verdict = rules.Before(name, path);
  if (!verdict.fault.ok()) {
    return verdict.fault;
  }
  const absl::Status status = call();
  ArmedRules::After(verdict);
  return status;
}

class ArmedMapping final : public storage::Mapping {
 public:
  ArmedMapping(std::unique_ptr<storage::Mapping> mapping, std::string path, ArmedRules& rules)
      : mapping_(std::move(mapping)), path_(std::move(path)), rules_(rules) {}
  std::byte* data() override { return mapping_->data(); }
  size_t size() const override { return mapping_->size(); }
  absl::Status Populate(uint64_t position, uint64_t size) override {
    return Guard(rules_, "populate", path_, [&] { return mapping_->Populate(position, size); });
  }

 private:
  const std::unique_ptr<storage::Mapping> mapping_;
  const std::string path_;
  ArmedRules& rules_;
};

class ArmedFile final : public File {
 public:
  ArmedFile(std::unique_ptr<File> file, ArmedRules& rules) : file_(std::move(file)), rules_(rules) {}

  const std::shared_ptr<const storage::SharedFile>& shared() const override { return file_->shared(); }
  absl::StatusOr<uint64_t> Size() override { return file_->Size(); }
  absl::StatusOr<size_t> ReadAt(uint64_t position, MutableByteView into) override {
    const ArmedRules::Verdict verdict = rules_.Before("read", path());
    return verdict.fault.ok() ? file_->ReadAt(position, into) : absl::StatusOr<size_t>(verdict.fault);
  }
  uint64_t NextData(uint64_t position) override { return file_->NextData(position); }
  absl::Status WriteAt(uint64_t position, ByteView bytes) override {
    const ArmedRules::Verdict verdict = rules_.Before("write", path());
    if (verdict.torn) {
      file_->WriteAt(position, bytes.first(bytes.size() / 2)).IgnoreError();
      KillMyself();
    }
    if (!verdict.fault.ok()) {
      return verdict.fault;
    }
    const absl::Status status = file_->WriteAt(position, bytes);
    ArmedRules::After(verdict);
    return status;
  }
  absl::Status Allocate(uint64_t position, uint64_t size) override {
    return Guard(rules_, "allocate", path(), [&] { return file_->Allocate(position, size); });
  }
  absl::Status Truncate(uint64_t size) override {
    return Guard(rules_, "truncate", path(), [&] { return file_->Truncate(size); });
  }
  absl::Status Sync() override {
    return Guard(rules_, "sync", path(), [&] { return file_->Sync(); });
  }
  absl::Status StartWriteback(uint64_t position, uint64_t size) override {
    return file_->StartWriteback(position, size);
  }
  absl::StatusOr<std::unique_ptr<storage::Mapping>> Map(uint64_t size) override {
    const ArmedRules::Verdict verdict = rules_.Before("map", path());
    if (!verdict.fault.ok()) {
      return verdict.fault;
    }
    absl::StatusOr<std::unique_ptr<storage::Mapping>> mapping = file_->Map(size);
    ArmedRules::After(verdict);
    if (!mapping.ok()) {
      return mapping.status();
    }
    return std::make_unique<ArmedMapping>(*std::move(mapping), path(), rules_);
  }

 private:
  const std::string& path() const { return file_->shared()->path(); }

  const std::unique_ptr<File> file_;
  ArmedRules& rules_;
};

class ArmedIndex final : public OffsetIndex {
 public:
  ArmedIndex(std::unique_ptr<OffsetIndex> index, ArmedRules& rules)
      : index_(std::move(index)), rules_(rules) {}

  absl::Status Write(const LogId& log, const IndexUpdate& update) override {
    return Guard(rules_, update.checkpoint ? "checkpoint" : "index", "",
                 [&] { return index_->Write(log, update); });
  }
  absl::StatusOr<std::optional<OffsetEntry>> FindOffset(const LogId& log, Offset offset) override {
    return index_->FindOffset(log, offset);
  }
  absl::StatusOr<TimeBounds> FindTime(const LogId& log, int64_t timestamp_ms) override {
    return index_->FindTime(log, timestamp_ms);
  }
  absl::StatusOr<std::vector<SegmentEntry>> SealedSegments(const LogId& log) override {
    return index_->SealedSegments(log);
  }
  absl::StatusOr<std::optional<Checkpoint>> ReadCheckpoint(const LogId& log) override {
    return index_->ReadCheckpoint(log);
  }
  void DropBefore(const LogId& log, Offset start) override { index_->DropBefore(log, start); }
  absl::Status TruncateFrom(const LogId& log, Offset end) override { return index_->TruncateFrom(log, end); }
  absl::Status ForgetRange(const LogId& log, Offset begin, Offset end) override {
    return index_->ForgetRange(log, begin, end);
  }
  void DropLog(const LogId& log) override { index_->DropLog(log); }
  absl::Status Flush() override { return index_->Flush(); }
  absl::Status Sync() override { return index_->Sync(); }
  bool was_rebuilt() const override { return index_->was_rebuilt(); }

 private:
  const std::unique_ptr<OffsetIndex> index_;
  ArmedRules& rules_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ArmedRules>> ArmedRules::Parse(const std::string& text) {
  auto rules = std::make_unique<ArmedRules>();
  for (const absl::string_view one : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(one, absl::MaxSplits(':', 3));
    ArmedRule& rule = rules->rules_.emplace_back();
    const std::optional<ArmedAction> action =
        parts.size() >= 3 ? ParseAction(parts[2]) : std::optional<ArmedAction>();
    if (!action || !absl::SimpleAtoi(parts[1], &rule.nth)) {
      return absl::InvalidArgumentError(
          absl::StrCat("CRASH_AT: cannot read \"", one,
                       "\"; expected CALL:NTH:before|after|torn|error|errors|full[:PATH]"));
    }
    rule.call = parts[0];
    rule.action = *action;
    rule.path_part = parts.size() == 4 ? parts[3] : "";
  }
  return rules;
}

ArmedRules::Verdict ArmedRules::Before(const std::string& call, const std::string& path) {
  Verdict verdict;
  for (ArmedRule& rule : rules_) {
    if (rule.call != call || path.find(rule.path_part) == std::string::npos) {
      continue;
    }
    const int64_t calls = ++rule.calls;
    const bool goes_on = rule.action == ArmedAction::kErrors || rule.action == ArmedAction::kFull;
    if (calls != rule.nth && !(goes_on && calls > rule.nth)) {
      continue;
    }
    switch (rule.action) {
      case ArmedAction::kKillBefore:
        KillMyself();
      case ArmedAction::kKillAfter:
        verdict.kill_after = true;
        break;
      case ArmedAction::kTornThenKill:
        verdict.torn = true;
        break;
      case ArmedAction::kErrorOnce:
      case ArmedAction::kErrors:
        verdict.fault =
            absl::DataLossError(absl::StrCat(path, ": ", call, ": Input/output error (injected)"));
        break;
      case ArmedAction::kFull:
        verdict.fault = absl::ResourceExhaustedError(
            absl::StrCat(path, ": ", call, ": No space left on device (injected)"));
        break;
    }
  }
  return verdict;
}

void ArmedRules::After(const Verdict& verdict) {
  if (verdict.kill_after) {
    KillMyself();
  }
}

absl::StatusOr<std::unique_ptr<File>> ArmedDisk::Open(const std::string& path, OpenMode mode) {
  const ArmedRules::Verdict verdict = rules_.Before(mode == OpenMode::kCreateNew ? "create" : "open", path);
  if (!verdict.fault.ok()) {
    return verdict.fault;
  }
  absl::StatusOr<std::unique_ptr<File>> file = disk_.Open(path, mode);
  ArmedRules::After(verdict);
  if (!file.ok()) {
    return file.status();
  }
  return std::make_unique<ArmedFile>(*std::move(file), rules_);
}

absl::Status ArmedDisk::SyncDirectory(const std::string& path) {
  return Guard(rules_, "syncdir", path, [&] { return disk_.SyncDirectory(path); });
}

absl::Status ArmedDisk::Rename(const std::string& from, const std::string& to) {
  return Guard(rules_, "rename", to, [&] { return disk_.Rename(from, to); });
}

absl::Status ArmedDisk::Unlink(const std::string& path) {
  return Guard(rules_, "unlink", path, [&] { return disk_.Unlink(path); });
}

std::unique_ptr<OffsetIndex> Arm(std::unique_ptr<OffsetIndex> index, ArmedRules& rules) {
  return std::make_unique<ArmedIndex>(std::move(index), rules);
}

}  // namespace sluice::crash
