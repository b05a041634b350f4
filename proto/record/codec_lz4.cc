#include <lz4frame.h>
#include <lz4hc.h>

#include "proto/base/check.h"
#include "proto/record/codecs.h"
#include "proto/record/compression.h"

namespace sluice::record {

// Independent blocks of 64 KiB without a content size or checksum: what Kafka's Java reader takes, and what
// it writes. The batch's CRC already covers the bytes.
absl::Status Lz4Compress(int level, ByteView in, Bytes* out) {
  if (level != kDefaultLevel && level > LZ4HC_CLEVEL_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("lz4 level ", level, ": the highest is ", LZ4HC_CLEVEL_MAX));
  }
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.compressionLevel = level == kDefaultLevel ? 0 : level;
  const size_t start = out->size();
  const size_t bound = LZ4F_compressFrameBound(in.size(), &preferences);
  out->resize(start + bound);
  const size_t written = LZ4F_compressFrame(out->data() + start, bound, in.data(), in.size(), &preferences);
  if (LZ4F_isError(written)) {
    out->resize(start);
    return absl::ResourceExhaustedError(
        absl::StrCat("lz4: cannot compress ", in.size(), " bytes: ", LZ4F_getErrorName(written)));
  }
  out->resize(start + written);
  return absl::OkStatus();
}

struct Lz4Decompressor::State {
  LZ4F_dctx* context = nullptr;

  ~State() { LZ4F_freeDecompressionContext(context); }
  bool Open() {
    if (context != nullptr) {
      LZ4F_resetDecompressionContext(context);
      return true;
    }
    return !LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION));
  }
};

Lz4Decompressor::Lz4Decompressor() : state_(std::make_unique<State>()) {}
Lz4Decompressor::~Lz4Decompressor() = default;

absl::Status Lz4Decompressor::Decompress(ByteView in, BoundedOutput* out) {
  if (!state_->Open()) {
    return absl::ResourceExhaustedError("lz4: no memory for its context");
  }
  while (true) {
    const MutableByteView room = out->Room();
    if (room.empty()) {
      return out->TooLarge("lz4");
    }
    size_t produced = room.size();
    size_t consumed = in.size();
    // What is still to come of the frame; 0 at its end.
    const size_t hint =
        LZ4F_decompress(state_->context, room.data(), &produced, in.data(), &consumed, nullptr);
    if (LZ4F_isError(hint)) {
      return BadInput("lz4", LZ4F_getErrorName(hint));
    }
    in = in.subspan(consumed);
    out->Commit(produced);
    if (hint == 0 && in.empty()) {
      return out->exceeded() ? out->TooLarge("lz4") : absl::OkStatus();
    }
    if (consumed == 0 && produced == 0) {
      return BadInput("lz4", "they end before the frame does");
    }
  }
}

}  // namespace sluice::record
