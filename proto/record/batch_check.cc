#include "proto/record/batch_check.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/record/compression.h"
#include "proto/record/record_iterator.h"

namespace sluice::record {
namespace {

using Problem = std::optional<BatchProblem>;

template <class... Args>
Problem Because(BatchError error, const Args&... message) {
  return BatchProblem{.error = error, .message = absl::StrCat(message...)};
}

// Holds for every batch, whoever wrote it.
Problem CheckHeader(BatchView batch) {
  if (batch.length() < 0 || static_cast<size_t>(batch.length()) + kLengthPrefixSize != batch.size_bytes()) {
    return Because(BatchError::kBadLength, "its length field says ", batch.length(), ", but ",
                   batch.size_bytes() - kLengthPrefixSize, " bytes follow it");
  }
  if (batch.magic() != kMagic) {
    return Because(BatchError::kBadMagic, "its message format is ", batch.magic(),
                   ", only 2 is supported: upgrade the client to one for Kafka 0.11 or later");
  }
  if (!CodecFromAttributes(batch.attributes())) {
    return Because(BatchError::kUnknownCodec, "compression codec ", batch.attributes() & kCodecMask,
                   " is none that Kafka has (0 to 4)");
  }
  if ((batch.attributes() & ~kKnownAttributes) != 0) {
    return Because(BatchError::kBadAttributes, "its attributes ", batch.attributes(),
                   " have bits set that mean nothing in this format");
  }
  const int32_t count = batch.record_count();
  const int64_t span = int64_t{batch.last_offset_delta()} + 1;
  if (count < 0 || span < 1 || count > span) {
    return Because(BatchError::kBadCount, "it says that it holds ", count, " records over ", span,
                   " offsets");
  }
  if (!batch.is_compressed() && batch.records().size() / kRecordSizeMin < static_cast<size_t>(count)) {
    return Because(BatchError::kBadCount, "it says that it holds ", count, " records, too many for its ",
                   batch.records().size(), " bytes of them");
  }
  return std::nullopt;
}

// Without a producer id, epoch and sequence mean nothing and are not looked at: KafkaJS and Sarama leave 0
// there where others write -1.
Problem CheckProducer(BatchView batch) {
  const bool contradicts = batch.has_producer()
                               ? batch.producer_epoch().value() < 0 || batch.base_sequence() < 0
                               : batch.producer_id() != kNoProducerId || batch.is_transactional();
  if (!contradicts) {
    return std::nullopt;
  }
  return Because(BatchError::kBadProducer, "producer id ", batch.producer_id().value(), ", epoch ",
                 batch.producer_epoch().value(), " and sequence ", batch.base_sequence(),
                 batch.is_transactional() ? " of a transaction" : "",
                 " contradict each other: an id comes with both, a transaction with an id");
}

Problem CheckRules(BatchView batch, const ProduceRules& rules) {
  if (batch.is_control()) {
    return Because(BatchError::kControlBatch, "control batches are written by brokers, not by producers");
  }
  if (batch.has_delete_horizon()) {
    return Because(BatchError::kBadAttributes, "a delete horizon is set by compaction, not by producers");
  }
  if (batch.timestamp_type() == TimestampType::kLogAppendTime) {
    return Because(BatchError::kBadTimestamp,
                   "its timestamp type is LogAppendTime: that is the broker's to set");
  }
  if (batch.codec() == Codec::kZstd && !rules.zstd_allowed) {
    return Because(BatchError::kUnknownCodec, "zstd needs version 7 or later of the Produce request");
  }
  if (batch.record_count() == 0 || batch.record_count() - 1 != batch.last_offset_delta()) {
    return Because(BatchError::kBadCount, "it says that it holds ", batch.record_count(),
                   " records, but its last "
                   "offset delta is ",
                   batch.last_offset_delta());
  }
  return CheckProducer(batch);
}

void Learn(const RecordView& record, int32_t delta, RecordFacts* facts) {
  if (delta == 0 || record.timestamp_ms < facts->min_timestamp) {
    facts->min_timestamp = record.timestamp_ms;
  }
  if (delta == 0 || record.timestamp_ms > facts->max_timestamp) {
    facts->max_timestamp = record.timestamp_ms;
    facts->max_timestamp_delta = delta;
  }
}

Problem WalkRecords(BatchView batch, ByteView records, bool keys_required, RecordFacts* facts) {
  RecordIterator it(batch, records);
  RecordView record;
  RecordFacts learnt{.known = true};
  for (int32_t delta = 0; it.Next(&record); ++delta) {
    if (record.offset != batch.OffsetAt(delta)) {
      return BatchProblem{
          .error = BatchError::kBadRecords,
          .message = absl::StrCat("record ", delta, " claims offset ", record.offset.value(), ", expected ",
                                  batch.OffsetAt(delta).value(), ": offset deltas count 0, 1, 2 and so on"),
          .record_index = delta};
    }
    if (keys_required && !record.key) {
      return BatchProblem{
          .error = BatchError::kNullKey,
          .message = absl::StrCat("record ", delta, " has no key, and the topic is compacted: give it a key"),
          .record_index = delta};
    }
    Learn(record, delta, &learnt);
  }
  if (const absl::Status status = it.status(); !status.ok()) {
    return Because(BatchError::kBadRecords, status.message());
  }
  if (facts != nullptr) {
    *facts = learnt;
  }
  return std::nullopt;
}

Problem OpenAndWalk(BatchView batch, const ProduceRules& rules, RecordFacts* facts, RecordOpener opener) {
  CHECK(opener.decompressor != nullptr && opener.scratch != nullptr);
  const absl::StatusOr<ByteView> records =
      opener.decompressor->DecompressRecords(batch, rules.decompressed_bytes_max, opener.scratch);
  if (!records.ok()) {
    const bool too_large = absl::IsResourceExhausted(records.status());
    return Because(too_large ? BatchError::kTooLarge : BatchError::kBadRecords, records.status().message());
  }
  return WalkRecords(batch, *records, rules.keys_required, facts);
}

Problem TooLarge(size_t size_bytes, size_t size_bytes_max) {
  return Because(BatchError::kTooLarge, "it has ", size_bytes, " bytes, above the ", size_bytes_max,
                 " that max.message.bytes allows");
}

// Of a parse that found no whole batch.
Problem Describe(const BatchParse& parse, ByteView records) {
  if (parse.kind == BatchParse::Kind::kIncomplete) {
    return Because(BatchError::kTooShort, "the record batch is cut off: ", records.size(), " bytes of ",
                   parse.size_bytes_needed);
  }
  if (parse.error == BatchError::kBadMagic) {
    return Because(BatchError::kBadMagic, "message format ", LoadBigEndian<int8_t>(records.data() + kMagicAt),
                   ", only 2 is supported: upgrade the client to one for Kafka 0.11 or later");
  }
  return Because(parse.error, "the record batch's length field says ",
                 LoadBigEndian<int32_t>(records.data() + kLengthAt), ", less than its header");
}

absl::Status AsDataLoss(BatchView batch, const Problem& problem) {
  if (!problem) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat("record batch at offset ", batch.base_offset().value(), ", ",
                                          batch.size_bytes(), " bytes: ", problem->message));
}

}  // namespace

