// Power cuts at every kind of call, on a disk that forgets what was not synced: some dozens a second, with
// torn sectors, lost names and an index that is newer, older or gone. Among them syncs that fail, and kills,
// after which the next start finds more than the disk holds. SIM_CUTS says how many.
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/log/damage.h"
#include "tests/crash/storage/log_model.h"
#include "tests/crash/storage/run_options.h"
#include "tests/support/temp_dir.h"
#include "tests/support/volatile_disk.h"

namespace sluice::storage {
namespace {

constexpr int kGenerations = 6;  // Cuts of one log dir.
constexpr uint64_t kChangesMax = 150;
constexpr uint64_t kLong = 12;  // So many times longer are lives in which the journal goes round.

std::vector<LogOptions> TwoLogs(AppendMethod method) {
  LogOptions synced;
  synced.append_method = method;
  synced.segment_bytes = 16 << 10;
  synced.index_interval_bytes = 512;
  synced.retention_bytes = 100 << 10;
  synced.retention_ms = -1;
  synced.file_delete_delay_ms = 600;
  LogOptions page_cache = synced;
  page_cache.durability = Durability::kPageCache;
  return {synced, page_cache};
}

class PowerCutLogTest : public ::testing::TestWithParam<AppendMethod> {
 protected:
  static void SetUpTestSuite() { KeepFilesInMemory(); }

  void CutRepeatedly(uint64_t seed, bool pipelined) {
    SCOPED_TRACE(absl::StrCat("SEED=", seed, " SIM_CUTS=1"));
    TempDir temp;
    const std::string path = temp / "data";
    std::filesystem::create_directory(path);
    VolatileDisk disk(path);
    Random random(seed);
    LogModel model(disk, path, TwoLogs(GetParam()));
    model.set_pipelined(pipelined);
    // A sync of each segment, without a journal, takes a hole among unacknowledged batches for damage: one
    // batch at a time leaves none.
    model.dir_options().journal.enabled = pipelined || seed % 3 != 0;
    bool index_lost = false;
    for (int generation = 0; generation < kGenerations; ++generation) {
      SCOPED_TRACE(absl::StrCat("cut ", generation));
      if (random.Below(4) == 0) {  // Also while it recovers.
        disk.CutPowerAt(1 + static_cast<int64_t>(random.Below(20)));
      }
      const absl::Status opened = model.Open();
      if (MayRefuse(opened, index_lost, model)) {
        ++refused_;
        return;
      }
      if (!opened.ok()) {
        ASSERT_TRUE(disk.power_is_off()) << opened;
      } else {
        Run(disk, model, random);
      }
      if (HasFailure()) {
        return;
      }
      if (IsOnlyKilled(disk, random)) {
        disk.KeepPower();
        model.Crash();
        continue;
      }
      disk.CutPower();
      model.Crash();
      if (LoseIndex(path, temp / "index-before", random)) {
        index_lost = true;
        model.ForgetStarts();
      }
      disk.ComeBack(random, {.kept = static_cast<double>(random.Below(5)) / 4,
                             .piece = random.Below(2) == 0 ? 512u : 4096u});
      ++cuts_;
    }
    const absl::Status opened = model.Open();
    if (MayRefuse(opened, index_lost, model)) {
      ++refused_;
      return;
    }
    ASSERT_EQ(opened, absl::OkStatus());
    model.Verify();
    EXPECT_TRUE(model.Append(0));
    acked_ += model.acked_batches();
  }

  // A log that promised nothing may have holes anywhere behind its last checkpoint, and without the index
  // nobody knows where that was: damage and a hole look alike then. So they do in a synced log of which the
  // journal holds nothing yet, but only behind what was acknowledged. The refusal loses nothing.
  static bool MayRefuse(const absl::Status& opened, bool index_lost, const LogModel& model) {
    if (!index_lost || !absl::IsDataLoss(opened)) {
      return false;
    }
    const std::optional<Damage> damage = DamageOf(opened);
    return absl::StrContains(opened.message(), "/log1-0/") ||
           (damage && damage->offset.value() >= model.acked_end(0));
  }

  // Not after a failed sync: what is in memory then is not what will be on the disk, and nobody can tell.
  static bool IsOnlyKilled(const VolatileDisk& disk, Random& random) {
    return random.Below(2) == 0 && !disk.power_is_off() && !disk.a_sync_failed();
  }

  void Run(VolatileDisk& disk, LogModel& model, Random& random) {
    const uint64_t times = random.Below(16) == 0 ? kLong : 1;
    if (!disk.power_is_off()) {
      model.Verify();
      disk.CutPowerAt(1 + static_cast<int64_t>(random.Below(kChangesMax * times)));
      disk.FailSyncAt(static_cast<int64_t>(random.Below(8) == 0 ? 1 + random.Below(50) : 0));
    }
    model.Work(random, 60 * static_cast<int>(times), [&disk] { return disk.power_is_off(); });
    disk.FailSyncAt(0);
    if (!disk.power_is_off() && random.Below(3) == 0) {
      model.Close().IgnoreError();
    }
  }

  // RocksDB syncs nothing of it by itself: after a cut it may be as it was, older, or of no use. True when
  // not as it was.
  static bool LoseIndex(const std::string& path, const std::string& saved, Random& random) {
    const std::string index = path + "/index";
    const uint64_t dice = random.Below(6);
    if (dice == 2 && std::filesystem::exists(index)) {
      std::filesystem::remove_all(saved);
      std::filesystem::copy(index, saved, std::filesystem::copy_options::recursive);
    }
    if (dice > 1 || (dice == 1 && !std::filesystem::exists(saved))) {
      return false;
    }
    std::filesystem::remove_all(index);
    if (dice == 1) {
      std::filesystem::copy(saved, index, std::filesystem::copy_options::recursive);
    }
    return true;
  }

  void CutManyTimes(bool pipelined) {
    const uint64_t seed = SeedOfRun();
    const int64_t wanted = std::max<int64_t>(1, CountFrom("SIM_CUTS", 2000) / 4);
    const absl::Time began = absl::Now();
    for (uint64_t run = 0; cuts_ < wanted && !HasFailure(); ++run) {
      CutRepeatedly(seed + run, pipelined);
    }
    std::fprintf(stderr, "%d power cuts, %zu batches acknowledged, %d refusals without the index, %.1f s\n",
                 cuts_, acked_, refused_, absl::ToDoubleSeconds(absl::Now() - began));
  }

  int cuts_ = 0;
  int refused_ = 0;
  size_t acked_ = 0;
};

TEST_P(PowerCutLogTest, WhatWasAcknowledgedOneByOneIsThereAfterEveryCut) {
  CutManyTimes(/*pipelined=*/false);
}

// Several batches on their way to the disk at once: any of them may be whole behind one that is not.
TEST_P(PowerCutLogTest, WhatWasAcknowledgedInGroupsIsThereAfterEveryCut) {
  CutManyTimes(/*pipelined=*/true);
}

INSTANTIATE_TEST_SUITE_P(Methods, PowerCutLogTest,
                         ::testing::Values(AppendMethod::kMmap, AppendMethod::kPwrite), [](const auto& info) {
                           return info.param == AppendMethod::kMmap ? "Mmap" : "Pwrite";
                         });

}  // namespace
}  // namespace sluice::storage
