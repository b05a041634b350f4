#include "proto/record/compression.h"

#include "absl/strings/str_cat.h"
#include "proto/record/codecs.h"

namespace sluice::record {
namespace {

absl::Status UnknownCodec(Codec codec) {
  return absl::UnimplementedError(
      absl::StrCat("compression codec ", static_cast<int>(codec),
                   " is none that Kafka has (0 to 4): a newer writer, or damage"));
}

// Contexts are made at first use: most programs meet one codec.
template <class T>
T& Ensure(std::unique_ptr<T>& context) {
  if (!context) {
    context = std::make_unique<T>();
  }
  return *context;
}

}  // namespace

absl::Status BoundedOutput::TooLarge(absl::string_view codec) const {
  return absl::ResourceExhaustedError(
      absl::StrCat(codec, " records decompress to more than the ", limit_ - 1,
                   " bytes allowed: send smaller batches, or raise the limit on decompressed bytes"));
}

absl::Status BadInput(absl::string_view codec, absl::string_view reason) {
  return absl::DataLossError(absl::StrCat(codec, " records do not decompress: ", reason));
}

struct Compressor::Contexts {
  std::unique_ptr<GzipDeflater> gzip;
  std::unique_ptr<ZstdCompressor> zstd;
};

Compressor::Compressor() : contexts_(std::make_unique<Contexts>()) {}
Compressor::~Compressor() = default;
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;

absl::Status Compressor::Compress(Codec codec, int level, ByteView in, Bytes* out) {
  switch (codec) {
    case Codec::kNone:
      out->insert(out->end(), in.begin(), in.end());
      return absl::OkStatus();
    case Codec::kGzip:
      return Ensure(contexts_->gzip).Compress(level, in, out);
    case Codec::kSnappy:
      return SnappyCompress(in, out);
    case Codec::kLz4:
      return Lz4Compress(level, in, out);
    case Codec::kZstd:
      return Ensure(contexts_->zstd).Compress(level, in, out);
  }
  return UnknownCodec(codec);
}

struct Decompressor::Contexts {
  std::unique_ptr<GzipInflater> gzip;
  std::unique_ptr<Lz4Decompressor> lz4;
  std::unique_ptr<ZstdDecompressor> zstd;

  absl::Status Decompress(Codec codec, ByteView in, BoundedOutput* out) {
    switch (codec) {
      case Codec::kGzip:
        return Ensure(gzip).Decompress(in, out);
      case Codec::kSnappy:
        return SnappyDecompress(in, out);
      case Codec::kLz4:
        return Ensure(lz4).Decompress(in, out);
      case Codec::kZstd:
        return Ensure(zstd).Decompress(in, out);
      case Codec::kNone:
        break;
    }
    return UnknownCodec(codec);
  }
};

Decompressor::Decompressor() : contexts_(std::make_unique<Contexts>()) {}
Decompressor::~Decompressor() = default;
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor& Decompressor::operator=(Decompressor&&) noexcept = default;

absl::StatusOr<ByteView> Decompressor::Decompress(Codec codec, ByteView in, size_t max_bytes,
                                                  Bytes* scratch) {
  if (codec == Codec::kNone) {
    return in;
  }
  BoundedOutput out(scratch, max_bytes);
  if (absl::Status status = contexts_->Decompress(codec, in, &out); !status.ok()) {
    return status;
  }
  return out.Written();
}

absl::StatusOr<ByteView> Decompressor::DecompressRecords(BatchView batch, size_t max_bytes, Bytes* scratch) {
  return Decompress(batch.codec(), batch.records(), max_bytes, scratch);
}

absl::Status Compress(Codec codec, int level, ByteView in, Bytes* out) {
  return Compressor().Compress(codec, level, in, out);
}

absl::StatusOr<ByteView> DecompressRecords(BatchView batch, Bytes* scratch, size_t max_bytes) {
  return Decompressor().DecompressRecords(batch, max_bytes, scratch);
}

}  // namespace sluice::record
