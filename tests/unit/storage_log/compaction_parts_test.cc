// The pure parts of compaction: map, plan, filter, throttle, the state file.
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/record/batch_builder.h"
#include "proto/record/control_record.h"
#include "proto/record/record_iterator.h"
#include "storage/disk/posix_disk.h"
#include "storage/log/compaction_filter.h"
#include "storage/log/compaction_map.h"
#include "storage/log/compaction_plan.h"
#include "storage/log/compaction_state.h"
#include "storage/log/throttle.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

constexpr SipHashKey kKey{1, 2};
constexpr int64_t kNow = 1'700'000'000'000;
constexpr int64_t kDay = 86'400'000;

TEST(CompactionMapTest, KnowsTheNewestOffsetOfEachKey) {
  CompactionMap map(64 << 20, kKey);
  std::map<std::string, int64_t> wanted;
  for (int64_t offset = 0; offset < 200'000; ++offset) {
    const std::string key = absl::StrCat("key", (offset * 7919) % 30'011);
    ASSERT_TRUE(map.Put(AsBytes(key), Offset(offset)));
    wanted[key] = offset;
  }
  EXPECT_EQ(map.size(), wanted.size());
  for (const auto& [key, offset] : wanted) {
    ASSERT_EQ(map.Find(AsBytes(key)), Offset(offset)) << key;
  }
  EXPECT_EQ(map.Find(AsBytes("key30011")), std::nullopt);
  map.Clear();
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.Find(AsBytes("key1")), std::nullopt);
}

TEST(CompactionMapTest, TakesMemoryAsItFillsAndNoMoreThanItMay) {
  constexpr uint64_t kMax = 4 << 20;
  CompactionMap map(kMax, kKey);
  EXPECT_EQ(map.memory_bytes(), 0u);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(map.Put(AsBytes(absl::StrCat(i)), Offset(i)));
  }
  EXPECT_LT(map.memory_bytes(), 200'000u);
  int64_t count = 1000;
  while (map.Put(AsBytes(absl::StrCat(count)), Offset(count))) {
    ++count;
    ASSERT_LE(map.memory_bytes(), kMax);
  }
  EXPECT_GT(count, static_cast<int64_t>(kMax / 24 / 2)) << "half of its slots at least are of use";
  EXPECT_EQ(map.size(), static_cast<size_t>(count));
  EXPECT_TRUE(map.Put(AsBytes("7"), Offset(count))) << "a key that it holds takes no room";
  EXPECT_EQ(map.Find(AsBytes("7")), Offset(count));
  EXPECT_EQ(map.Find(AsBytes(absl::StrCat(count))), std::nullopt);
}

