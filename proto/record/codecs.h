// Internal to proto/record: what each codec offers. Classes where it has working memory worth keeping.
#pragma once

#include <algorithm>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/base/bytes.h"

namespace sluice::record {

// Where a decompressor writes: room that doubles up to one byte above `max_bytes`. Whoever fills that byte
// has shown that the output is too large.
class BoundedOutput {
 public:
  BoundedOutput(Bytes* scratch, size_t max_bytes)
      : scratch_(scratch), limit_(std::max(max_bytes, max_bytes + 1)) {}

  // Room for at least one more byte; empty when the limit is reached.
  MutableByteView Room() {
    if (used_ == scratch_->size()) {
      Reserve(std::max<size_t>(used_, kStep));
    }
    return MutableByteView(*scratch_).first(std::min(scratch_->size(), limit_)).subspan(used_);
  }
  // Room for `more` bytes, as far as the limit allows.
  void Reserve(size_t more) {
    const size_t wanted = more > limit_ - used_ ? limit_ : used_ + more;
    if (scratch_->size() < wanted) {
      scratch_->resize(wanted);
    }
  }
  void Commit(size_t bytes) { used_ += bytes; }

  size_t left() const { return limit_ - 1 - std::min(used_, limit_ - 1); }
  bool exceeded() const { return used_ == limit_; }
  ByteView Written() const { return ByteView(*scratch_).first(used_); }
  absl::Status TooLarge(absl::string_view codec) const;

 private:
  static constexpr size_t kStep = size_t{16} * 1024;

  Bytes* scratch_;
  size_t limit_;
  size_t used_ = 0;
};

// What is said of compressed bytes that do not decode.
absl::Status BadInput(absl::string_view codec, absl::string_view reason);

class GzipDeflater {
 public:
  GzipDeflater();
  ~GzipDeflater();
  absl::Status Compress(int level, ByteView in, Bytes* out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class GzipInflater {
 public:
  GzipInflater();
  ~GzipInflater();
  // Takes several gzip members in a row, as gzip does.
  absl::Status Decompress(ByteView in, BoundedOutput* out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Snappy keeps no state. Compression writes the framing of xerial's snappy-java, which Kafka's clients
// expect; decompression takes that and bare snappy.
absl::Status SnappyCompress(ByteView in, Bytes* out);
absl::Status SnappyDecompress(ByteView in, BoundedOutput* out);

absl::Status Lz4Compress(int level, ByteView in, Bytes* out);

class Lz4Decompressor {
 public:
  Lz4Decompressor();
  ~Lz4Decompressor();
  absl::Status Decompress(ByteView in, BoundedOutput* out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class ZstdCompressor {
 public:
  ZstdCompressor();
  ~ZstdCompressor();
  absl::Status Compress(int level, ByteView in, Bytes* out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class ZstdDecompressor {
 public:
  ZstdDecompressor();
  ~ZstdDecompressor();
  absl::Status Decompress(ByteView in, BoundedOutput* out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::record
