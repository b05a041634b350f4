// The four codecs of Kafka, as Kafka's clients write them: gzip, snappy in xerial's framing, lz4 frames,
// zstd.
//
// Decompression is bounded: it stops with ResourceExhausted as soon as the output would pass `max_bytes`, and
// never holds more than that, so a bomb costs its receiver no more than it allowed. The other errors are
// DataLoss: the bytes are not what the codec writes.
//
// Compressor and Decompressor keep the codecs' working memory from one call to the next; make one and keep it
// where many batches pass. Both are thread-compatible: one thread at a time.
#pragma once

#include <limits>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/base/bytes.h"
#include "proto/record/batch_view.h"

namespace sluice::record {

// Each codec's own default: gzip 6, lz4 its fast mode, zstd 3. Snappy has no levels.
inline constexpr int kDefaultLevel = std::numeric_limits<int>::min();

class Compressor {
 public:
  Compressor();
  ~Compressor();
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;

  // Appends the compressed form of `in` to `out`; kNone appends `in` as it is.
  absl::Status Compress(Codec codec, int level, ByteView in, Bytes* out);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(Decompressor&&) noexcept;
  Decompressor& operator=(Decompressor&&) noexcept;

  // The result lies in `scratch`, whose size is not the result's: it only grows, so that it is zeroed once
  // and not at each call. kNone copies nothing and returns `in`.
  absl::StatusOr<ByteView> Decompress(Codec codec, ByteView in, size_t max_bytes, Bytes* scratch);

  // The records of `batch`, ready for RecordIterator.
  absl::StatusOr<ByteView> DecompressRecords(BatchView batch, size_t max_bytes, Bytes* scratch);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

// The same for a single use.
absl::Status Compress(Codec codec, int level, ByteView in, Bytes* out);
absl::StatusOr<ByteView> DecompressRecords(BatchView batch, Bytes* scratch, size_t max_bytes);

}  // namespace sluice::record