// [0,100) [100,200) ... of 1,000 bytes each, one minute apart, the newest an hour old.
std::vector<CompactionSegment> Row(int count) {
  std::vector<CompactionSegment> row;
  for (int i = 0; i < count; ++i) {
    row.push_back(
        {Offset(100 * i), Offset(100 * i + 100), 1000, kNow - 3'600'000 - 60'000 * (count - 1 - i)});
  }
  return row;
}

TEST(CompactionPlanTest, IsDueFromTheDirtyRatioOn) {
  const std::vector<CompactionSegment> row = Row(4);
  CompactionPlan plan = PlanCompaction(row, Offset(0), {}, kNow);
  EXPECT_EQ(plan.segment_count, 4u);
  EXPECT_EQ(plan.end, Offset(400));
  EXPECT_EQ(plan.dirty_ratio, 1.0);
  EXPECT_TRUE(plan.due);

  plan = PlanCompaction(row, Offset(300), {}, kNow);
  EXPECT_EQ(plan.dirty_ratio, 0.25);
  EXPECT_FALSE(plan.due);
  EXPECT_TRUE(plan.has_work());
  EXPECT_TRUE(PlanCompaction(row, Offset(300), {.dirty_ratio_min = 0.25}, kNow).due);

  plan = PlanCompaction(row, Offset(350), {}, kNow);
  EXPECT_EQ(plan.dirty_ratio, 0.25) << "a segment cleaned in part is dirty";
  plan = PlanCompaction(row, Offset(400), {.dirty_ratio_min = 0}, kNow);
  EXPECT_FALSE(plan.due);
  EXPECT_FALSE(plan.has_work());
  EXPECT_FALSE(PlanCompaction({}, Offset(0), {}, kNow).has_work());
}

TEST(CompactionPlanTest, BeginsAtTheLogsFirstSegmentWhenTheRestWasDropped) {
  std::vector<CompactionSegment> row = Row(4);
  row.erase(row.begin(), row.begin() + 2);
  EXPECT_EQ(PlanCompaction(row, Offset(0), {}, kNow).first_dirty, Offset(200));
}

TEST(CompactionPlanTest, LeavesYoungSegmentsAndWhatFollowsThem) {
  std::vector<CompactionSegment> row = Row(4);
  const CompactionRules rules{.lag_ms_min = 3'600'000 + 61'000};
  EXPECT_EQ(PlanCompaction(row, Offset(0), rules, kNow).end, Offset(200));
  row[0].newest_ms = kNow;
  EXPECT_EQ(PlanCompaction(row, Offset(0), rules, kNow).segment_count, 0u);
  EXPECT_EQ(PlanCompaction(row, Offset(100), rules, kNow).end, Offset(200)) << "clean ones are never young";
}

TEST(CompactionPlanTest, OldDirtDoesNotWaitForTheRatio) {
  const CompactionRules rules{.lag_ms_max = kDay};
  const CompactionPlan plan = PlanCompaction(Row(4), Offset(300), rules, kNow);
  EXPECT_FALSE(IsOverdue(plan, rules, kNow - kDay, kNow));
  EXPECT_TRUE(IsOverdue(plan, rules, kNow - kDay - 1, kNow));
  EXPECT_FALSE(IsOverdue(plan, rules, -1, kNow));
  EXPECT_FALSE(IsOverdue(plan, {}, 0, kNow));
  EXPECT_FALSE(IsOverdue({}, rules, 0, kNow));
}

TEST(CompactionPlanTest, GroupsNeighboursThatFitOneSegment) {
  std::vector<CompactionSegment> row = Row(5);
  row[1].size_bytes = 2500;
  using Groups = std::vector<SegmentGroup>;
  EXPECT_EQ(GroupSegments(row, 3000), (Groups{{0, 1}, {1, 1}, {2, 3}}));
  EXPECT_EQ(GroupSegments(row, 100), (Groups{{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}}));
  EXPECT_EQ(GroupSegments(row, 1 << 30), (Groups{{0, 5}}));
  row[4].next_offset = Offset(int64_t{1} << 31);
  EXPECT_EQ(GroupSegments(row, 1 << 30), (Groups{{0, 4}, {4, 1}})) << "offsets within 31 bits";
  EXPECT_TRUE(GroupSegments({}, 1000).empty());
}

struct KeyValue {
  std::optional<std::string> key;
  std::optional<std::string> value;
};

std::optional<ByteView> View(const std::optional<std::string>& text) {
  return text ? std::optional(AsBytes(*text)) : std::nullopt;
}

Bytes Batch(int64_t base, const std::vector<KeyValue>& records, record::BatchOptions options = {}) {
  options.base_offset = Offset(base);
  record::BatchBuilder builder(options);
  for (const KeyValue& record : records) {
    CHECK_OK(builder.Append(kNow - 1000, View(record.key), View(record.value)));
  }
  return ToBytes(*builder.Build());
}

class CompactionFilterTest : public ::testing::Test {
 protected:
  // Keys of "offset key" for all that stays, in order.
  CompactionFilter::Outcome Apply(const Bytes& batch, bool ends_segment = false) {
    filter_.emplace(map_, producers_, rules_);
    auto outcome = filter_->Apply(record::BatchView(batch), ends_segment);
    CHECK_OK(outcome.status());
    return *outcome;
  }
  static std::vector<std::string> Left(const CompactionFilter::Outcome& outcome) {
    if (outcome.bytes.empty()) {
      return {"no batch"};
    }
    const record::BatchView batch(outcome.bytes);
    Bytes scratch;
    const ByteView records = *record::DecompressRecords(batch, &scratch, 1 << 20);
    std::vector<std::string> left;
    record::RecordIterator it(batch, records);
    for (record::RecordView record; it.Next(&record);) {
      left.push_back(absl::StrCat(record.offset.value(), " ", AsText(*record.key)));
    }
    EXPECT_EQ(static_cast<size_t>(outcome.records_kept), left.size());
    return left;
  }
  void Know(const std::string& key, int64_t offset) { ASSERT_TRUE(map_.Put(AsBytes(key), Offset(offset))); }

  CompactionMap map_{1 << 20, kKey};
  LastOffsets producers_;
  FilterRules rules_{.end = Offset(1000), .now_ms = kNow, .delete_retention_ms = kDay};
  std::optional<CompactionFilter> filter_;
};

TEST_F(CompactionFilterTest, DropsWhatALaterRecordOfTheKeyReplaces) {
  Know("a", 50);
  Know("b", 11);
  const auto outcome = Apply(Batch(10, {{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  EXPECT_THAT(Left(outcome), ::testing::ElementsAre("11 b", "12 c"));
  EXPECT_TRUE(outcome.changed);
}

TEST_F(CompactionFilterTest, CopiesABatchOfWhichAllStays) {
  Know("a", 10);
  const Bytes batch = Batch(10, {{"a", "1"}, {"b", "2"}}, {.codec = record::Codec::kZstd});
  const auto outcome = Apply(batch);
  EXPECT_FALSE(outcome.changed);
  EXPECT_EQ(outcome.bytes.data(), batch.data());
  EXPECT_EQ(outcome.bytes.size(), batch.size());
  EXPECT_EQ(outcome.max_timestamp_ms, kNow - 1000);
}

TEST_F(CompactionFilterTest, DropsRecordsWithoutAKey) {
  EXPECT_THAT(Left(Apply(Batch(10, {{std::nullopt, "1"}, {"b", "2"}}))), ::testing::ElementsAre("11 b"));
}

TEST_F(CompactionFilterTest, ATombstoneStaysUntilItsHorizon) {
  const auto first = Apply(Batch(10, {{"a", std::nullopt}, {"b", "2"}}));
  EXPECT_THAT(Left(first), ::testing::ElementsAre("10 a", "11 b"));
  EXPECT_TRUE(first.changed);
  const Bytes marked = ToBytes(first.bytes);
  EXPECT_TRUE(record::BatchView(marked).has_delete_horizon());
  EXPECT_EQ(record::BatchView(marked).base_timestamp(), kNow + kDay);

  rules_.now_ms = kNow + kDay - 1;
  const auto second = Apply(marked);
  EXPECT_FALSE(second.changed) << "the horizon is set once";
  EXPECT_THAT(Left(second), ::testing::ElementsAre("10 a", "11 b"));

  rules_.now_ms = kNow + kDay;
  EXPECT_THAT(Left(Apply(marked)), ::testing::ElementsAre("11 b"));
}

TEST_F(CompactionFilterTest, AnEmptiedBatchGoesUnlessItIsTheLastOfItsProducerOrSegment) {
  Know("a", 50);
  const record::BatchOptions options{
      .producer_id = ProducerId(5), .producer_epoch = ProducerEpoch(1), .base_sequence = 9};
  const Bytes batch = Batch(10, {{"a", "1"}}, options);
  EXPECT_THAT(Left(Apply(batch)), ::testing::ElementsAre("no batch"));
  EXPECT_THAT(Left(Apply(batch, /*ends_segment=*/true)), ::testing::IsEmpty());
  producers_[ProducerId(5)] = Offset(49);
  EXPECT_THAT(Left(Apply(batch)), ::testing::ElementsAre("no batch"));
  producers_[ProducerId(5)] = Offset(10);
  const auto kept = Apply(batch);
  EXPECT_THAT(Left(kept), ::testing::IsEmpty());
  const Bytes empty = ToBytes(kept.bytes);
  EXPECT_EQ(record::BatchView(empty).base_sequence(), 9);

  EXPECT_FALSE(Apply(empty).changed) << "an empty batch is kept as it is";
  producers_.clear();
  EXPECT_THAT(Left(Apply(empty)), ::testing::ElementsAre("no batch"));
}

TEST_F(CompactionFilterTest, LeavesControlAndTransactionalBatchesAndWhatLiesBehindTheMap) {
  Know("a", 2000);
  Bytes control =
      record::BuildEndTxnBatch({.producer_id = ProducerId(1), .producer_epoch = ProducerEpoch(0)});
  EXPECT_FALSE(Apply(control).changed);
  EXPECT_EQ(Apply(control).bytes.size(), control.size());
  EXPECT_THAT(Left(Apply(Batch(10, {{"a", "1"}},
                               {.producer_id = ProducerId(1),
                                .producer_epoch = ProducerEpoch(0),
                                .base_sequence = 0,
                                .transactional = true}))),
              ::testing::ElementsAre("10 a"));
  EXPECT_THAT(Left(Apply(Batch(1000, {{"a", "1"}}))), ::testing::ElementsAre("1000 a"));
  EXPECT_FALSE(Apply(Batch(1000, {{"a", std::nullopt}})).changed);
}

TEST_F(CompactionFilterTest, DamagedRecordsAreAnError) {
  Bytes batch = Batch(10, {{"a", "1"}}, {.codec = record::Codec::kLz4});
  batch[record::kHeaderSize + 3] ^= std::byte{0xff};
  CompactionFilter filter(map_, producers_, rules_);
  EXPECT_EQ(filter.Apply(record::BatchView(batch), false).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ThrottleTest, SpreadsBytesOverTimeAndSavesNothingUp) {
  Throttle throttle(1000);
  EXPECT_EQ(throttle.Take(500, absl::Seconds(10)), absl::Milliseconds(500));
  EXPECT_EQ(throttle.Take(1000, absl::Seconds(10)), absl::Milliseconds(1500));
  EXPECT_EQ(throttle.Take(1000, absl::Seconds(60)), absl::Seconds(1));
  EXPECT_EQ(Throttle(0).Take(1 << 30, absl::Seconds(0)), absl::ZeroDuration());
}

TEST(CompactionStateTest, IsReadAsItWasWritten) {
  TempDir temp;
  PosixDisk disk;
  EXPECT_EQ(*ReadCompactionState(disk, temp.path()), (CompactionState{Offset(0), Offset(0)}));
  const CompactionState state{Offset(4711), Offset(42)};
  ASSERT_EQ(WriteCompactionState(disk, temp.path(), state), absl::OkStatus());
  EXPECT_EQ(*ReadCompactionState(disk, temp.path()), state);
}

TEST(CompactionStateTest, RefusesNewerVersionsAndNonsenseInWords) {
  TempDir temp;
  PosixDisk disk;
  ASSERT_EQ(disk.ReplaceFile(temp / "compaction", "version=2\nx\n"), absl::OkStatus());
  EXPECT_EQ(ReadCompactionState(disk, temp.path()).status().code(), absl::StatusCode::kFailedPrecondition);
  for (const char* text : {"", "version=1\n", "version=1\ngaps.below=5\nfirst.dirty=-3\n", "hello"}) {
    ASSERT_EQ(disk.ReplaceFile(temp / "compaction", text), absl::OkStatus());
    EXPECT_EQ(ReadCompactionState(disk, temp.path()).status().code(), absl::StatusCode::kDataLoss) << text;
  }
}

}  // namespace
}  // namespace sluice::storage
