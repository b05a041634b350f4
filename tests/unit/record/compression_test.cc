#include "proto/record/compression.h"

#include <snappy.h>

#include "proto/base/random.h"
#include "record_support.h"

namespace sluice::record {
namespace {

constexpr Codec kCodecs[] = {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};
constexpr size_t kMax = 8 << 20;

Bytes Repeated(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>(i % 97);
  }
  return bytes;
}

Bytes Noise(size_t size) {
  Random random(size);
  Bytes bytes(size);
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(random.Next());
  }
  return bytes;
}

Bytes Compressed(Codec codec, ByteView in, int level = kDefaultLevel) {
  Bytes out;
  CHECK_OK(Compress(codec, level, in, &out));
  return out;
}

TEST(CompressionTest, EveryCodecRoundTripsEverySize) {
  Compressor compressor;
  Decompressor decompressor;
  Bytes scratch;
  for (const Codec codec : kAllCodecs) {
    for (const size_t size : {0u, 1u, 100u, 32767u, 32768u, 32769u, 65536u, 65537u, 1u << 20}) {
      for (const Bytes& in : {Repeated(size), Noise(size)}) {
        Bytes out = FromInts({1, 2, 3});
        CHECK_OK(compressor.Compress(codec, kDefaultLevel, in, &out));
        EXPECT_EQ(out[2], std::byte{3}) << "Compress appends";
        const absl::StatusOr<ByteView> back =
            decompressor.Decompress(codec, ByteView(out).subspan(3), kMax, &scratch);
        ASSERT_TRUE(back.ok()) << CodecName(codec) << " " << size << ": " << back.status();
        EXPECT_EQ(ToBytes(*back), in) << CodecName(codec) << " " << size;
      }
    }
  }
}

TEST(CompressionTest, NoCodecCopiesNothing) {
  const Bytes in = Repeated(100);
  Bytes scratch;
  EXPECT_EQ(Decompressor().Decompress(Codec::kNone, in, kMax, &scratch)->data(), in.data());
  EXPECT_TRUE(scratch.empty());
}

TEST(CompressionTest, LevelsTradeTimeForSize) {
  const Bytes in = ToBytes(AsBytes(std::string(3000, 'a') + std::string(3000, 'b')));
  for (const auto& [codec, level] : {std::pair(Codec::kGzip, 9), std::pair(Codec::kLz4, 12),
                                     std::pair(Codec::kZstd, 19), std::pair(Codec::kZstd, -5)}) {
    Bytes scratch;
    const Bytes out = Compressed(codec, in, level);
    EXPECT_EQ(ToBytes(*Decompressor().Decompress(codec, out, kMax, &scratch)), in) << level;
  }
}

