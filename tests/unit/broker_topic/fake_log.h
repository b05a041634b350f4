// Logs in memory, for tests of what stands above them: they count, and move when told to.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/log/log_dir.h"

namespace sluice::broker {

// One thread at a time.
class FakeLog final : public storage::Log {
 public:
  FakeLog(storage::LogName name, const storage::LogOptions& options)
      : name_(std::move(name)),
        directory_(absl::StrCat("/fake/", name_.topic, "-", name_.id.partition.value())),
        options(options) {}

  storage::AppendOutcome TryAppend(const record::BatchView& batch,
                                   const storage::AppendContext& context) override {
    if (would_block) {
      return {.code = storage::AppendCode::kWouldBlock};
    }
    return Append(batch, context);
  }
  storage::AppendOutcome Append(const record::BatchView& batch,
                                const storage::AppendContext& context) override {
    last_context = context;
    const Offset base = end_;
    end_ = base + batch.record_count();
    if (options.durability == storage::Durability::kPageCache) {
      readable_end_ = end_.load();
    }
    Notify();
    return {.base_offset = base, .next_offset = end_.load()};
  }
  absl::Status health() const override { return failure; }
  storage::ReadOutcome TryRead(const storage::ReadRequest&, storage::ReadCursor*) override { return {}; }
  storage::ReadOutcome Read(const storage::ReadRequest&, storage::ReadCursor*) override { return {}; }
  Offset start() const override { return start_; }
  Offset end() const override { return end_; }
  Offset durable_end() const override { return readable_end_; }
  Offset readable_end() const override {
    return moves_when_looked_at ? Offset(looks_++) : readable_end_.load();
  }
  void SetListener(absl::AnyInvocable<void()> listener) override { listener_ = std::move(listener); }
  void RequestSync() override {}
  absl::StatusOr<std::optional<storage::OffsetAndTimestamp>> FindTimestamp(int64_t, Offset) override {
    return std::nullopt;
  }
  absl::StatusOr<std::optional<storage::OffsetAndTimestamp>> FindMaxTimestamp(Offset) override {
    return std::nullopt;
  }
  LeaderEpoch latest_epoch() const override { return LeaderEpoch(0); }
  std::optional<storage::EpochEnd> FindEpochEnd(LeaderEpoch) const override { return std::nullopt; }
  LeaderEpoch EpochOf(Offset) const override { return LeaderEpoch(0); }
  absl::Status AdvanceStart(Offset start) override {
    start_ = start;
    Notify();
    return absl::OkStatus();
  }
  void SetOptions(const storage::LogOptions& changed) override {
    options = changed;
    options_set_unheard |= listener_ == nullptr;
  }
  uint64_t size_bytes() const override { return 0; }
  size_t segment_count() const override { return 1; }
  const storage::LogId& id() const override { return name_.id; }
  const std::string& directory() const override { return directory_; }

  // The disk has everything before `end`.
  void MoveReadableEnd(Offset end) {
    MoveReadableEndUntold(end);
    Notify();
  }
  // As between the move and the listener's turn.
  void MoveReadableEndUntold(Offset end) {
    end_ = std::max(end_.load(), end);
    readable_end_ = end;
  }
  void Notify() {
    if (listener_) {
      listener_();
    }
  }

  const storage::LogName& name() const { return name_; }

 private:
  storage::LogName name_;
  std::string directory_;
  absl::AnyInvocable<void()> listener_;
  std::atomic<Offset> start_ = Offset(0);
  std::atomic<Offset> end_ = Offset(0);
  std::atomic<Offset> readable_end_ = Offset(0);
  mutable int64_t looks_ = 0;

 public:
  bool moves_when_looked_at = false;  // Producers so fast that readable_end() never says the same twice.
  storage::LogOptions options;
  bool options_set_unheard = false;  // SetOptions came before SetListener.
  storage::AppendContext last_context;
  bool would_block = false;
  absl::Status failure;  // Call Notify() after setting it.
};

// Keeps its logs while a test opens one catalog after the other on it.
class FakeLogDir final : public storage::LogDir {
 public:
  // What a change asks before it is made: an error, and nothing happens.
  using Gate = absl::AnyInvocable<absl::Status()>;
  explicit FakeLogDir(Gate gate = nullptr) : gate_(std::move(gate)) {}

  std::vector<FoundLog> logs() const override {
    std::vector<FoundLog> found;
    for (const auto& [id, log] : logs_) {
      found.push_back({.name = log->name(), .log = log.get()});
    }
    return found;
  }
  storage::Log* Find(const storage::LogId& id) const override { return Fake(id).get(); }
  std::shared_ptr<storage::Log> Share(const storage::LogId& id) const override { return Fake(id); }
  absl::StatusOr<std::shared_ptr<storage::Log>> Create(const storage::LogName& name,
                                                       const storage::LogOptions& options) override {
    RETURN_IF_ERROR(Ask());
    auto log = std::make_shared<FakeLog>(name, options);
    logs_[name.id] = log;
    return log;
  }
  absl::Status Delete(const storage::LogId& id) override {
    RETURN_IF_ERROR(Ask());
    logs_.erase(id);
    return absl::OkStatus();
  }
  void Tick() override {}
  size_t CompactDue() override { return 0; }
  absl::Status health() const override { return failure; }
  const std::string& path() const override { return path_; }
  absl::Status Close() override { return absl::OkStatus(); }
  Stats stats() const override { return {}; }
  const Uuid& cluster_id() const override { return id_; }
  const Uuid& directory_id() const override { return id_; }

  std::shared_ptr<FakeLog> Fake(const storage::LogId& id) const {
    const auto found = logs_.find(id);
    return found == logs_.end() ? nullptr : found->second;
  }
  void Lose(const storage::LogId& id) { logs_.erase(id); }
  size_t size() const { return logs_.size(); }

 private:
  absl::Status Ask() { return gate_ == nullptr ? absl::OkStatus() : gate_(); }

  Gate gate_;
  std::string path_ = "/fake";
  Uuid id_;
  std::map<storage::LogId, std::shared_ptr<FakeLog>> logs_;

 public:
  absl::Status failure;
};

}  // namespace sluice::broker
