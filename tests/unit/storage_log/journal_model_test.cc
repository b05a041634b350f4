// Logs that share a journal, and power cuts at any time: whatever was acknowledged is there afterwards, each
// record once, in its place, and nothing that nobody appended.
//
// Random: a seed fails as it failed before, as far as the journal's threads allow. SLUICE_TEST_SEED=n for one
// seed, SLUICE_TEST_ROUNDS=n for longer runs.
#include <cstdlib>

#include "tests/support/log_fixture.h"
#include "tests/support/power_cut_disk.h"

namespace sluice::storage {
namespace {

class JournalModelTest : public ::testing::Test {
 protected:
  // What the test knows of a log.
  struct Model {
    LogName name;
    LogOptions options;
    Log* log = nullptr;
    std::vector<Bytes> batches;  // One record each, from offset 0 on.
    int64_t acknowledged = 0;
    int64_t start = 0;
  };

  JournalModelTest() {
    dir_options_.path = temp_ / "disk/data";
    dir_options_.maintenance_interval_ms = 0;
  }

  void AddLog(int partition, AppendMethod method, Durability durability) {
    LogOptions options;
    options.segment_bytes = 48 << 10;
    options.retention_ms = -1;
    options.file_delete_delay_ms = 0;
    options.append_method = method;
    options.durability = durability;
    Random random(99);
    const Uuid topic = Uuid::Generate(random);
    logs_.push_back({.name = {"orders", {topic, PartitionId(partition)}}, .options = options});
  }

  absl::Status TryOpen() {
    absl::StatusOr<std::unique_ptr<LogDir>> opened =
        LogDir::Open(dir_options_, Uuid(),
                     {.disk = disk_, .clock = clock_, .pool = pool_, .on_fatal = [](absl::Status) {}});
    if (!opened.ok()) {
      return opened.status();
    }
    dir_ = *std::move(opened);
    if (const std::vector<LogDir::DamagedLog> damaged = dir_->damaged(); !damaged.empty()) {
      return damaged[0].status;
    }
    for (Model& model : logs_) {
      model.log = dir_->Find(model.name.id);
      if (model.log == nullptr) {
        EXPECT_EQ(model.acknowledged, 0) << "a log is gone";
        const auto created = dir_->Create(model.name, model.options);
        EXPECT_TRUE(created.ok()) << created.status();
        model.log = created->get();
      }
      model.log->SetOptions(model.options);
    }
    return absl::OkStatus();
  }

  void AppendSome(Random& random) {
    Model& model = logs_[random.Below(logs_.size())];
    const uint64_t kind = random.Below(20);
    const uint64_t count = kind == 0 ? 60 : 1 + random.Below(8);  // At times more than the journal takes.
    for (uint64_t i = 0; i < count; ++i) {
      const Bytes batch = MakeBatch({.value_size = kind < 3 ? 8000 : 1 + random.Below(600),
                                     .fill = static_cast<uint8_t>(random.Below(256))});
      const AppendOutcome outcome = model.log->Append(record::BatchView(batch), {.now_ms = clock_.NowMs()});
      ASSERT_EQ(outcome.code, AppendCode::kOk) << outcome.status;
      ASSERT_EQ(outcome.base_offset.value(), static_cast<int64_t>(model.batches.size()));
      model.batches.push_back(batch);
    }
  }

  void AwaitAcknowledged(Model& model) {
    const Offset wanted(static_cast<int64_t>(model.batches.size()));
    model.log->RequestSync();
    while (model.log->durable_end() < wanted) {
      std::this_thread::yield();
    }
  }

  void DoSomething(Random& random) {
    const uint64_t action = random.Below(100);
    Model& model = logs_[random.Below(logs_.size())];
    if (action < 12) {
      AwaitAcknowledged(model);
    } else if (action < 15) {
      AwaitAcknowledged(model);
      const auto start = static_cast<int64_t>(random.Below(model.batches.size() + 1));
      ASSERT_EQ(model.log->AdvanceStart(Offset(start)), absl::OkStatus());
      model.start = std::max(model.start, start);
    } else if (action < 17) {
      model.options.durability =
          model.options.durability == Durability::kSynced ? Durability::kPageCache : Durability::kSynced;
      model.log->SetOptions(model.options);
    } else if (action < 20) {
      dir_->Tick();
    } else {
      AppendSome(random);
    }
  }

  // What it says is durable is acknowledged, as far as the log acknowledges what is durable only.
  void NoteAcknowledged() {
    for (Model& model : logs_) {
      model.acknowledged = std::max(model.acknowledged, model.log->durable_end().value());
    }
  }

