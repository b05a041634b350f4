// Lookups, truncation, checkpoints: what a log asks of the index.
#include "storage/index/offset_index.h"

#include <atomic>
#include <limits>
#include <thread>

#include "index_fixture.h"

namespace sluice::storage {
namespace {

using testing::ElementsAre;
using testing::Eq;
using testing::IsEmpty;
using testing::Optional;

const LogId kLog = MakeLog(7, 1);

using OffsetIndexTest = IndexTest;

TEST_F(OffsetIndexTest, NewIndexKnowsNothingAndSaysSo) {
  EXPECT_TRUE(index_->was_rebuilt());
  EXPECT_EQ(Find(kLog, 0), std::nullopt);
  EXPECT_EQ(FindTime(kLog, 0).at_or_after, std::nullopt);
  EXPECT_THAT(SegmentBases(kLog), IsEmpty());
  EXPECT_EQ(index_->ReadCheckpoint(kLog)->has_value(), false);
}

TEST_F(OffsetIndexTest, FindsTheLastEntryAtOrBefore) {
  Write(kLog, {.offsets = {Entry(5, 5, 0), Entry(20, 5, 4096), Entry(100, 100, 0)}});
  EXPECT_EQ(Find(kLog, 4), std::nullopt);
  EXPECT_THAT(Find(kLog, 5), Optional(Entry(5, 5, 0)));
  EXPECT_THAT(Find(kLog, 19), Optional(Entry(5, 5, 0)));
  EXPECT_THAT(Find(kLog, 20), Optional(Entry(20, 5, 4096)));
  EXPECT_THAT(Find(kLog, 99), Optional(Entry(20, 5, 4096)));
  EXPECT_THAT(Find(kLog, std::numeric_limits<int64_t>::max()), Optional(Entry(100, 100, 0)));
  EXPECT_EQ(Find(kLog, -1), std::nullopt);
}

TEST_F(OffsetIndexTest, LookupsDoNotStrayIntoNeighbours) {
  for (uint8_t topic = 1; topic <= 3; ++topic) {
    for (int32_t partition = 0; partition < 3; ++partition) {
      const int64_t base = topic * 100 + partition * 10;
      Write(MakeLog(topic, partition), {.offsets = {Entry(base, base, 0)},
                                        .times = {Time(base, base)},
                                        .sealed = {Segment(base, base + 1, 9, base)}});
    }
  }
  for (uint8_t topic = 1; topic <= 3; ++topic) {
    for (int32_t partition = 0; partition < 3; ++partition) {
      const LogId log = MakeLog(topic, partition);
      const int64_t base = topic * 100 + partition * 10;
      EXPECT_EQ(Find(log, base - 1), std::nullopt);
      EXPECT_THAT(Find(log, 100'000), Optional(Entry(base, base, 0)));
      EXPECT_THAT(FindTime(log, 0).at_or_after, Optional(Time(base, base)));
      EXPECT_EQ(FindTime(log, 0).before, std::nullopt);
      EXPECT_EQ(FindTime(log, 100'000).at_or_after, std::nullopt);
      EXPECT_THAT(FindTime(log, 100'000).before, Optional(Time(base, base)));
      EXPECT_THAT(SegmentBases(log), ElementsAre(base));
    }
  }
}

TEST_F(OffsetIndexTest, FindTimeGivesTheEntriesAroundATimestamp) {
  Write(kLog, {.times = {Time(-3, 0), Time(1000, 10), Time(2000, 20)}});
  const auto between = FindTime(kLog, 1001);
  EXPECT_THAT(between.before, Optional(Time(1000, 10)));
  EXPECT_THAT(between.at_or_after, Optional(Time(2000, 20)));
  const auto exact = FindTime(kLog, 1000);
  EXPECT_THAT(exact.before, Optional(Time(-3, 0)));
  EXPECT_THAT(exact.at_or_after, Optional(Time(1000, 10)));
  const auto past = FindTime(kLog, std::numeric_limits<int64_t>::max());
  EXPECT_THAT(past.before, Optional(Time(2000, 20)));
  EXPECT_EQ(past.at_or_after, std::nullopt);
}

TEST_F(OffsetIndexTest, SealedSegmentsComeInOrderWithAllTheirFields) {
  Write(kLog, {.sealed = {Segment(300, 512, 4096, -1), Segment(0, 300, 1ull << 40, 1'700'000'000'000)}});
  const auto segments = index_->SealedSegments(kLog);
  ASSERT_TRUE(segments.ok());
  ASSERT_EQ(segments->size(), 2u);
  EXPECT_EQ((*segments)[0].next_offset, Offset(300));
  EXPECT_EQ((*segments)[0].size_bytes, 1ull << 40);
  EXPECT_EQ((*segments)[0].max_timestamp_ms, 1'700'000'000'000);
  EXPECT_EQ((*segments)[1].base_offset, Offset(300));
  EXPECT_EQ((*segments)[1].max_timestamp_ms, -1);
}

TEST_F(OffsetIndexTest, CheckpointRoundTripsAndTheLaterOneWins) {
  const std::string state("a\0b\xff", 4);
  Write(kLog, {.checkpoint = Checkpoint{.next_offset = Offset(9)}});
  Write(kLog, {.checkpoint = Checkpoint{
                   .next_offset = Offset(900), .segment_base = Offset(512), .position = 77, .state = state}});
  Reopen();
  EXPECT_FALSE(index_->was_rebuilt());
  const auto checkpoint = index_->ReadCheckpoint(kLog);
  ASSERT_TRUE(checkpoint.ok() && checkpoint->has_value());
  EXPECT_EQ((*checkpoint)->next_offset, Offset(900));
  EXPECT_EQ((*checkpoint)->segment_base, Offset(512));
  EXPECT_EQ((*checkpoint)->position, 77u);
  EXPECT_EQ((*checkpoint)->state, state);
}

TEST_F(OffsetIndexTest, EverythingIsThereAfterReopening) {
  Fill(kLog, 1000);
  Reopen();
  EXPECT_THAT(Find(kLog, 555), Optional(Entry(550, 500, 350)));
  EXPECT_THAT(FindTime(kLog, 1555).at_or_after, Optional(Time(1560, 560)));
  EXPECT_EQ(SegmentBases(kLog).size(), 9u);
}

TEST_F(OffsetIndexTest, TruncateFromForgetsTheTail) {
  Fill(kLog, 1000);
  const LogId neighbour = MakeLog(7, 2);
  Fill(neighbour, 1000);
  ASSERT_TRUE(index_->TruncateFrom(kLog, Offset(550)).ok());
  EXPECT_THAT(Find(kLog, 10'000), Optional(Entry(540, 500, 280)));
  EXPECT_THAT(FindTime(kLog, 99'999).before, Optional(Time(1540, 540)));
  EXPECT_THAT(SegmentBases(kLog), ElementsAre(0, 100, 200, 300, 400)) << "500 reached past 550";
  EXPECT_FALSE(index_->ReadCheckpoint(kLog)->has_value()) << "it stood past the new end";
  EXPECT_THAT(Find(neighbour, 10'000), Optional(Entry(990, 900, 630)));
  EXPECT_TRUE(index_->ReadCheckpoint(neighbour)->has_value());
}

TEST_F(OffsetIndexTest, TruncateFromTheEndChangesNothing) {
  Fill(kLog, 1000);
  ASSERT_TRUE(index_->TruncateFrom(kLog, Offset(1000)).ok());
  EXPECT_THAT(Find(kLog, 10'000), Optional(Entry(990, 900, 630)));
  EXPECT_TRUE(index_->ReadCheckpoint(kLog)->has_value());
}

TEST_F(OffsetIndexTest, ALargeTailIsCutInSeveralBatches) {
  Fill(kLog, 1'000'000);  // 100,000 entries of each kind: several MiB of deletes.
  ASSERT_TRUE(index_->TruncateFrom(kLog, Offset(10)).ok());
  EXPECT_THAT(Find(kLog, 1'000'000), Optional(Entry(0, 0, 0)));
  EXPECT_THAT(FindTime(kLog, 1'000'000'000).before, Optional(Time(1000, 0)));
}

TEST_F(OffsetIndexTest, EntriesWrittenAfterATruncationReplaceTheOldOnes) {
  Fill(kLog, 1000);
  ASSERT_TRUE(index_->TruncateFrom(kLog, Offset(500)).ok());
  Write(kLog, {.offsets = {Entry(505, 505, 0)}, .times = {Time(1495, 505)}});
  EXPECT_THAT(Find(kLog, 999), Optional(Entry(505, 505, 0)));
  EXPECT_THAT(FindTime(kLog, 1491).at_or_after, Optional(Time(1495, 505)));
}

TEST_F(OffsetIndexTest, ServesReadersWhileWritersWriteAndDrop) {
  constexpr int64_t kEntries = 3000;
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int32_t partition = 0; partition < 3; ++partition) {
    threads.emplace_back([&, partition] {
      const LogId log = MakeLog(1, partition);
      for (int64_t i = 0; i < kEntries; ++i) {
        Write(log, {.offsets = {Entry(i * 10, 0, static_cast<uint64_t>(i))}, .times = {Time(i, i * 10)}});
        if (i % 1000 == 999) {
          index_->DropBefore(log, Offset((i - 500) * 10));
        }
      }
    });
    threads.emplace_back([&, partition] {
      const LogId log = MakeLog(1, partition);
      while (!done) {
        const auto found = index_->FindOffset(log, Offset(20'005));
        wrong += !found.ok() || (found->has_value() && (*found)->offset > Offset(20'005));
      }
    });
  }
  for (size_t i = 0; i < threads.size(); i += 2) {
    threads[i].join();
  }
  done = true;
  for (size_t i = 1; i < threads.size(); i += 2) {
    threads[i].join();
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_THAT(Find(MakeLog(1, 2), 1'000'000), Optional(Eq(Entry((kEntries - 1) * 10, 0, kEntries - 1))));
}

}  // namespace
}  // namespace sluice::storage
