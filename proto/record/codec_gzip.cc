#include <zlib.h>

#include <limits>

#include "proto/base/check.h"
#include "proto/record/codecs.h"
#include "proto/record/compression.h"

namespace sluice::record {
namespace {

// The largest window, and 16 more for a gzip wrapper in place of zlib's.
constexpr int kGzipWindowBits = 15 + 16;

uInt Clamp(size_t size) {
  return static_cast<uInt>(std::min<size_t>(size, std::numeric_limits<uInt>::max()));
}

Bytef* MutableInput(ByteView in) {
  return reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
}

}  // namespace

struct GzipDeflater::State {
  z_stream stream{};
  bool open = false;
  int level = 0;

  ~State() { Close(); }
  void Close() {
    if (open) {
      deflateEnd(&stream);
      open = false;
    }
  }
  int Open(int new_level) {
    if (open && level == new_level) {
      return deflateReset(&stream);
    }
    Close();
    stream = {};
    const int result = deflateInit2(&stream, new_level, Z_DEFLATED, kGzipWindowBits, 8, Z_DEFAULT_STRATEGY);
    open = result == Z_OK;
    level = new_level;
    return result;
  }
};

GzipDeflater::GzipDeflater() : state_(std::make_unique<State>()) {}
GzipDeflater::~GzipDeflater() = default;

absl::Status GzipDeflater::Compress(int level, ByteView in, Bytes* out) {
  const int zlib_level = level == kDefaultLevel ? Z_DEFAULT_COMPRESSION : level;
  if (zlib_level < -1 || zlib_level > 9 || in.size() > std::numeric_limits<uInt>::max()) {
    return absl::InvalidArgumentError(
        absl::StrCat("gzip level ", level, " for ", in.size(), " bytes: levels go from 1 to 9 (0 stores)"));
  }
  if (state_->Open(zlib_level) != Z_OK) {
    return absl::ResourceExhaustedError("gzip: zlib got no memory for its window");
  }
  z_stream& stream = state_->stream;
  const size_t start = out->size();
  const size_t bound = deflateBound(&stream, static_cast<uLong>(in.size()));
  out->resize(start + bound);
  stream.next_in = MutableInput(in);
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out->data() + start);
  stream.avail_out = Clamp(bound);
  CHECK_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);  // deflateBound promised that it fits.
  out->resize(start + stream.total_out);
  return absl::OkStatus();
}

struct GzipInflater::State {
  z_stream stream{};
  bool open = false;

  ~State() {
    if (open) {
      inflateEnd(&stream);
    }
  }
  int Open() {
    if (open) {
      return inflateReset(&stream);
    }
    const int result = inflateInit2(&stream, kGzipWindowBits);
    open = result == Z_OK;
    return result;
  }
};

GzipInflater::GzipInflater() : state_(std::make_unique<State>()) {}
GzipInflater::~GzipInflater() = default;

absl::Status GzipInflater::Decompress(ByteView in, BoundedOutput* out) {
  if (state_->Open() != Z_OK) {
    return absl::ResourceExhaustedError("gzip: zlib got no memory for its window");
  }
  z_stream& stream = state_->stream;
  while (true) {
    const MutableByteView room = out->Room();
    if (room.empty()) {
      return out->TooLarge("gzip");
    }
    stream.next_in = MutableInput(in);
    stream.avail_in = Clamp(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = Clamp(room.size());
    const uInt offered_in = stream.avail_in;
    const uInt offered_out = stream.avail_out;
    const int result = inflate(&stream, Z_NO_FLUSH);
    in = in.subspan(offered_in - stream.avail_in);
    out->Commit(offered_out - stream.avail_out);
    if (result == Z_STREAM_END) {
      if (in.empty()) {
        return out->exceeded() ? out->TooLarge("gzip") : absl::OkStatus();
      }
      inflateReset(&stream);  // Another member follows.
    } else if (result == Z_BUF_ERROR && in.empty()) {
      return BadInput("gzip", "they end before the stream does");
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return BadInput("gzip", stream.msg != nullptr ? stream.msg : "zlib refused them");
    }
  }
}

}  // namespace sluice::record