  void Check() {
    for (Model& model : logs_) {
      SCOPED_TRACE(absl::StrCat("partition ", model.name.id.partition.value()));
      const int64_t end = model.log->end().value();
      ASSERT_GE(end, model.acknowledged);
      ASSERT_LE(end, static_cast<int64_t>(model.batches.size()));
      ASSERT_EQ(model.log->durable_end().value(), end);
      ASSERT_GE(model.log->start().value(), model.start);
      model.batches.resize(static_cast<size_t>(end));
      model.start = model.log->start().value();
      model.acknowledged = end;
      ASSERT_NO_FATAL_FAILURE(CheckContent(model));
    }
  }
  static void CheckContent(Model& model) {
    int64_t next = model.log->start().value();
    ReadCursor cursor;
    while (next < static_cast<int64_t>(model.batches.size())) {
      const ReadOutcome read = model.log->Read({.offset = Offset(next),
                                                .limit = model.log->end(),
                                                .max_bytes = 1 << 20,
                                                .at_least_one_batch = true},
                                               &cursor);
      ASSERT_EQ(read.code, ReadCode::kOk) << read.status;
      for (const Bytes& batch : Split(ReadRange(read.range))) {
        const record::BatchView found(batch);
        ASSERT_EQ(found.base_offset().value(), next);
        ASSERT_EQ(AsText(found.bytes().subspan(record::kCrcAt)),
                  AsText(ByteView(model.batches[static_cast<size_t>(next)]).subspan(record::kCrcAt)));
        ++next;
      }
    }
  }

  // Without a journal, a synced log whose unacknowledged tail has a hole is refused: there must be none.
  void PowerCut(Random& random) {
    for (Model& model : logs_) {
      if (!dir_options_.journal.enabled) {
        AwaitAcknowledged(model);
      }
    }
    NoteAcknowledged();
    disk_.Cut(random.Below(4) == 0 ? PowerCutDisk::Keeps::kWhatWasSynced : PowerCutDisk::Keeps::kAnything,
              random.Next());
    dir_.reset();
    disk_.Restore();
  }
  void Crash() {
    NoteAcknowledged();
    dir_.reset();
  }
  void Stop() {
    NoteAcknowledged();
    ASSERT_EQ(dir_->Close(), absl::OkStatus());
    dir_.reset();
  }

  // Settings that a start may find changed.
  void Reconfigure(Random& random) {
    dir_options_.journal.bytes = random.Below(2) == 0 ? 2 << 20 : 3 << 20;
    dir_options_.journal.direct_bytes = 64 << 10;
    dir_options_.journal.flush_slice = 1;
    dir_options_.journal.enabled = random.Below(6) != 0;
    dir_options_.journal.directory = random.Below(5) == 0 ? elsewhere_ : "";
    dir_options_.checkpoint_interval_bytes = random.Below(2) == 0 ? 100'000 : 64 << 20;
  }

  void RunSeed(uint64_t seed, int rounds) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Random random(seed);
    const char* ended = "";
    for (int round = 0; round < rounds; ++round) {
      if (random.Below(3) == 0) {
        Reconfigure(random);
      }
      SCOPED_TRACE(absl::StrCat("round ", round, dir_options_.journal.enabled ? "" : ", no journal", ended));
      const absl::Status opened = TryOpen();
      ASSERT_TRUE(opened.ok()) << opened;
      ASSERT_NO_FATAL_FAILURE(Check());
      for (uint64_t step = random.Below(60); step > 0; --step) {
        ASSERT_NO_FATAL_FAILURE(DoSomething(random));
      }
      const uint64_t end = random.Below(10);
      ended = end == 0 ? ", after a stop" : end < 3 ? ", after a crash" : ", after a power cut";
      if (end == 0) {
        ASSERT_NO_FATAL_FAILURE(Stop());
      } else if (end < 3) {
        Crash();
      } else {
        PowerCut(random);
      }
    }
  }

  TempDir temp_;
  PosixDisk posix_;
  PowerCutDisk disk_{posix_, temp_ / "disk"};
  const std::string elsewhere_ = temp_ / "disk/device/journals";
  ManualClock clock_;
  InlineExecutor pool_;
  LogDirOptions dir_options_;
  std::vector<Model> logs_;
  std::unique_ptr<LogDir> dir_;
};

int FromEnvironment(const char* name, int fallback) {
  const char* const text = std::getenv(name);
  return text == nullptr ? fallback : std::atoi(text);
}

TEST_F(JournalModelTest, WhatWasAcknowledgedOutlivesPowerCutsAndCrashes) {
  AddLog(0, AppendMethod::kMmap, Durability::kSynced);
  AddLog(1, AppendMethod::kPwrite, Durability::kSynced);
  AddLog(2, AppendMethod::kMmap, Durability::kSynced);
  AddLog(3, AppendMethod::kMmap, Durability::kPageCache);
  RunSeed(static_cast<uint64_t>(FromEnvironment("SLUICE_TEST_SEED", 1)),
          FromEnvironment("SLUICE_TEST_ROUNDS", 60));
}

}  // namespace
}  // namespace sluice::storage
