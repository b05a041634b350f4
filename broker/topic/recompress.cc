#include "broker/topic/recompress.h"

#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/endian.h"
#include "proto/record/batch_patch.h"
#include "proto/record/compression.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

ProduceVerdict Refusal(ErrorCode code, std::string message) {
  return {.code = code, .message = std::move(message)};
}

// The records of a compressed batch, which nobody has looked at so far.
ProduceVerdict Open(record::BatchView batch, const TopicConfig& config, int64_t now_ms, Bytes* scratch,
                    ByteView* records) {
  const absl::StatusOr<ByteView> opened =
      record::DecompressRecords(batch, scratch, static_cast<size_t>(config.decompressed_bytes_max()));
  if (!opened.ok()) {
    return absl::IsResourceExhausted(opened.status())
               ? Refusal(ErrorCode::kMessageTooLarge,
                         absl::StrCat(opened.status().message(), " (sluice.decompressed.max.bytes)"))
               : Refusal(ErrorCode::kInvalidRecord, std::string(opened.status().message()));
  }
  *records = *opened;
  return CheckOpenedRecords(batch, *records, config, now_ms);
}

// A header like that of `batch`, then `records` compressed; not hashed yet.
absl::Status Build(record::BatchView batch, ByteView records, const TopicConfig& config, Bytes* out) {
  const record::Codec codec = *config.codec();
  out->assign(batch.bytes().begin(), batch.bytes().begin() + record::kHeaderSize);
  if (absl::Status status = record::Compressor().Compress(codec, config.compression_level(), records, out);
      !status.ok()) {
    return status;
  }
  if (out->size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return absl::ResourceExhaustedError("the batch would pass 2 GiB, the format's end");
  }
  const int attributes = (batch.attributes() & ~record::kCodecMask) | static_cast<int>(codec);
  StoreBigEndian<int32_t>(out->data() + record::kLengthAt,
                          static_cast<int32_t>(out->size() - record::kLengthPrefixSize));
  StoreBigEndian<int16_t>(out->data() + record::kAttributesAt, static_cast<int16_t>(attributes));
  return absl::OkStatus();
}

ProduceVerdict TooLarge(size_t before, size_t after, const TopicConfig& config) {
  return Refusal(ErrorCode::kMessageTooLarge,
                 absl::StrCat("the batch came with ", before, " bytes and has ", after,
                              " once compressed as the topic's compression.type asks (",
                              record::CodecName(*config.codec()), "), above the ", config.max_message_bytes(),
                              " that max.message.bytes allows"));
}

}  // namespace

bool NeedsRecompression(record::BatchView batch, const TopicConfig& config) {
  return config.codec().has_value() && batch.codec() != *config.codec();
}

ProduceVerdict Recompress(record::BatchView batch, const ProduceVerdict& checked, const TopicConfig& config,
                          int64_t now_ms, Bytes* changed) {
  Bytes scratch;
  ByteView records = batch.records();
  ProduceVerdict verdict = checked;
  if (batch.is_compressed()) {
    verdict = Open(batch, config, now_ms, &scratch, &records);
    if (!verdict.ok()) {
      return verdict;
    }
  }
  if (const absl::Status built = Build(batch, records, config, changed); !built.ok()) {
    return Refusal(ErrorCode::kMessageTooLarge, std::string(built.message()));
  }
  if (changed->size() > static_cast<size_t>(config.max_message_bytes())) {
    return TooLarge(batch.size_bytes(), changed->size(), config);
  }
  if (verdict.max_timestamp_ms.has_value()) {
    record::SetMaxTimestamp(*changed, *std::exchange(verdict.max_timestamp_ms, std::nullopt));
  } else {
    record::RefreshCrc(*changed);
  }
  return verdict;
}

}  // namespace sluice::broker
