#include "proto/record/control_record.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/base/status_macros.h"
#include "proto/record/batch_builder.h"
#include "proto/record/record_iterator.h"

namespace sluice::record {
namespace {

// Key: int16 version, int16 type. Value: int16 version, int32 coordinator epoch. Newer versions may be
// longer.
constexpr int16_t kVersion = 0;
constexpr size_t kKeySize = 4;
constexpr size_t kValueSize = 6;

}  // namespace

Bytes BuildEndTxnBatch(const EndTxnBatch& batch) {
  std::array<std::byte, kKeySize> key;
  StoreBigEndian<int16_t>(key.data(), kVersion);
  StoreBigEndian<int16_t>(key.data() + 2, static_cast<int16_t>(batch.marker.type));
  std::array<std::byte, kValueSize> value;
  StoreBigEndian<int16_t>(value.data(), kVersion);
  StoreBigEndian<int32_t>(value.data() + 2, batch.marker.coordinator_epoch);

  BatchBuilder builder({.producer_id = batch.producer_id,
                        .producer_epoch = batch.producer_epoch,
                        .transactional = true,
                        .control = true});
  CHECK_OK(builder.Append(batch.timestamp_ms, ByteView(key), ByteView(value)));
  const absl::StatusOr<ByteView> bytes = builder.Build();
  CHECK_OK(bytes.status());
  return ToBytes(*bytes);
}

absl::StatusOr<EndTxnMarker> ParseEndTxnBatch(BatchView batch) {
  if (!batch.is_control() || batch.is_compressed()) {
    return absl::DataLossError(absl::StrCat("record batch at offset ", batch.base_offset().value(),
                                            ": expected an uncompressed control batch, attributes are ",
                                            batch.attributes()));
  }
  RecordIterator it(batch);
  RecordView record;
  if (!it.Next(&record)) {
    RETURN_IF_ERROR(it.status());
    return absl::DataLossError(
        absl::StrCat("control batch at offset ", batch.base_offset().value(), " holds no record"));
  }
  return ParseEndTxnMarker(record);
}

absl::StatusOr<EndTxnMarker> ParseEndTxnMarker(const RecordView& record) {
  if (!record.key || record.key->size() < kKeySize || !record.value || record.value->size() < kValueSize) {
    return absl::DataLossError(
        absl::StrCat("control record at offset ", record.offset.value(),
                     ": its key or value is shorter than an end-of-transaction marker"));
  }
  const auto type = LoadBigEndian<int16_t>(record.key->data() + 2);
  if (type != static_cast<int16_t>(ControlType::kAbort) &&
      type != static_cast<int16_t>(ControlType::kCommit)) {
    return absl::DataLossError(absl::StrCat("control record at offset ", record.offset.value(), ": type ",
                                            type, " does not end a transaction (0 aborts, 1 commits)"));
  }
  return EndTxnMarker{static_cast<ControlType>(type), LoadBigEndian<int32_t>(record.value->data() + 2)};
}

}  // namespace sluice::record
