// The small parts of a log, each on its own.
#include <atomic>
#include <vector>

#include "storage/log/epoch_cache.h"
#include "storage/log/flush_pace.h"
#include "storage/log/log_state.h"
#include "storage/log/meta_properties.h"
#include "storage/log/room_plan.h"
#include "storage/log/segment_name.h"
#include "storage/log/side_by_side.h"
#include "storage/log/tail_index.h"
#include "tests/support/log_fixture.h"

namespace sluice::storage {
namespace {

using ::testing::ElementsAre;

TEST(SegmentNameTest, NamesAreTwentyDigits) {
  EXPECT_EQ(SegmentFileName(Offset(4711)), "00000000000000004711.log");
  EXPECT_EQ(ParseSegmentFileName("00000000000000004711.log"), Offset(4711));
  for (const char* name : {"4711.log", "00000000000000004711.log.deleted", "0000000000000000471x.log",
                           "99999999999999999999.log", "00000000000000004711.idx"}) {
    EXPECT_FALSE(ParseSegmentFileName(name).has_value()) << name;
  }
}

TEST(SideBySideTest, EachIsCalledOnceByHoweverManyThreads) {
  for (const int threads : {-1, 1, 4, 50}) {
    for (const size_t count : {size_t{0}, size_t{1}, size_t{20}}) {
      std::vector<std::atomic<int>> calls(count);
      SideBySide(threads, count, [&](size_t i) { ++calls[i]; });
      for (const std::atomic<int>& call : calls) {
        EXPECT_EQ(call, 1);
      }
    }
  }
}

TEST(FlushPaceTest, FewLogsAreFlushedAtOnce) {
  EXPECT_EQ(FlushesDue(0, 256, kFlushFrom), 0u);
  EXPECT_EQ(FlushesDue(1, 256, kFlushFrom), 1u);
  EXPECT_EQ(FlushesDue(256, 256, kFlushFrom), 256u);
}

TEST(FlushPaceTest, ManyAreSpreadUntilTheRingIsThreeQuartersFull) {
  EXPECT_EQ(FlushesDue(10'000, 256, kFlushFrom), 256u);
  EXPECT_EQ(FlushesDue(10'000, 256, 0.625), 5'256u);
  EXPECT_EQ(FlushesDue(10'000, 256, kFlushThrough), 10'000u);
  EXPECT_EQ(FlushesDue(10'000, 256, 1), 10'000u);
}

// Else a round would stand still until the ring is fuller.
TEST(FlushPaceTest, MoreIsDueWhenTheNextSliceIs) {
  for (const size_t logs : {1u, 300u, 777u, 10'000u}) {
    for (const size_t slice : {1u, 7u, 256u}) {
      for (size_t done = 0; done < logs; done += slice) {
        EXPECT_GT(FlushesDue(logs, slice, FullnessOfNext(logs, done)), done) << logs << " by " << slice;
      }
    }
  }
}

TEST(EpochCacheTest, EndsAreWhereTheNextEpochBegins) {
  EpochCache cache;
  cache.Observe(LeaderEpoch(2), Offset(10));
  cache.Observe(LeaderEpoch(2), Offset(15));
  cache.Observe(LeaderEpoch(5), Offset(30));
  EXPECT_EQ(cache.FindEnd(LeaderEpoch(2), Offset(50))->end, Offset(30));
  EXPECT_EQ(cache.FindEnd(LeaderEpoch(4), Offset(50))->epoch, LeaderEpoch(2));
  EXPECT_EQ(cache.FindEnd(LeaderEpoch(5), Offset(50))->end, Offset(50));
  EXPECT_EQ(cache.FindEnd(LeaderEpoch(1), Offset(50))->end, Offset(10));
  EXPECT_FALSE(cache.FindEnd(LeaderEpoch(6), Offset(50)).has_value());
  cache.TrimBefore(Offset(20));
  EXPECT_THAT(cache.starts(),
              ElementsAre(EpochStart{LeaderEpoch(2), Offset(20)}, EpochStart{LeaderEpoch(5), Offset(30)}));
  cache.TrimBefore(Offset(40));
  EXPECT_THAT(cache.starts(), ElementsAre(EpochStart{LeaderEpoch(5), Offset(40)}));
  EXPECT_EQ(cache.EpochOf(Offset(39)), kNoLeaderEpoch);
}

TEST(TailIndexTest, KnowsWhatItHoldsAndSaysSoWhenItDoesNot) {
  TailIndex tail({Offset(100), Offset(50), 4000});
  EXPECT_FALSE(tail.Find(Offset(99)).has_value());
  tail.Add({Offset(110), Offset(50), 8000});
  tail.Add({Offset(120), Offset(120), 0});
  EXPECT_EQ(tail.Find(Offset(115))->position, 8000u);
  EXPECT_EQ(tail.FindBoundary(Offset(50), 9000, Offset(999))->offset, Offset(110));
  EXPECT_EQ(tail.FindBoundary(Offset(50), 9000, Offset(105))->offset, Offset(100));
  EXPECT_EQ(tail.FindBoundary(Offset(50), 7999, Offset(999))->offset, Offset(100));
  EXPECT_EQ(tail.FindBoundary(Offset(120), 10, Offset(999))->offset, Offset(120));
  EXPECT_FALSE(tail.FindBoundary(Offset(120), 10, Offset(119)).has_value());
}

TEST(TailIndexTest, EntriesArePendingUntilWrittenAndKeptForAWhile) {
  TailIndex tail({Offset(0), Offset(0), 0});
  EXPECT_TRUE(tail.Pending().offsets.empty());
  bool enough = false;
  for (int64_t i = 1; i <= 5000; ++i) {
    enough = tail.Add({Offset(i), Offset(0), static_cast<uint64_t>(i)});
  }
  EXPECT_TRUE(enough);
  const IndexUpdate pending = tail.Pending();
  EXPECT_EQ(pending.offsets.size(), 5000u);
  tail.Add({Offset(5001), Offset(0), 5001});
  tail.MarkWritten(pending);
  EXPECT_EQ(tail.Pending().offsets.size(), 1u);
  EXPECT_TRUE(tail.Find(Offset(4500)).has_value());
  EXPECT_FALSE(tail.Find(Offset(1000)).has_value());
}

TEST(TailIndexTest, MemoryIsBoundedWhenNothingCanBeWritten) {
  TailIndex tail({Offset(0), Offset(0), 0});
  for (int64_t i = 1; i <= 200'000; ++i) {
    tail.Add({Offset(i), Offset(0), static_cast<uint64_t>(i)});
    tail.AddTime({i, Offset(i)});
  }
  EXPECT_LE(tail.Pending().offsets.size(), TailIndex::kPendingMax);
  EXPECT_LE(tail.Pending().times.size(), TailIndex::kPendingMax);
  EXPECT_EQ(tail.Find(Offset(200'000))->offset, Offset(200'000));
}

TEST(LogStateTest, WhatIsEncodedComesBack) {
  LogState state{.log_start = Offset(7),
                 .max_timestamp_ms = 123,
                 .segment_max_timestamp_ms = 99,
                 .epochs = {{LeaderEpoch(1), Offset(0)}, {LeaderEpoch(4), Offset(9)}},
                 .producers = {}};
  for (int64_t id = 0; id < 20; ++id) {
    ProducerEntry entry{.epoch = ProducerEpoch(2), .last_seen_ms = id * 10};
    for (int32_t i = 0; i < id; ++i) {
      entry.Push({i, i, Offset(i * 3), Offset(i * 3), -1});
    }
    state.producers.Restore(ProducerId(id), entry);
  }
  const std::string bytes = EncodeLogState(state);
  const absl::StatusOr<LogState> decoded = DecodeLogState(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->log_start, Offset(7));
  EXPECT_EQ(decoded->max_timestamp_ms, 123);
  EXPECT_EQ(decoded->segment_max_timestamp_ms, 99);
  EXPECT_EQ(decoded->epochs, state.epochs);
  EXPECT_EQ(decoded->producers.entries(), state.producers.entries());
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(DecodeLogState(bytes.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(DecodeLogState(bytes + "x").ok());
  std::string newer = bytes;
  newer[1] = 2;
  EXPECT_EQ(DecodeLogState(newer).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(RoomPlanTest, ANewSegmentIsMappedThenAllocatedThenPopulated) {
  Room room{.limit = 1 << 30, .wants_map = true};
  EXPECT_EQ(StepForBatch(room, 1000).kind, RoomStep::Kind::kMap);
  EXPECT_EQ(StepForBatch(room, 1000).size, 1u << 30);
  room.mapped = true;
  RoomStep step = StepForBatch(room, 1000);
  EXPECT_EQ(step.kind, RoomStep::Kind::kAllocate);
  EXPECT_EQ(step.size, 128u << 10);
  room.allocated = step.size;
  step = StepForBatch(room, 1000);
  EXPECT_EQ(step.kind, RoomStep::Kind::kPopulate);
  room.populated = step.position + step.size;
  EXPECT_EQ(StepForBatch(room, 1000).kind, RoomStep::Kind::kNone);
  EXPECT_TRUE(room.Has(1000));
}

TEST(RoomPlanTest, ALogThatAppendsLittleBetweenTwoSyncsIsNotMapped) {
  Room room{.allocated = 4 << 20, .limit = 1 << 30, .wants_map = true, .map_from = 1 << 20};
  EXPECT_TRUE(room.Has(1000));
  room.position = 1 << 20;
  EXPECT_FALSE(room.Has(1000));  // It has grown since it was made, and was never synced.
  EXPECT_EQ(StepForBatch(room, 1000).kind, RoomStep::Kind::kMap);
  room.sync_stride = 100'000;
  EXPECT_TRUE(room.Has(1000));
  room.sync_stride = 1 << 20;
  EXPECT_FALSE(room.Has(1000));
}

// A page that was populated is dirty, and the next sync writes it.
TEST(RoomPlanTest, PagesAheadAreAFractionOfWhatIsSyncedAtOnce) {
  EXPECT_EQ(PopulateAhead(1 << 30, 0), 8u << 20);
  EXPECT_EQ(PopulateAhead(1 << 30, 8 << 20), 1u << 20);
  EXPECT_EQ(PopulateAhead(1 << 30, 64 << 10), 32u << 10);
}

TEST(RoomPlanTest, ABatchLargerThanAnExtentGetsWhatItNeeds) {
  Room room{.limit = 1 << 30, .mapped = true};
  const RoomStep step = StepForBatch(room, 5'000'000);
  EXPECT_EQ(step.kind, RoomStep::Kind::kAllocate);
  EXPECT_GE(step.size, 5'000'000u);
}

// Runs a segment from empty to full as the log does.
TEST(RoomPlanTest, AheadOfASteadyWriterThereIsAlwaysRoomAndNeverTooMuch) {
  Room room{.limit = 512 << 20, .wants_map = true, .mapped = true};
  uint64_t largest_extent = 0;
  constexpr uint64_t kBatch = 16 << 10;
  int blocked = 0;
  while (room.position + kBatch <= room.limit) {
    blocked += room.Has(kBatch) ? 0 : 1;
    for (RoomStep step = StepForBatch(room, kBatch); step.kind != RoomStep::Kind::kNone;
         step = StepForBatch(room, kBatch)) {
      (step.kind == RoomStep::Kind::kAllocate ? room.allocated : room.populated) = step.position + step.size;
    }
    room.position += kBatch;
    for (RoomStep step = StepAhead(room); step.kind != RoomStep::Kind::kNone; step = StepAhead(room)) {
      switch (step.kind) {
        case RoomStep::Kind::kAllocate:
          room.allocated = step.position + step.size;
          largest_extent = std::max(largest_extent, step.size);
          break;
        case RoomStep::Kind::kPopulate:
          room.populated = step.position + step.size;
          break;
        case RoomStep::Kind::kStartWriteback:
          room.written_back = step.position + step.size;
          break;
        default:
          room.next_prepared = true;
      }
      ASSERT_LE(room.allocated, room.limit);
      ASSERT_LE(room.populated, room.allocated);
    }
    ASSERT_LE(room.populated, room.position + (9 << 20));
    ASSERT_LE(room.allocated - room.position, std::max<uint64_t>(256 << 10, room.allocated / 8 * 3));
  }
  EXPECT_EQ(blocked, 1);  // The first.
  EXPECT_EQ(largest_extent, 64u << 20);
  EXPECT_TRUE(room.next_prepared);
  EXPECT_GE(room.written_back, room.limit - (16 << 20));
}

TEST(MetaPropertiesTest, DamageIsNamed) {
  EXPECT_EQ(DecodeMetaProperties("version=1\nnode.id=1\n", "p").status().message(),
            "p: no valid 'cluster.id'; restore the file from a backup");
  EXPECT_FALSE(DecodeMetaProperties("", "p").ok());
  EXPECT_FALSE(DecodePartitionMetadata("version: 0\ntopic_id: ???\n", "p").ok());
}

}  // namespace
}  // namespace sluice::storage
