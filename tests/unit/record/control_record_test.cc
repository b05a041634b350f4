#include "proto/record/control_record.h"

#include "proto/record/batch_check.h"
#include "record_support.h"

namespace sluice::record {
namespace {

Bytes Marker(ControlType type) {
  return BuildEndTxnBatch({.producer_id = ProducerId(7),
                           .producer_epoch = ProducerEpoch(2),
                           .marker = {type, 13},
                           .timestamp_ms = kNow});
}

TEST(ControlRecordTest, MarkersReadBack) {
  for (const ControlType type : {ControlType::kAbort, ControlType::kCommit}) {
    const Bytes bytes = Marker(type);
    const absl::StatusOr<EndTxnMarker> marker = ParseEndTxnBatch(BatchView(bytes));
    ASSERT_TRUE(marker.ok()) << marker.status();
    EXPECT_EQ(*marker, (EndTxnMarker{type, 13}));
  }
}

TEST(ControlRecordTest, TheBatchIsOneTransactionalControlRecordWithoutSequence) {
  const Bytes bytes = Marker(ControlType::kCommit);
  const BatchView batch(bytes);
  EXPECT_TRUE(batch.is_control());
  EXPECT_TRUE(batch.is_transactional());
  EXPECT_EQ(batch.producer_id(), ProducerId(7));
  EXPECT_EQ(batch.producer_epoch(), ProducerEpoch(2));
  EXPECT_EQ(batch.base_sequence(), kNoSequence);
  EXPECT_EQ(batch.record_count(), 1);
  EXPECT_TRUE(ValidateStructure(batch).ok());
  const std::vector<OwnedRecord> records = ReadAll(batch);
  EXPECT_EQ(records[0].key, std::string("\0\0\0\1", 4));
  EXPECT_EQ(records[0].value, std::string("\0\0\0\0\0\15", 6));
}

TEST(ControlRecordTest, ADataBatchIsNoMarker) {
  EXPECT_TRUE(absl::IsDataLoss(ParseEndTxnBatch(BatchView(SomeBatch())).status()));
}

TEST(ControlRecordTest, ShortOrForeignControlRecordsAreRefused) {
  const std::string commit("\0\0\0\1", 4);
  const std::string epoch("\0\0\0\0\0\15", 6);
  const struct {
    std::optional<std::string> key, value;
  } cases[] = {{std::nullopt, epoch},
               {commit.substr(1), epoch},
               {commit, std::nullopt},
               {commit, epoch.substr(1)},
               {std::string("\0\0\0\2", 4), epoch}};
  for (const auto& c : cases) {
    const Bytes bytes = BuildBatch({{0, kNow, c.key, c.value, {}}}, {.control = true});
    EXPECT_TRUE(absl::IsDataLoss(ParseEndTxnBatch(BatchView(bytes)).status()));
  }
}

}  // namespace
}  // namespace sluice::record
