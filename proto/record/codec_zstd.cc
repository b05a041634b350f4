#include <zstd.h>

#include "proto/base/check.h"
#include "proto/record/codecs.h"
#include "proto/record/compression.h"

namespace sluice::record {
namespace {

// 128 MiB, the most that any level of the zstd tool uses without --long. A frame that asks for more is
// refused.
constexpr int kWindowLogMax = 27;
// A frame's claimed content size is believed, to save copies, only up to this much for each byte of input.
constexpr size_t kBelievedExpansionMax = 64;

}  // namespace

struct ZstdCompressor::State {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ~State() { ZSTD_freeCCtx(context); }
};

ZstdCompressor::ZstdCompressor() : state_(std::make_unique<State>()) {}
ZstdCompressor::~ZstdCompressor() = default;

absl::Status ZstdCompressor::Compress(int level, ByteView in, Bytes* out) {
  const int zstd_level = level == kDefaultLevel ? ZSTD_CLEVEL_DEFAULT : level;
  if (zstd_level < ZSTD_minCLevel() || zstd_level > ZSTD_maxCLevel()) {
    return absl::InvalidArgumentError(
        absl::StrCat("zstd level ", level, ": levels go from ", ZSTD_minCLevel(), " to ", ZSTD_maxCLevel()));
  }
  const size_t start = out->size();
  const size_t bound = ZSTD_compressBound(in.size());
  out->resize(start + bound);
  const size_t written =
      ZSTD_compressCCtx(state_->context, out->data() + start, bound, in.data(), in.size(), zstd_level);
  if (ZSTD_isError(written)) {
    out->resize(start);
    return absl::ResourceExhaustedError(
        absl::StrCat("zstd: cannot compress ", in.size(), " bytes: ", ZSTD_getErrorName(written)));
  }
  out->resize(start + written);
  return absl::OkStatus();
}

struct ZstdDecompressor::State {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  State() {
    if (context != nullptr) {
      CHECK(!ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, kWindowLogMax)));
    }
  }
  ~State() { ZSTD_freeDCtx(context); }
};

ZstdDecompressor::ZstdDecompressor() : state_(std::make_unique<State>()) {}
ZstdDecompressor::~ZstdDecompressor() = default;

absl::Status ZstdDecompressor::Decompress(ByteView in, BoundedOutput* out) {
  if (state_->context == nullptr) {
    return absl::ResourceExhaustedError("zstd: no memory for its context");
  }
  ZSTD_DCtx_reset(state_->context, ZSTD_reset_session_only);
  const unsigned long long claimed = ZSTD_getFrameContentSize(in.data(), in.size());
  if (claimed <= in.size() * kBelievedExpansionMax) {  // The error values are far above.
    out->Reserve(static_cast<size_t>(claimed) + 1);    // Room for all: zstd then needs no window of its own.
  }
  ZSTD_inBuffer input{in.data(), in.size(), 0};
  while (true) {
    const MutableByteView room = out->Room();
    if (room.empty()) {
      return out->TooLarge("zstd");
    }
    ZSTD_outBuffer output{room.data(), room.size(), 0};
    const size_t consumed_before = input.pos;
    const size_t hint = ZSTD_decompressStream(state_->context, &output, &input);
    if (ZSTD_isError(hint)) {
      return BadInput("zstd", ZSTD_getErrorName(hint));
    }
    out->Commit(output.pos);
    if (hint == 0 && input.pos == input.size) {
      return out->exceeded() ? out->TooLarge("zstd") : absl::OkStatus();
    }
    if (input.pos == consumed_before && output.pos == 0) {
      return BadInput("zstd", "they end before the frame does");
    }
  }
}

}  // namespace sluice::record
