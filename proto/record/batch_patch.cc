#include "proto/record/batch_patch.h"

#include "proto/base/check.h"
#include "proto/base/crc32c.h"
#include "proto/base/endian.h"
#include "proto/record/batch_format.h"

namespace sluice::record {

void AssignOffset(MutableByteView batch, Offset base, LeaderEpoch epoch) {
  CHECK_GE(batch.size(), kHeaderSize);
  StoreBigEndian<int64_t>(batch.data() + kBaseOffsetAt, base.value());
  StoreBigEndian<int32_t>(batch.data() + kLeaderEpochAt, epoch.value());
}

void StampLogAppendTime(MutableByteView batch, int64_t now_ms) {
  CHECK_GE(batch.size(), kHeaderSize);
  const auto attributes = LoadBigEndian<int16_t>(batch.data() + kAttributesAt);
  StoreBigEndian<int16_t>(batch.data() + kAttributesAt, static_cast<int16_t>(attributes | kLogAppendTimeBit));
  SetMaxTimestamp(batch, now_ms);
}

void SetMaxTimestamp(MutableByteView batch, int64_t max_timestamp_ms) {
  CHECK_GE(batch.size(), kHeaderSize);
  StoreBigEndian<int64_t>(batch.data() + kMaxTimestampAt, max_timestamp_ms);
  RefreshCrc(batch);
}

void RefreshCrc(MutableByteView batch) {
  CHECK_GE(batch.size(), kHeaderSize);
  StoreBigEndian<uint32_t>(batch.data() + kCrcAt, Crc32c(batch.subspan(kCrcCoversFrom)));
}

}  // namespace sluice::record
