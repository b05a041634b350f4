// Compaction beside readers, restarts and appends in any order.
#include <atomic>
#include <thread>

#include "compaction_fixture.h"

namespace sluice::storage {
namespace {

class CompactionHistoryTest : public CompactionFixture {};

// Readers that never stop, while segments are replaced under them.
TEST_F(CompactionHistoryTest, LiveReadersSeeConsistentBytesWhileSegmentsAreReplaced) {
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
TEST_F(CompactionHistoryTest, AnyHistoryLeavesTheNewestOfEachKey) {
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

}  // namespace
}  // namespace sluice::storage
