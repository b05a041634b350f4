// What the tests of this folder share: records as owned values, batches of them, and damage.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/record/batch_builder.h"
#include "proto/record/batch_patch.h"
#include "proto/record/batch_view.h"
#include "proto/record/compression.h"
#include "proto/record/record_iterator.h"

namespace sluice::record {

inline constexpr Codec kAllCodecs[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};
inline constexpr int64_t kNow = 1'700'000'000'000;

struct OwnedHeader {
  std::string key;
  std::optional<std::string> value;
  friend bool operator==(const OwnedHeader&, const OwnedHeader&) = default;
};

struct OwnedRecord {
  int64_t offset = 0;
  int64_t timestamp_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<OwnedHeader> headers{};
  friend bool operator==(const OwnedRecord&, const OwnedRecord&) = default;
};

inline std::optional<std::string> Own(std::optional<ByteView> bytes) {
  return bytes ? std::optional(std::string(AsText(*bytes))) : std::nullopt;
}
inline std::optional<ByteView> View(const std::optional<std::string>& text) {
  return text ? std::optional(AsBytes(*text)) : std::nullopt;
}

inline OwnedRecord Own(const RecordView& record) {
  OwnedRecord owned{record.offset.value(), record.timestamp_ms, Own(record.key), Own(record.value)};
  for (const HeaderView& header : record.headers) {
    owned.headers.push_back({std::string(header.key), Own(header.value)});
  }
  return owned;
}

inline void PrintTo(const OwnedRecord& record, std::ostream* out) {
  *out << record.offset << "@" << record.timestamp_ms << " " << record.key.value_or("(null)") << "="
       << record.value.value_or("(null)");
  for (const OwnedHeader& header : record.headers) {
    *out << " " << header.key << ":" << header.value.value_or("(null)");
  }
}

// All records, decompressed if need be; fails the test when they do not end well.
inline std::vector<OwnedRecord> ReadAll(BatchView batch) {
  Bytes scratch;
  const absl::StatusOr<ByteView> records = DecompressRecords(batch, &scratch, 64 << 20);
  EXPECT_TRUE(records.ok()) << records.status();
  std::vector<OwnedRecord> all;
  if (!records.ok()) {
    return all;
  }
  RecordIterator it(batch, *records);
  for (RecordView record; it.Next(&record);) {
    all.push_back(Own(record));
  }
  EXPECT_TRUE(it.status().ok()) << it.status();
  return all;
}

inline void AppendTo(BatchBuilder& builder, const OwnedRecord& record) {
  std::vector<Header> headers;
  for (const OwnedHeader& header : record.headers) {
    headers.push_back({header.key, View(header.value)});
  }
  CHECK_OK(builder.Append(record.timestamp_ms, View(record.key), View(record.value), headers));
}

inline Bytes Build(BatchBuilder& builder) {
  const absl::StatusOr<ByteView> batch = builder.Build();
  CHECK_OK(batch.status());
  return ToBytes(*batch);
}

inline Bytes BuildBatch(const std::vector<OwnedRecord>& records, const BatchOptions& options = {}) {
  BatchBuilder builder(options);
  for (const OwnedRecord& record : records) {
    AppendTo(builder, record);
  }
  return Build(builder);
}

// Three records with all that a record can have.
inline std::vector<OwnedRecord> SomeRecords() {
  return {{0, kNow, "key-0", "value-0", {}},
          {1, kNow + 7, std::nullopt, std::string(300, 'x'), {{"trace", "abc"}, {"none", std::nullopt}}},
          {2, kNow - 2, "", std::nullopt, {{"", ""}}}};
}

inline Bytes SomeBatch(const BatchOptions& options = {}) {
  return BuildBatch(SomeRecords(), options);
}

// The batch with one header field changed and the CRC made right again: a lie rather than damage.
template <class T>
Bytes With(Bytes batch, size_t at, T value) {
  StoreBigEndian<T>(batch.data() + at, value);
  RefreshCrc(batch);
  return batch;
}

// `records` (not compressed) under a header that claims `count` of them.
inline Bytes Wrap(const Bytes& records, int32_t count) {
  Bytes batch = SomeBatch();
  batch.resize(kHeaderSize);
  batch.insert(batch.end(), records.begin(), records.end());
  StoreBigEndian<int32_t>(batch.data() + kLengthAt, static_cast<int32_t>(batch.size() - kLengthPrefixSize));
  StoreBigEndian<int32_t>(batch.data() + kLastOffsetDeltaAt, count - 1);
  return With<int32_t>(std::move(batch), kRecordCountAt, count);
}

inline Bytes FromInts(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) {
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

}  // namespace sluice::record
