// Compaction of a whole log: what stays, where it stands, and that everything else still finds it.
#include "compaction_fixture.h"
#include "proto/record/batch_patch.h"

namespace sluice::storage {
namespace {

using ::testing::HasSubstr;

class CompactionTest : public CompactionFixture {};

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

}  // namespace
}  // namespace sluice::storage