ErrorClass ClassOf(BatchError error) {
  switch (error) {
    case BatchError::kTooShort:
    case BatchError::kBadLength:
    case BatchError::kBadCrc:
    case BatchError::kBadOffset:
      return ErrorClass::kCorrupt;
    case BatchError::kBadMagic:
      return ErrorClass::kUnsupportedFormat;
    case BatchError::kUnknownCodec:
      return ErrorClass::kUnsupportedCompression;
    case BatchError::kTooLarge:
      return ErrorClass::kTooLarge;
    case BatchError::kBadTimestamp:
      return ErrorClass::kInvalidTimestamp;
    case BatchError::kBadCount:
    case BatchError::kBadAttributes:
    case BatchError::kBadProducer:
    case BatchError::kControlBatch:
    case BatchError::kBadRecords:
    case BatchError::kNullKey:
    case BatchError::kNotOneBatch:
      return ErrorClass::kInvalid;
  }
  return ErrorClass::kInvalid;
}

std::optional<BatchProblem> CheckProduced(ByteView records, const ProduceRules& rules, BatchView* batch,
                                          RecordFacts* facts, RecordOpener opener) {
  const BatchParse parse = ParseBatch(records);
  if (!parse.ok()) {
    return Describe(parse, records);
  }
  if (parse.batch.size_bytes() != records.size()) {
    return Because(BatchError::kNotOneBatch, records.size() - parse.batch.size_bytes(),
                   " bytes follow the record batch: a request holds exactly one batch a partition");
  }
  *batch = parse.batch;
  return CheckProducedBatch(parse.batch, rules, facts, opener);
}

std::optional<BatchProblem> CheckProducedBatch(BatchView batch, const ProduceRules& rules, RecordFacts* facts,
                                               RecordOpener opener) {
  if (facts != nullptr) {
    *facts = {};
  }
  if (batch.size_bytes() > rules.size_bytes_max) {
    return TooLarge(batch.size_bytes(), rules.size_bytes_max);
  }
  // First, because a damaged batch may look like anything, and only damage is worth sending again.
  if (rules.verify_crc && !CrcMatches(batch)) {
    return Because(BatchError::kBadCrc, "its CRC-32C does not match: it was damaged on the way");
  }
  if (Problem problem = CheckHeader(batch)) {
    return problem;
  }
  if (Problem problem = CheckRules(batch, rules)) {
    return problem;
  }
  if (!batch.is_compressed()) {
    return WalkRecords(batch, batch.records(), rules.keys_required, facts);
  }
  return rules.decompressed_bytes_max > 0 ? OpenAndWalk(batch, rules, facts, opener) : std::nullopt;
}

std::optional<BatchProblem> CheckOpenedRecords(BatchView batch, ByteView records, bool keys_required,
                                               RecordFacts* facts) {
  return WalkRecords(batch, records, keys_required, facts);
}

absl::Status ValidateStructure(BatchView batch) {
  if (absl::Status status = AsDataLoss(batch, CheckHeader(batch)); !status.ok()) {
    return status;
  }
  const int64_t base = batch.base_offset().value();
  if (base < 0 || base > std::numeric_limits<int64_t>::max() - batch.last_offset_delta() - 1) {
    return AsDataLoss(batch, Because(BatchError::kBadOffset, "no offset can be negative or that large"));
  }
  return absl::OkStatus();
}

absl::Status ValidateRecords(BatchView batch, RecordFacts* facts) {
  CHECK(!batch.is_compressed());
  return AsDataLoss(batch, WalkRecords(batch, batch.records(), /*keys_required=*/false, facts));
}

}  // namespace sluice::record