TEST(CompressionTest, OutputOfExactlyTheLimitPassesAndOneByteMoreDoesNot) {
  for (const Codec codec : kCodecs) {
    for (const size_t size : {1u, 1000u, 16384u, 100'000u}) {
      const Bytes out = Compressed(codec, Repeated(size));
      Bytes scratch;
      EXPECT_TRUE(Decompressor().Decompress(codec, out, size, &scratch).ok()) << CodecName(codec) << size;
      const absl::Status status = Decompressor().Decompress(codec, out, size - 1, &scratch).status();
      EXPECT_TRUE(absl::IsResourceExhausted(status)) << CodecName(codec) << " " << size << status;
    }
  }
}

TEST(CompressionTest, ABombStopsAtTheLimitWithMemoryToMatch) {
  const Bytes zeros(size_t{256} << 20);
  constexpr size_t kLimit = 1 << 20;
  for (const Codec codec : kCodecs) {
    const Bytes bomb = Compressed(codec, zeros);
    Bytes scratch;
    const absl::Status status = Decompressor().Decompress(codec, bomb, kLimit, &scratch).status();
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << CodecName(codec) << ": " << status;
    EXPECT_LE(scratch.capacity(), 2 * kLimit) << CodecName(codec);
  }
}

TEST(CompressionTest, InputCutAtAnyByteIsAnError) {
  const Bytes in = Repeated(300);
  for (const Codec codec : kCodecs) {
    const Bytes out = Compressed(codec, in);
    Decompressor decompressor;
    Bytes scratch;
    for (size_t size = 0; size < out.size(); ++size) {
      if (codec == Codec::kSnappy && size == 16) {
        continue;  // A stream header without blocks is an empty stream.
      }
      const Bytes cut = ToBytes(ByteView(out).first(size));
      const absl::Status status = decompressor.Decompress(codec, cut, kMax, &scratch).status();
      EXPECT_TRUE(absl::IsDataLoss(status)) << CodecName(codec) << " " << size << ": " << status;
    }
    // And the decompressor is as good as new after all these errors.
    EXPECT_EQ(ToBytes(*decompressor.Decompress(codec, out, kMax, &scratch)), in) << CodecName(codec);
  }
}

TEST(CompressionTest, FlippedBitsNeverEscapeTheBounds) {
  const Bytes in = Repeated(300);
  for (const Codec codec : kCodecs) {
    const Bytes out = Compressed(codec, in);
    Decompressor decompressor;
    for (size_t bit = 0; bit < out.size() * 8; ++bit) {
      Bytes flipped = out;
      flipped[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
      Bytes scratch;
      const absl::StatusOr<ByteView> back = decompressor.Decompress(codec, flipped, 4096, &scratch);
      if (back.ok()) {
        EXPECT_LE(back->size(), 4096u);
      }
      EXPECT_LE(scratch.size(), 16u * 1024);
    }
  }
}

TEST(CompressionTest, GzipMembersThatFollowEachOtherAreOneStream) {
  Bytes both = Compressed(Codec::kGzip, AsBytes("first "));
  const Bytes second = Compressed(Codec::kGzip, AsBytes("second"));
  both.insert(both.end(), second.begin(), second.end());
  Bytes scratch;
  EXPECT_EQ(AsText(*Decompressor().Decompress(Codec::kGzip, both, kMax, &scratch)), "first second");
}

TEST(CompressionTest, GzipWithGarbageBehindItIsRefused) {
  Bytes bytes = Compressed(Codec::kGzip, AsBytes("text"));
  bytes.push_back(std::byte{'x'});
  Bytes scratch;
  EXPECT_FALSE(Decompressor().Decompress(Codec::kGzip, bytes, kMax, &scratch).ok());
}

TEST(CompressionTest, BareSnappyIsReadToo) {
  std::string bare;
  snappy::Compress("records", 7, &bare);
  Bytes scratch;
  EXPECT_EQ(AsText(*Decompressor().Decompress(Codec::kSnappy, AsBytes(bare), kMax, &scratch)), "records");
}

TEST(CompressionTest, SnappyStreamsThatFollowEachOtherAreOneStream) {
  Bytes both = Compressed(Codec::kSnappy, AsBytes("first "));
  const Bytes second = Compressed(Codec::kSnappy, AsBytes("second"));
  both.insert(both.end(), second.begin(), second.end());
  Bytes scratch;
  EXPECT_EQ(AsText(*Decompressor().Decompress(Codec::kSnappy, both, kMax, &scratch)), "first second");
}

TEST(CompressionTest, ASnappyBlockThatClaimsTheImpossibleTakesNoMemory) {
  const Bytes liar = FromInts({0xff, 0xff, 0xff, 0x7f, 0, 0});  // 256 MiB out of two bytes.
  Bytes scratch;
  EXPECT_TRUE(
      absl::IsDataLoss(Decompressor().Decompress(Codec::kSnappy, liar, size_t{1} << 30, &scratch).status()));
  EXPECT_EQ(scratch.capacity(), 0u);
}

TEST(CompressionTest, AZstdFrameWithAWindowAbove128MibIsRefused) {
  // Magic, a descriptor without content size, window exponent 28 - 10 in the upper five bits; one empty
  // block.
  const Bytes frame = FromInts({0x28, 0xb5, 0x2f, 0xfd, 0x00, 18 << 3, 0x01, 0x00, 0x00});
  Bytes scratch;
  const absl::Status status = Decompressor().Decompress(Codec::kZstd, frame, kMax, &scratch).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST(CompressionTest, AnUnknownCodecIsNamed) {
  Bytes scratch;
  const absl::Status status =
      Decompressor().Decompress(static_cast<Codec>(5), Repeated(9), kMax, &scratch).status();
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_NE(std::string(status.message()).find("codec 5"), std::string::npos);
}

TEST(CompressionTest, LevelsOutOfRangeAreRefused) {
  Bytes out;
  EXPECT_TRUE(absl::IsInvalidArgument(Compress(Codec::kGzip, 10, Repeated(9), &out)));
  EXPECT_TRUE(absl::IsInvalidArgument(Compress(Codec::kLz4, 13, Repeated(9), &out)));
  EXPECT_TRUE(absl::IsInvalidArgument(Compress(Codec::kZstd, 23, Repeated(9), &out)));
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace sluice::record
