// Retention and deletion: hidden at once, gone from the files after a compaction, without tombstones.
#include <limits>

#include "index_fixture.h"

namespace sluice::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

const LogId kLog = MakeLog(7, 1);
const LogId kNeighbour = MakeLog(7, 2);

using IndexDropTest = IndexTest;

TEST_F(IndexDropTest, DropBeforeHidesAtOnce) {
  Fill(kLog, 1000);
  index_->DropBefore(kLog, Offset(500));
  EXPECT_EQ(Find(kLog, 499), std::nullopt);
  EXPECT_THAT(Find(kLog, 505), Optional(Entry(500, 500, 0)));
  EXPECT_THAT(SegmentBases(kLog), ElementsAre(500, 600, 700, 800));
  EXPECT_TRUE(index_->ReadCheckpoint(kLog)->has_value());
}

TEST_F(IndexDropTest, FindTimePassesOverDroppedEntries) {
  Fill(kLog, 1000);
  index_->DropBefore(kLog, Offset(500));
  for (const int64_t asked : {std::numeric_limits<int64_t>::min(), int64_t{0}, int64_t{1000}, int64_t{1490},
                              int64_t{1491}, int64_t{1500}}) {
    const auto found = FindTime(kLog, asked);
    EXPECT_THAT(found.at_or_after, Optional(Time(1500, 500))) << asked;
    EXPECT_EQ(found.before, std::nullopt) << asked;
  }
  EXPECT_THAT(FindTime(kLog, 1501).before, Optional(Time(1500, 500)));
}

TEST_F(IndexDropTest, FindTimeOfALogWithNothingLeftIsEmpty) {
  Fill(kLog, 100);
  index_->DropBefore(kLog, Offset(100));
  EXPECT_EQ(FindTime(kLog, 0).at_or_after, std::nullopt);
  EXPECT_EQ(FindTime(kLog, 5000).before, std::nullopt);
}

TEST_F(IndexDropTest, DroppedEntriesVanishInCompactionAndNeighboursStay) {
  Fill(kLog, 1000);
  Fill(kNeighbour, 1000);
  index_->DropBefore(kLog, Offset(500));
  ASSERT_TRUE(index_->Compact().ok());
  Close();
  EXPECT_EQ(CountKeysOnDisk(KeyType::kOffset, kLog), 50u);
  EXPECT_EQ(CountKeysOnDisk(KeyType::kTime, kLog), 50u);
  EXPECT_EQ(CountKeysOnDisk(KeyType::kSegment, kLog), 4u);
  EXPECT_EQ(CountKeysOnDisk(KeyType::kOffset, kNeighbour), 100u);
}

TEST_F(IndexDropTest, StartSurvivesARestartBeforeAnyCompaction) {
  Fill(kLog, 1000);
  index_->DropBefore(kLog, Offset(500));
  Reopen();
  EXPECT_EQ(Find(kLog, 499), std::nullopt);
  EXPECT_THAT(SegmentBases(kLog), ElementsAre(500, 600, 700, 800));
  ASSERT_TRUE(index_->Compact().ok());
  Close();
  EXPECT_EQ(CountKeysOnDisk(KeyType::kOffset, kLog), 50u);
}

TEST_F(IndexDropTest, AStartNeverGoesBack) {
  Fill(kLog, 1000);
  index_->DropBefore(kLog, Offset(500));
  index_->DropBefore(kLog, Offset(200));
  EXPECT_EQ(Find(kLog, 499), std::nullopt);
}

TEST_F(IndexDropTest, DropLogHidesEverythingOfItAndNothingElse) {
  Fill(kLog, 1000);
  Fill(kNeighbour, 1000);
  index_->DropLog(kLog);
  EXPECT_EQ(Find(kLog, 999), std::nullopt);
  EXPECT_EQ(FindTime(kLog, 0).at_or_after, std::nullopt);
  EXPECT_THAT(SegmentBases(kLog), IsEmpty());
  EXPECT_FALSE(index_->ReadCheckpoint(kLog)->has_value());
  EXPECT_THAT(Find(kNeighbour, 999), Optional(Entry(990, 900, 630)));
}

TEST_F(IndexDropTest, ADroppedLogStaysDroppedWhateverComesLate) {
  Fill(kLog, 1000);
  index_->DropLog(kLog);
  Reopen();
  Fill(kLog, 2000);
  EXPECT_EQ(Find(kLog, 1500), std::nullopt);
}

TEST_F(IndexDropTest, TheMarkOfADroppedLogGoesWithItsLastKey) {
  Fill(kLog, 1000);
  index_->DropLog(kLog);
  Reopen();
  Close();
  EXPECT_EQ(CountKeysOnDisk(KeyType::kWatermark, kLog), 1u) << "its keys are still there";
  Open();
  ASSERT_TRUE(index_->Compact().ok());
  Reopen();
  Close();
  for (const KeyType type :
       {KeyType::kOffset, KeyType::kTime, KeyType::kSegment, KeyType::kCheckpoint, KeyType::kWatermark}) {
    EXPECT_EQ(CountKeysOnDisk(type, kLog), 0u) << static_cast<char>(type);
  }
}

}  // namespace
}  // namespace sluice::storage
