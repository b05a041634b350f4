// Record batches from anywhere: whatever the bytes, nothing may be read outside them, a decompressed size
// stays within its bound, and a batch that the broker takes must be one that a consumer can read to its end.
// And what the builder writes, the iterator gives back.
#include <fuzzer/FuzzedDataProvider.h>

#include <string>
#include <vector>

#include "proto/base/check.h"
#include "proto/record/batch_builder.h"
#include "proto/record/batch_check.h"
#include "proto/record/batch_patch.h"
#include "proto/record/compression.h"
#include "proto/record/control_record.h"
#include "proto/record/record_iterator.h"

namespace sluice::record {
namespace {

constexpr size_t kDecompressedMax = 256 * 1024;
constexpr int kCodecs = 5;

// Touches every byte that a view shows, for the sanitizer to see.
size_t Touch(ByteView bytes) {
  size_t sum = 0;
  for (const std::byte byte : bytes) {
    sum += static_cast<size_t>(byte);
  }
  return sum;
}

bool ReadsToItsEnd(BatchView batch, ByteView records) {
  RecordIterator it(batch, records);
  size_t sum = 0;
  for (RecordView record; it.Next(&record);) {
    sum += Touch(record.key.value_or(ByteView())) + Touch(record.value.value_or(ByteView()));
    for (const HeaderView& header : record.headers) {
      sum += Touch(AsBytes(header.key)) + Touch(header.value.value_or(ByteView()));
    }
    (void)ParseEndTxnMarker(record);
  }
  volatile size_t keep = sum;
  (void)keep;
  return it.status().ok() && it.records_read() == batch.record_count();
}

void CheckAndRead(BatchView batch) {
  Decompressor decompressor;
  Bytes scratch;
  (void)VerifyCrc(batch);
  (void)ValidateStructure(batch);
  (void)ParseEndTxnBatch(batch);
  RecordFacts facts;
  const ProduceRules rules{.verify_crc = false, .decompressed_bytes_max = kDecompressedMax};
  const bool taken = !CheckProducedBatch(batch, rules, &facts, {&decompressor, &scratch});
  const absl::StatusOr<ByteView> records = decompressor.DecompressRecords(batch, kDecompressedMax, &scratch);
  CHECK(!taken || records.ok());
  if (records.ok()) {
    CHECK(!batch.is_compressed() || records->size() <= kDecompressedMax);
    const bool readable = ReadsToItsEnd(batch, *records);
    CHECK(readable || !taken);
  }
}

void ReadBatches(ByteView bytes) {
  BatchParse parse = ParseBatch(bytes);
  for (; parse.ok(); parse = ParseBatch(bytes)) {
    CHECK(PeekBatchSize(bytes) == parse.batch.size_bytes());
    CheckAndRead(parse.batch);
    bytes = bytes.subspan(parse.batch.size_bytes());
  }
  CHECK(parse.kind == BatchParse::Kind::kCorrupt || parse.size_bytes_needed > bytes.size());
}

// A header without fault around whatever records: gets past the checks that random bytes would die at.
void ReadRecords(FuzzedDataProvider& data) {
  BatchBuilder builder;
  CHECK_OK(builder.Append(0, {}, {}));
  Bytes batch = ToBytes(builder.Build()->first(kHeaderSize));
  StoreBigEndian<int16_t>(batch.data() + kAttributesAt, data.ConsumeIntegral<int8_t>());
  const auto count = data.ConsumeIntegral<uint8_t>();
  StoreBigEndian<int32_t>(batch.data() + kRecordCountAt, count);
  StoreBigEndian<int32_t>(batch.data() + kLastOffsetDeltaAt, count - 1);
  StoreBigEndian<int64_t>(batch.data() + kBaseTimestampAt, data.ConsumeIntegral<int64_t>());
  const std::string records = data.ConsumeRemainingBytesAsString();
  batch.insert(batch.end(), AsBytes(records).begin(), AsBytes(records).end());
  StoreBigEndian<int32_t>(batch.data() + kLengthAt, static_cast<int32_t>(batch.size() - kLengthPrefixSize));
  RefreshCrc(batch);
  ReadBatches(batch);
}

struct Written {
  int64_t timestamp_ms;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

std::optional<std::string> ConsumeNullable(FuzzedDataProvider& data) {
  return data.ConsumeBool() ? std::optional(data.ConsumeRandomLengthString(64)) : std::nullopt;
}

std::optional<ByteView> View(const std::optional<std::string>& text) {
  return text ? std::optional(AsBytes(*text)) : std::nullopt;
}

bool Same(const std::optional<std::string>& written, const std::optional<ByteView>& read) {
  return written.has_value() == read.has_value() && (!written || *written == AsText(*read));
}

Written ConsumeRecord(FuzzedDataProvider& data) {
  Written record{data.ConsumeIntegral<int64_t>(), ConsumeNullable(data), ConsumeNullable(data), {}};
  for (int i = data.ConsumeIntegralInRange(0, 3); i > 0; --i) {
    record.headers.emplace_back(data.ConsumeRandomLengthString(8), ConsumeNullable(data));
  }
  return record;
}

void Append(const Written& record, BatchBuilder* builder) {
  std::vector<Header> headers;
  for (const auto& [key, value] : record.headers) {
    headers.push_back({key, View(value)});
  }
  const size_t before = builder->EstimatedSize();
  const size_t size_max = BatchBuilder::RecordSizeMax(View(record.key), View(record.value), headers);
  CHECK_OK(builder->Append(record.timestamp_ms, View(record.key), View(record.value), headers));
  CHECK_LE(builder->EstimatedSize() - before, size_max);
}

void CheckSame(const Written& written, const RecordView& read) {
  CHECK_EQ(written.timestamp_ms, read.timestamp_ms);
  CHECK(Same(written.key, read.key) && Same(written.value, read.value));
  CHECK_EQ(written.headers.size(), read.headers.size());
  auto expected = written.headers.begin();
  for (const HeaderView& header : read.headers) {
    CHECK(expected->first == header.key && Same(expected->second, header.value));
    ++expected;
  }
}

void RoundTrip(FuzzedDataProvider& data) {
  BatchBuilder builder({.codec = static_cast<Codec>(data.ConsumeIntegralInRange(0, kCodecs - 1))});
  std::vector<Written> records;
  do {
    records.push_back(ConsumeRecord(data));
    Append(records.back(), &builder);
  } while (data.remaining_bytes() > 0);

  const absl::StatusOr<ByteView> bytes = builder.Build();
  CHECK_OK(bytes.status());
  const BatchView batch(*bytes);
  CHECK(!CheckProducedBatch(batch, {}));
  Bytes scratch;
  const absl::StatusOr<ByteView> decompressed = DecompressRecords(batch, &scratch, 64 << 20);
  CHECK_OK(decompressed.status());
  RecordIterator it(batch, *decompressed);
  RecordView read;
  for (const Written& written : records) {
    CHECK(it.Next(&read));
    CheckSame(written, read);
  }
  CHECK(!it.Next(&read));
  CHECK_OK(it.status());
}

void Decompress(FuzzedDataProvider& data) {
  const auto codec = static_cast<Codec>(data.ConsumeIntegralInRange(1, kCodecs - 1));
  const size_t max_bytes = data.ConsumeIntegralInRange<size_t>(0, kDecompressedMax);
  const std::string in = data.ConsumeRemainingBytesAsString();
  Bytes scratch;
  const absl::StatusOr<ByteView> out = Decompressor().Decompress(codec, AsBytes(in), max_bytes, &scratch);
  CHECK(!out.ok() || out->size() <= max_bytes);
  CHECK_LE(scratch.size(), max_bytes + 1);
}

}  // namespace
}  // namespace sluice::record

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace sluice::record;
  FuzzedDataProvider data(bytes, size);
  switch (data.ConsumeIntegralInRange(0, 3)) {
    case 0:
      ReadBatches(sluice::AsBytes(data.ConsumeRemainingBytesAsString()));
      break;
    case 1:
      ReadRecords(data);
      break;
    case 2:
      RoundTrip(data);
      break;
    default:
      Decompress(data);
      break;
  }
  return 0;
}
