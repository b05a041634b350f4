#include "proto/record/empty_batch.h"

#include <limits>

#include "proto/base/check.h"
#include "proto/base/crc32c.h"
#include "proto/base/endian.h"
#include "proto/record/batch_format.h"

namespace sluice::record {

Bytes MakeEmptyBatch(Offset first, Offset last, LeaderEpoch epoch) {
  const int64_t delta = last.value() - first.value();
  CHECK(delta >= 0 && delta <= std::numeric_limits<int32_t>::max());
  Bytes batch(kHeaderSize);
  std::byte* const at = batch.data();
  StoreBigEndian(at + kBaseOffsetAt, first.value());
  StoreBigEndian(at + kLengthAt, static_cast<int32_t>(kHeaderSize - kLengthPrefixSize));
  StoreBigEndian(at + kLeaderEpochAt, epoch.value());
  StoreBigEndian(at + kMagicAt, kMagic);
  StoreBigEndian(at + kLastOffsetDeltaAt, static_cast<int32_t>(delta));
  StoreBigEndian(at + kBaseTimestampAt, kNoTimestamp);
  StoreBigEndian(at + kMaxTimestampAt, kNoTimestamp);
  StoreBigEndian(at + kProducerIdAt, kNoProducerId.value());
  StoreBigEndian(at + kProducerEpochAt, kNoProducerEpoch.value());
  StoreBigEndian(at + kBaseSequenceAt, kNoSequence);
  StoreBigEndian(at + kCrcAt, Crc32c(ByteView(batch).subspan(kCrcCoversFrom)));
  return batch;
}

}  // namespace sluice::record
