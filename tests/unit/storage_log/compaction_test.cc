// Compaction of a whole log: what stays, where it stands, and that everything else still finds it.
#include <atomic>
#include <thread>

#include "compaction_fixture.h"
#include "proto/record/batch_patch.h"

namespace sluice::storage {
namespace {

using ::testing::HasSubstr;

class CompactionTest : public CompactionFixture {
 protected:
  // Why the log is not served.
  absl::Status OpenDamaged() {
    const absl::Status opened = TryOpen();
    const std::vector<LogDir::DamagedLog> damaged =
        opened.ok() ? dir_->damaged() : std::vector<LogDir::DamagedLog>();
    return damaged.empty() ? opened : damaged[0].status;
  }
};

TEST_F(CompactionTest, TheNewestRecordOfEachKeyStaysAtItsOffset) {
  OpenNew();
  PutRound(2000, 37);
  const uint64_t before = log_->size_bytes();
  Seal();
  EXPECT_EQ(dir_->CompactDue(), 1u);
  ExpectCompacted(2000);
  EXPECT_EQ(Consume(0).size(), 37u);
  EXPECT_LT(log_->size_bytes(), before / 10);
  EXPECT_EQ(dir_->CompactDue(), 0u) << "nothing is dirty any more";
  const CleanerStats stats = dir_->stats().cleaner;
  EXPECT_EQ(stats.runs, 1u);
  EXPECT_EQ(stats.records_removed, 2000u - 37);
  EXPECT_EQ(stats.failures, 0u);
}

TEST_F(CompactionTest, SmallNeighboursBecomeOneSegment) {
  OpenNew();
  PutRound(2000, 37);
  Seal();
  ASSERT_EQ(dir_->CompactDue(), 1u);
  PutRound(10, 37);
  Seal();
  ASSERT_EQ(dir_->CompactDue(), 1u);
  EXPECT_EQ(log_->segment_count(), 2u) << "theirs, and the active one";
  ExpectCompacted(2010);
  CloseAndReopen();
  ExpectCompacted(2010);
}

TEST_F(CompactionTest, TheActiveSegmentIsLeftAlone) {
  OpenNew();
  PutRound(20, 2);
  dir_->Tick();
  EXPECT_EQ(dir_->CompactDue(), 0u);
  EXPECT_EQ(Consume(0).size(), 20u);
}

TEST_F(CompactionTest, ALogThatIsNotCompactedIsLeftAlone) {
  options_.cleanup_compact = false;
  options_.cleanup_delete = true;
  OpenNew();
  PutRound(1000, 3);
  Seal();
  EXPECT_EQ(dir_->CompactDue(), 0u);
  options_.cleanup_compact = true;
  log_->SetOptions(options_);
  EXPECT_EQ(dir_->CompactDue(), 1u) << "the policy changes live";
  EXPECT_EQ(Consume(0).size(), 3u);
}

TEST_F(CompactionTest, WaitsForTheDirtyRatioOrTheOldestRecordsAge) {
  options_.min_cleanable_dirty_ratio = 0.5;
  OpenNew();
  for (int i = 0; i < 300; ++i) {
    PutKeyed({{absl::StrCat("only", i), std::string(300, 'x')}});
  }
  Seal();
  EXPECT_EQ(dir_->CompactDue(), 1u);
  PutRound(100, 3);
  Seal();
  EXPECT_EQ(dir_->CompactDue(), 0u) << "a ninth of it is dirty";
  options_.max_compaction_lag_ms = 60'000;
  log_->SetOptions(options_);
  EXPECT_EQ(dir_->CompactDue(), 0u);
  clock_.Advance(absl::Milliseconds(60'100));
  EXPECT_EQ(dir_->CompactDue(), 1u);
  EXPECT_EQ(Consume(0).size(), 303u);
}

TEST_F(CompactionTest, TheLargestLagRollsTheActiveSegment) {
  options_.max_compaction_lag_ms = 60'000;
  OpenNew();
  PutRound(10, 2);
  clock_.Advance(absl::Milliseconds(60'100));
  dir_->Tick();
  EXPECT_EQ(dir_->CompactDue(), 1u);
  EXPECT_EQ(Consume(0).size(), 2u);
}

TEST_F(CompactionTest, RecordsYoungerThanTheSmallestLagStay) {
  options_.min_compaction_lag_ms = 60'000;
  OpenNew();
  PutRound(200, 2);
  Seal();
  EXPECT_EQ(dir_->CompactDue(), 0u);
  clock_.Advance(absl::Milliseconds(61'000));
  EXPECT_EQ(dir_->CompactDue(), 1u);
}

TEST_F(CompactionTest, ATombstoneGoesAfterItsTimeAndDeletesItsKey) {
  options_.delete_retention_ms = 1000;
  OpenNew();
  PutKeyed({{"a", "1"}, {"b", "1"}, {"c", "1"}});
  PutKeyed({{"b", std::nullopt}});
  Seal();
  EXPECT_EQ(dir_->CompactDue(), 1u);
  std::map<int64_t, KeyedRecord> seen = Consume(0);
  ExpectSound(seen);
  EXPECT_TRUE(seen.contains(3)) << "the tombstone stays for consumers that are behind";
  EXPECT_FALSE(seen.contains(1));

  clock_.Advance(absl::Milliseconds(1001));
  PutKeyed({{"d", "1"}});
  Seal();
  EXPECT_EQ(dir_->CompactDue(), 1u);
  seen = Consume(0);
  ExpectSound(seen);
  EXPECT_FALSE(seen.contains(3));
  EXPECT_EQ(seen.size(), 3u);
}

TEST_F(CompactionTest, OldRecordsWithoutAKeyAreDropped) {
  OpenNew();
  PutKeyed({{std::nullopt, "none"}, {"a", "1"}});
  Seal();
  EXPECT_EQ(dir_->CompactDue(), 1u);
  EXPECT_EQ(Consume(0).size(), 1u);
}

TEST_F(CompactionTest, ASmallMapTakesSeveralPassesAndEndsTheSame) {
  dir_options_.cleaner.map_bytes = 256 * 16 * 24;  // 13 keys or so a shard.
  OpenNew();
  for (int i = 0; i < 12'000; ++i) {
    PutKeyed({{absl::StrCat("key", (i * 31) % 6000), absl::StrCat("value", i)}});
  }
  Seal();
  EXPECT_EQ(dir_->CompactDue(), 1u);
  ExpectCompacted(12'000);
  EXPECT_EQ(Consume(0).size(), 6000u);
  EXPECT_EQ(dir_->CompactDue(), 0u);
}

TEST_F(CompactionTest, KeysThatFitNoMapAreAnErrorInWords) {
  dir_options_.cleaner.map_bytes = 24;
  OpenNew();
  PutRound(10, 5);
  Seal();
  EXPECT_EQ(dir_->CompactDue(), 1u);
  EXPECT_EQ(dir_->stats().cleaner.failures, 1u);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_THAT(warnings_[0], HasSubstr("log.cleaner.dedupe.buffer.size"));
  EXPECT_EQ(Consume(0).size(), 10u);
}

TEST_F(CompactionTest, ADamagedBatchIsFoundAndTheLogLeftAlone) {
  OpenNew();
  PutRound(300, 5);
  Seal();
  const std::string second = SegmentFiles()[1];
  FlipBit(second, record::kHeaderSize + 10);
  EXPECT_EQ(dir_->CompactDue(), 1u);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_THAT(warnings_[0], HasSubstr(second));
  EXPECT_THAT(warnings_[0], HasSubstr("byte 0"));
  EXPECT_EQ(dir_->stats().cleaner.logs_left_alone, 1u);
  EXPECT_EQ(dir_->CompactDue(), 0u);
  EXPECT_TRUE(fatal_.empty());
}

TEST_F(CompactionTest, CompactAloneKeepsWhatRetentionWouldTake) {
  options_.retention_ms = 1000;
  options_.retention_bytes = 0;
  OpenNew();
  PutRound(500, 5);
  Seal();
  clock_.Advance(absl::Seconds(10));
  dir_->Tick();
  EXPECT_EQ(log_->start(), Offset(0));
  options_.cleanup_delete = true;
  log_->SetOptions(options_);
  dir_->Tick();
  EXPECT_GT(log_->start(), Offset(0)) << "compact,delete does both";
}

TEST_F(CompactionTest, TheLogStartHoldsAndDroppedSegmentsStayAway) {
  OpenNew();
  PutRound(1000, 10);
  Seal();
  ASSERT_EQ(log_->AdvanceStart(Offset(995)), absl::OkStatus());
  EXPECT_EQ(dir_->CompactDue(), 1u);
  EXPECT_EQ(log_->start(), Offset(995));
  EXPECT_EQ(ReadAt(990).code, ReadCode::kOffsetOutOfRange);
  EXPECT_EQ(Consume(995).size(), 5u);
  CloseAndReopen();
  EXPECT_EQ(log_->start(), Offset(995));
  EXPECT_EQ(Consume(995).size(), 5u);
}

TEST_F(CompactionTest, AReadInsideAGapGoesOnAtTheNextBatch) {
  OpenNew();
  PutRound(1000, 10);
  Seal();
  ASSERT_EQ(dir_->CompactDue(), 1u);
  for (const int64_t from : {0, 1, 500, 989, 990, 995, 999}) {
    for (const uint64_t max_bytes : {uint64_t{1}, uint64_t{300}, uint64_t{1} << 20}) {
      const std::map<int64_t, KeyedRecord> seen = Consume(from, max_bytes);
      EXPECT_EQ(seen.size(), static_cast<size_t>(from < 990 ? 10 : 1000 - from)) << from << " " << max_bytes;
      EXPECT_EQ(Consume(from, max_bytes, false), seen);
    }
  }
}

TEST_F(CompactionTest, ACursorFromBeforeIsNotUsedInTheNewFile) {
  OpenNew();
  PutRound(20, 10);
  Seal();
  ReadCursor cursor;
  const ReadOutcome first = ReadAt(0, 700, &cursor);  // Where a batch begins in the new file too.
  ASSERT_EQ(first.code, ReadCode::kOk);
  const std::string before = ReadRange(first.range);
  ASSERT_EQ(dir_->CompactDue(), 1u);
  EXPECT_EQ(ReadRange(first.range), before) << "a range handed out stays what it was";
  const int64_t next = cursor.next_offset.value();
  const ReadOutcome second = ReadAt(next, 1 << 20, &cursor);
  ASSERT_EQ(second.code, ReadCode::kOk) << second.status;
  const std::vector<Bytes> batches = Split(ReadRange(second.range));
  ASSERT_FALSE(batches.empty());
  EXPECT_EQ(batches, Split(ReadRange(ReadAt(next).range))) << "not what is found without the cursor";
  EXPECT_EQ(Consume(0).size(), 10u);
}

TEST_F(CompactionTest, TimestampsAreFoundAfterwards) {
  OpenNew();
  for (int i = 0; i < 600; ++i) {
    clock_.Advance(absl::Milliseconds(10));
    PutKeyed({{absl::StrCat("key", i % 50), std::string(100, 'x')}});
  }
  const int64_t last_ms = clock_.NowMs();
  Seal();
  ASSERT_EQ(dir_->CompactDue(), 1u);
  for (const bool lose_index : {false, true}) {
    auto found = log_->FindMaxTimestamp(log_->end());
    ASSERT_TRUE(found.ok() && *found) << found.status();
    EXPECT_EQ((*found)->offset, Offset(599));
    EXPECT_EQ((*found)->timestamp_ms, last_ms);
    found = log_->FindTimestamp(last_ms - 5990, log_->end());
    ASSERT_TRUE(found.ok() && *found) << found.status();
    EXPECT_EQ((*found)->offset, Offset(550)) << "the first that is left";
    found = log_->FindTimestamp(last_ms - 200, log_->end());
    ASSERT_TRUE(found.ok() && *found) << found.status();
    EXPECT_EQ((*found)->offset, Offset(579));
    ASSERT_EQ(dir_->Close(), absl::OkStatus());
    Crash();
    if (lose_index) {
      RemoveIndex();
    }
    Open();
  }
}

TEST_F(CompactionTest, AnIdempotentProducerGoesOnAfterCompactionAndRestart) {
  for (const bool lose_index : {false, true}) {
    dir_options_.path = temp_ / absl::StrCat("producer", lose_index);
    all_.clear();
    OpenNew();
    const auto options = [](int32_t sequence) {
      return record::BatchOptions{
          .producer_id = ProducerId(77), .producer_epoch = ProducerEpoch(3), .base_sequence = sequence};
    };
    for (int i = 0; i < 10; ++i) {
      PutKeyed({{"a", "x"}, {"b", "y"}}, options(2 * i));
    }
    PutRound(500, 4);
    PutKeyed({{"a", "z"}, {"b", "z"}});
    Seal();
    ASSERT_EQ(dir_->CompactDue(), 1u);
    const Offset end = log_->end();
    ASSERT_EQ(dir_->Close(), absl::OkStatus());
    Crash();
    if (lose_index) {
      RemoveIndex();
    }
    Open();
    ASSERT_EQ(log_->end(), end);
    record::BatchBuilder retry(options(18));
    for (const char* key : {"a", "b"}) {
      ASSERT_EQ(retry.Append(clock_.NowMs(), AsBytes(key), AsBytes("again")), absl::OkStatus());
    }
    const AppendOutcome duplicate = AppendBytes(ToBytes(*retry.Build()));
    EXPECT_EQ(duplicate.code, AppendCode::kDuplicate) << "its last batch is remembered, emptied";
    EXPECT_EQ(duplicate.base_offset, Offset(18));
    retry.SetProducer(ProducerId(77), ProducerEpoch(3), 22, false);
    EXPECT_EQ(AppendBytes(ToBytes(*retry.Build())).code, AppendCode::kOutOfOrderSequence);
    PutKeyed({{"a", "next"}}, options(20));
    Crash();
  }
}

TEST_F(CompactionTest, AStoppedLogEndsItsCompaction) {
  OpenNew();
  PutRound(1000, 10);
  Seal();
  ASSERT_EQ(dir_->Delete(id_), absl::OkStatus());
  log_ = nullptr;
  EXPECT_EQ(dir_->CompactDue(), 0u);
}

TEST_F(CompactionTest, TheScrubberFindsNothingWrong) {
  dir_options_.scrub_interval_ms = 1;
  OpenNew();
  PutRound(1000, 10);
  Seal();
  ASSERT_EQ(dir_->CompactDue(), 1u);
  for (int i = 0; i < 200; ++i) {
    clock_.Advance(absl::Seconds(1));
    dir_->Tick();
  }
  EXPECT_GT(dir_->stats().scrub.bytes, 0u);
  EXPECT_TRUE(damages_.empty()) << damages_[0];
}

TEST_F(CompactionTest, FilesAreLeftAsTheyShouldBe) {
  options_.file_delete_delay_ms = 5000;
  OpenNew();
  PutRound(1000, 10);
  Seal();
  ASSERT_EQ(dir_->CompactDue(), 1u);
  const auto with = [this](absl::string_view suffix) {
    int count = 0;
    const std::vector<std::string> names = *posix_.List(LogPath());
    for (const std::string& name : names) {
      count += name.ends_with(std::string(suffix)) ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(with(".cleaned"), 0);
  EXPECT_EQ(with(".swap"), 0);
  EXPECT_EQ(with(".deleted"), 0) << "each took the name of the one before";
  PutRound(10, 10);
  Seal();
  ASSERT_EQ(dir_->CompactDue(), 1u);
  EXPECT_GT(with(".deleted"), 3) << "those that were merged";
  clock_.Advance(absl::Seconds(6));
  dir_->Tick();
  EXPECT_EQ(with(".deleted"), 0);
  EXPECT_EQ(SegmentFiles().size(), 2u);
}

// Readers that never stop, while segments are replaced under them.
TEST_F(CompactionTest, LiveReadersSeeConsistentBytesWhileSegmentsAreReplaced) {
  OpenNew();
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0};
  PutRound(300, 20);
  const auto read = [&](bool with_cursor) {
    while (!stop) {
      int64_t next = 0;
      ReadCursor cursor;
      const Offset end = log_->readable_end();
      while (Offset(next) < end) {
        const ReadOutcome outcome = ReadAt(next, 3000, with_cursor ? &cursor : nullptr);
        ASSERT_EQ(outcome.code, ReadCode::kOk) << outcome.status;
        // Empty when, since its limit was taken, all up to there was replaced by what lies behind it: the
        // next read has a later limit.
        for (const Bytes& batch : Split(ReadRange(outcome.range))) {
          ASSERT_GT(record::BatchView(batch).next_offset().value(), next);
          next = record::BatchView(batch).next_offset().value();
        }
      }
      const auto found = log_->FindMaxTimestamp(end);
      ASSERT_TRUE(found.ok()) << found.status();
      ++rounds;
    }
  };
  std::thread with_cursor(read, true);
  std::thread without(read, false);
  for (int i = 0; i < 25; ++i) {
    PutRound(300, 20);
    Seal();
    EXPECT_EQ(dir_->CompactDue(), 1u);
    dir_->Tick();
  }
  stop = true;
  with_cursor.join();
  without.join();
  EXPECT_GT(rounds, 0);
  ExpectCompacted(log_->end().value());
}

// Compaction at random moments, restarts with and without the index in between.
TEST_F(CompactionTest, AnyHistoryLeavesTheNewestOfEachKey) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Random random(seed);
    dir_options_.path = temp_ / absl::StrCat("history", seed);
    dir_options_.cleaner.map_bytes = random.Below(2) == 0 ? 1 << 20 : 256 * 16 * 24;
    options_.delete_retention_ms = static_cast<int64_t>(random.Below(3) * 2000);
    options_.segment_bytes = 4096 << random.Below(4);
    options_.min_cleanable_dirty_ratio = static_cast<double>(random.Below(2)) * 0.3;
    options_.append_method = random.Below(2) == 0 ? AppendMethod::kMmap : AppendMethod::kPwrite;
    options_.durability = random.Below(2) == 0 ? Durability::kSynced : Durability::kPageCache;
    all_.clear();
    OpenNew();
    for (int step = 0; step < 50; ++step) {
      const uint64_t what = random.Below(12);
      if (what < 7) {
        for (uint64_t i = random.Below(60); i > 0; --i) {
          std::vector<KeyedRecord> records;
          for (uint64_t j = random.Below(6) + 1; j > 0; --j) {
            std::string value(random.Below(150), static_cast<char>('a' + random.Below(26)));
            records.push_back({absl::StrCat("key", random.Below(90)),
                               random.Below(8) == 0 ? std::nullopt : std::optional(value)});
          }
          ASSERT_NO_FATAL_FAILURE(PutKeyed(records, {.codec = static_cast<record::Codec>(random.Below(5))}));
        }
      } else if (what < 10) {
        clock_.Advance(absl::Milliseconds(random.Below(3000)));
        Seal();
        dir_->CompactDue();
        ASSERT_TRUE(warnings_.empty()) << warnings_[0];
      } else {
        if (random.Below(2) == 0) {
          ASSERT_EQ(dir_->Close(), absl::OkStatus());
        }
        Crash();
        if (random.Below(2) == 0) {
          RemoveIndex();
        }
        ASSERT_NO_FATAL_FAILURE(Open());
      }
      ASSERT_EQ(log_->end().value(), static_cast<int64_t>(all_.size()));
      ASSERT_NO_FATAL_FAILURE(AwaitReadable());
      ASSERT_NO_FATAL_FAILURE(ExpectSound(Consume(0, 1 + random.Below(20'000), random.Below(2) == 0)));
      const int64_t from = static_cast<int64_t>(random.Below(all_.size() + 1));
      ASSERT_NO_FATAL_FAILURE(ExpectSound(Consume(from, 1 + random.Below(20'000)), from));
    }
    Seal();
    options_.min_cleanable_dirty_ratio = 0;
    log_->SetOptions(options_);
    dir_->CompactDue();
    ASSERT_NO_FATAL_FAILURE(ExpectCompacted(log_->end().value()));
    Crash();
  }
}

// The process dies at each call that changes the disk: reopened, the log is sound, and compaction goes on.
struct CrashCase {
  bool lose_index;
  Durability durability;
};
class CompactionCrashTest : public CompactionFixture, public ::testing::WithParamInterface<CrashCase> {};

TEST_P(CompactionCrashTest, AStopAtAnyChangeLosesNothing) {
  options_.durability = GetParam().durability;
  for (int64_t stop = 1;; ++stop) {
    SCOPED_TRACE(absl::StrCat("stopped at change ", stop));
    dir_options_.path = temp_ / absl::StrCat("crash", stop);
    all_.clear();
    OpenNew();
    PutSmallSegments();
    PutKeyed({{"key3", std::nullopt}});
    Seal();
    PutRound(5, 11);
    ASSERT_NO_FATAL_FAILURE(AwaitReadable());
    const int64_t changes = disk_.changes();
    disk_.StopAtChange(stop);
    dir_->CompactDue();
    const bool died = disk_.changes() - changes >= stop;
    Crash();
    disk_.GoOn();
    fatal_.clear();
    warnings_.clear();
    if (GetParam().lose_index) {
      RemoveIndex();
    }
    ASSERT_NO_FATAL_FAILURE(Open());
    ASSERT_EQ(log_->end().value(), static_cast<int64_t>(all_.size()));
    ASSERT_NO_FATAL_FAILURE(ExpectSound(Consume(0)));
    ASSERT_NO_FATAL_FAILURE(ExpectSound(Consume(100, 700, false), 100));
    Seal();
    dir_->CompactDue();
    ASSERT_TRUE(warnings_.empty()) << warnings_[0];
    ASSERT_NO_FATAL_FAILURE(ExpectCompacted(log_->end().value()));
    Crash();
    ASSERT_EQ(posix_.RemoveTree(dir_options_.path), absl::OkStatus());
    if (!died) {
      EXPECT_GT(stop, 15) << "there are more calls than these";
      break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Index, CompactionCrashTest,
                         ::testing::Values(CrashCase{false, Durability::kPageCache},
                                           CrashCase{true, Durability::kPageCache},
                                           CrashCase{false, Durability::kSynced},
                                           CrashCase{true, Durability::kSynced}),
                         [](const auto& info) {
                           return absl::StrCat(info.param.lose_index ? "lost" : "kept",
                                               info.param.durability == Durability::kSynced ? "Synced" : "");
                         });

// One call fails, and the process goes on: the log serves what it held, before and after a restart.
TEST_F(CompactionTest, AFailedCallLeavesTheLogWhole) {
  for (const DiskCall call : {DiskCall::kOpen, DiskCall::kRead, DiskCall::kWrite, DiskCall::kRename,
                              DiskCall::kUnlink, DiskCall::kSync, DiskCall::kSyncDirectory}) {
    for (int64_t nth = 1; nth < 60; ++nth) {
      SCOPED_TRACE(absl::StrCat("call ", static_cast<int>(call), ", the ", nth, "th"));
      dir_options_.path = temp_ / absl::StrCat("fail", static_cast<int>(call), "-", nth);
      all_.clear();
      OpenNew();
      PutSmallSegments();
      const int64_t calls = disk_.calls(call);
      disk_.FailNth(call, nth, absl::ResourceExhaustedError("injected"));
      dir_->CompactDue();
      const bool failed = disk_.calls(call) - calls >= nth;
      disk_.Heal(call);
      if (fatal_.empty()) {  // Else the log dir is offline, and only a restart helps.
        ASSERT_NO_FATAL_FAILURE(ExpectSound(Consume(0)));
        PutRound(1, 11);
        ASSERT_NO_FATAL_FAILURE(ExpectSound(Consume(0)));
        clock_.Advance(absl::Hours(1));
        Seal();
        dir_->CompactDue();
        ASSERT_NO_FATAL_FAILURE(ExpectCompacted(log_->end().value()));
      }
      fatal_.clear();
      warnings_.clear();
      CrashAndReopen();
      ASSERT_NO_FATAL_FAILURE(ExpectSound(Consume(0)));
      Crash();
      ASSERT_EQ(posix_.RemoveTree(dir_options_.path), absl::OkStatus());
      if (!failed) {
        break;
      }
    }
  }
}

TEST_F(CompactionTest, AGapWhereNothingWasCompactedIsDamage) {
  OpenNew();
  PutRound(1000, 10);
  Seal();
  PutRound(300, 10);
  Seal();
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  Crash();
  RemoveIndex();
  // The second segment without its first batch: as a compacted one would look.
  const std::string path = LogPath(SegmentFiles()[1]);
  std::string text = *posix_.ReadFile(path);
  text.erase(0, *record::PeekBatchSize(AsBytes(text)));
  ASSERT_EQ(posix_.ReplaceFile(path, text), absl::OkStatus());
  const absl::Status refused = OpenDamaged();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss) << refused;
}

TEST_F(CompactionTest, ACutOrDamagedCompactedSegmentIsFoundWithoutTheIndex) {
  for (const bool cut : {true, false}) {
    dir_options_.path = temp_ / absl::StrCat("damaged", cut);
    all_.clear();
    OpenNew();
    PutRound(1000, 10);
    Seal();
    ASSERT_EQ(dir_->CompactDue(), 1u);
    PutRound(10, 10);
    Crash();
    RemoveIndex();
    const std::vector<std::string> names = SegmentFiles();
    const std::string path = LogPath(names[names.size() - 2]);
    std::string text = *posix_.ReadFile(path);
    ASSERT_GT(text.size(), 1000u);
    const size_t first = *record::PeekBatchSize(AsBytes(text));
    if (cut) {
      text.resize(first);
    } else {
      text[first + 30] ^= 1;
    }
    ASSERT_EQ(posix_.ReplaceFile(path, text), absl::OkStatus());
    const absl::Status refused = OpenDamaged();
    EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(absl::StrCat("byte ", first)));
    EXPECT_THAT(std::string(refused.message()), HasSubstr("compacted"));
    Crash();
  }
}

}  // namespace
}  // namespace sluice::storage
