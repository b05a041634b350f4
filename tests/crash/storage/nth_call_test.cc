// The Nth call of each kind fails, for N = 1 to 50, once and from then on, as SQLite tests it: whatever the
// disk refuses, nothing acknowledged is lost, nothing is acknowledged after a sync that failed, nobody
// crashes, and a healed disk opens again with everything. CALLS says how far N goes.
//
// RocksDB does its own I/O, past the Disk: its faults are not here (damage_test.cc breaks its files).
#include "absl/strings/str_cat.h"
#include "tests/crash/storage/log_model.h"
#include "tests/crash/storage/run_options.h"
#include "tests/support/fault_disk.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

struct FaultyCall {
  const char* name;
  DiskCall call;
  absl::StatusCode code;
};

void PrintTo(const FaultyCall& call, std::ostream* out) {
  *out << call.name;
}

constexpr FaultyCall kCalls[] = {
    {"Sync", DiskCall::kSync, absl::StatusCode::kDataLoss},
    {"SyncDirectory", DiskCall::kSyncDirectory, absl::StatusCode::kDataLoss},
    {"StartWriteback", DiskCall::kStartWriteback, absl::StatusCode::kDataLoss},
    {"Allocate", DiskCall::kAllocate, absl::StatusCode::kResourceExhausted},
    {"Open", DiskCall::kOpen, absl::StatusCode::kResourceExhausted},  // EMFILE, as PosixError has it.
    {"Rename", DiskCall::kRename, absl::StatusCode::kInternal},
    {"Unlink", DiskCall::kUnlink, absl::StatusCode::kInternal},
    {"Truncate", DiskCall::kTruncate, absl::StatusCode::kInternal},
    {"Write", DiskCall::kWrite, absl::StatusCode::kDataLoss},
    {"Read", DiskCall::kRead, absl::StatusCode::kDataLoss},
    {"Map", DiskCall::kMap, absl::StatusCode::kResourceExhausted},
};

std::vector<LogOptions> TwoLogs(AppendMethod method) {
  LogOptions synced;
  synced.append_method = method;
  synced.segment_bytes = 16 << 10;
  synced.index_interval_bytes = 512;
  synced.retention_bytes = 80 << 10;
  synced.retention_ms = -1;
  synced.file_delete_delay_ms = 600;
  LogOptions other = synced;  // Both methods in one dir: half of the dirs begin with each.
  other.append_method = method == AppendMethod::kMmap ? AppendMethod::kPwrite : AppendMethod::kMmap;
  return {synced, other};
}

class NthCallTest : public ::testing::TestWithParam<std::tuple<FaultyCall, bool>> {
 protected:
  static void SetUpTestSuite() { KeepFilesInMemory(); }

  void FailNth(int64_t nth) {
    const auto& [faulty, and_after] = GetParam();
    SCOPED_TRACE(absl::StrCat("call ", nth));
    TempDir temp;
    PosixDisk posix;
    FaultDisk disk(posix);
    LogModel model(disk, temp / "data", TwoLogs(nth % 2 == 0 ? AppendMethod::kMmap : AppendMethod::kPwrite));
    // Some history first, so that opening has something to read.
    Random random(static_cast<uint64_t>(nth));
    ASSERT_EQ(model.Open(), absl::OkStatus());
    model.Work(random, 10);
    model.Crash();

    const absl::Status fault(faulty.code, "injected");
    and_after ? disk.FailAllFrom(faulty.call, nth, fault) : disk.FailNth(faulty.call, nth, fault);
    const int64_t calls_before = disk.calls(faulty.call);
    LiveThroughIt(model, random, nth);
    reached_ += disk.calls(faulty.call) - calls_before >= nth ? 1 : 0;

    disk.Heal(faulty.call);
    ASSERT_EQ(model.Open(), absl::OkStatus());
    model.Verify();
    for (size_t log = 0; log < 2; ++log) {
      EXPECT_TRUE(model.Append(log)) << "no append on a healed disk";
    }
    model.Verify();
    for (const absl::StatusCode code : model.error_codes()) {
      EXPECT_TRUE(code == faulty.code || code == absl::StatusCode::kFailedPrecondition ||
                  code == absl::StatusCode::kUnavailable)
          << "an error of another kind than the disk's: " << absl::StatusCodeToString(code);
    }
  }

  // Opens, works, stops in order, opens again: as far as the disk lets it, and long enough for the Nth call.
  void LiveThroughIt(LogModel& model, Random& random, int64_t nth) {
    for (int life = 0; life < 3; ++life) {
      if (!model.Open().ok()) {
        model.Crash();
        continue;
      }
      model.Work(random, 25 + 3 * static_cast<int>(nth));
      const bool failed = model.failed();
      const absl::Status closed = model.Close();
      EXPECT_FALSE(failed && closed.ok()) << "marked clean after a sync that failed";
    }
  }

  int64_t reached_ = 0;
};

TEST_P(NthCallTest, NothingAcknowledgedIsLost) {
  const int64_t calls = CountFrom("CALLS", 50);
  for (int64_t nth = 1; nth <= calls && !HasFailure(); ++nth) {
    FailNth(nth);
  }
  std::fprintf(stderr, "%lld of %lld calls were reached\n", static_cast<long long>(reached_),
               static_cast<long long>(calls));
  EXPECT_GT(reached_, 0);
}

INSTANTIATE_TEST_SUITE_P(Calls, NthCallTest,
                         ::testing::Combine(::testing::ValuesIn(kCalls), ::testing::Bool()),
                         [](const auto& info) {
                           return absl::StrCat(std::get<0>(info.param).name,
                                               std::get<1>(info.param) ? "FromThenOn" : "Once");
                         });

}  // namespace
}  // namespace sluice::storage
