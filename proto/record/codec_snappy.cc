// Xerial's framing: 8 bytes of magic, two int32 (version, lowest compatible version), then blocks of an int32
// length and as many bytes of bare snappy. Streams may follow each other, each with its own magic.
#include <snappy.h>

#include <array>
#include <cstring>

#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/record/codecs.h"

namespace sluice::record {
namespace {

constexpr std::array<uint8_t, 8> kMagic = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
constexpr size_t kStreamHeaderSize = kMagic.size() + 2 * sizeof(int32_t);
constexpr int32_t kVersion = 1;
constexpr size_t kBlockSize = size_t{32} * 1024;  // As snappy-java cuts them.
// Snappy's densest element makes 64 bytes out of 3; a length that claims more is a lie, and is found out
// before any memory is taken for it.
constexpr size_t kExpansionMax = 32;

bool StartsWithMagic(ByteView in) {
  return in.size() >= kStreamHeaderSize && std::memcmp(in.data(), kMagic.data(), kMagic.size()) == 0;
}

void AppendInt32(Bytes* out, int32_t value) {
  out->resize(out->size() + sizeof(value));
  StoreBigEndian(out->data() + out->size() - sizeof(value), value);
}

void AppendBlock(ByteView in, Bytes* out) {
  const size_t start = out->size();
  const size_t body = start + sizeof(int32_t);
  out->resize(body + snappy::MaxCompressedLength(in.size()));
  size_t written = 0;
  snappy::RawCompress(AsText(in).data(), in.size(), reinterpret_cast<char*>(out->data() + body), &written);
  StoreBigEndian(out->data() + start, static_cast<int32_t>(written));
  out->resize(body + written);
}

absl::Status DecompressBlock(ByteView block, BoundedOutput* out) {
  size_t size = 0;
  const char* data = AsText(block).data();
  if (!snappy::GetUncompressedLength(data, block.size(), &size) || size > block.size() * kExpansionMax) {
    return BadInput("snappy", "a block's uncompressed length is missing or impossible");
  }
  if (size > out->left()) {
    return out->TooLarge("snappy");
  }
  out->Reserve(size + 1);
  if (!snappy::RawUncompress(data, block.size(), reinterpret_cast<char*>(out->Room().data()))) {
    return BadInput("snappy", "a block does not decode to the length that it claims");
  }
  out->Commit(size);
  return absl::OkStatus();
}

}  // namespace

absl::Status SnappyCompress(ByteView in, Bytes* out) {
  const auto* magic = reinterpret_cast<const std::byte*>(kMagic.data());
  out->insert(out->end(), magic, magic + kMagic.size());
  AppendInt32(out, kVersion);
  AppendInt32(out, kVersion);
  while (!in.empty()) {
    const ByteView block = in.first(std::min(in.size(), kBlockSize));
    AppendBlock(block, out);
    in = in.subspan(block.size());
  }
  return absl::OkStatus();
}

absl::Status SnappyDecompress(ByteView in, BoundedOutput* out) {
  if (!StartsWithMagic(in)) {
    return DecompressBlock(in, out);
  }
  while (!in.empty()) {
    if (StartsWithMagic(in)) {
      in = in.subspan(kStreamHeaderSize);
      continue;
    }
    if (in.size() < sizeof(int32_t)) {
      return BadInput("snappy", "they end within a block's length");
    }
    const auto length = LoadBigEndian<int32_t>(in.data());
    in = in.subspan(sizeof(int32_t));
    if (length < 0 || static_cast<size_t>(length) > in.size()) {
      return BadInput("snappy", "a block's length reaches past the end");
    }
    if (absl::Status status = DecompressBlock(in.first(static_cast<size_t>(length)), out); !status.ok()) {
      return status;
    }
    in = in.subspan(static_cast<size_t>(length));
  }
  return absl::OkStatus();
}

}  // namespace sluice::record
