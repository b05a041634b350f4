// Input that lies about itself: it ends in an error, never beyond the frame, and never in a large allocation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/base/random.h"
#include "proto/kafka/gen/api_versions.h"
#include "proto/kafka/gen/find_coordinator.h"
#include "proto/kafka/gen/metadata.h"
#include "proto/kafka/gen/produce.h"
#include "proto/kafka/wire_reader.h"
#include "proto/kafka/wire_writer.h"
#include "tests/unit/kafka_wire/allocation_count.h"
#include "tests/unit/kafka_wire/golden.h"

namespace sluice::kafka {
namespace {

using testing::HasSubstr;

// The bytes that `write` gives.
template <class Write>
Bytes Written(Write write) {
  WireWriter out;
  write(out);
  return out.Take();
}

// Decodes a whole request, header and body; returns what was wrong.
std::string DecodeAnyRequest(ByteView frame) {
  WireReader in(frame);
  RequestHeader header;
  DecodeRequestHeader(in, &header);
  VisitRequest(header.api_key, [&](auto type) {
    typename decltype(type)::type message;
    message.Decode(in, header.api_version);
  });
  EXPECT_LE(in.position(), frame.size());
  return std::string(in.error());
}

TEST(HostileTest, GoldenCutAtAnyByteIsAnError) {
  for (const std::string& name : GoldenNames()) {
    const Bytes frame = ReadGolden(name);
    for (size_t size = 0; size < frame.size(); ++size) {
      // A copy of its own size, so that the address sanitizer sees a read beyond it.
      const Bytes cut(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(size));
      EXPECT_NE(DecodeAnyRequest(cut), "") << name << " cut at " << size;
    }
  }
}

TEST(HostileTest, GoldenWithAnyByteChangedNeverAllocatesMuch) {
  Random random(3);
  for (const std::string& name : GoldenNames()) {
    const Bytes frame = ReadGolden(name);
    for (size_t at = 0; at < frame.size(); ++at) {
      for (const auto value : {std::byte{0xff}, std::byte{0x7f}, static_cast<std::byte>(random.Next())}) {
        Bytes changed = frame;
        changed[at] = value;
        const AllocationCount count;
        DecodeAnyRequest(changed);
        EXPECT_LT(count.bytes(), 1000 + 100 * frame.size()) << name << " changed at " << at;
      }
    }
  }
}

TEST(HostileTest, CountsThatCannotFitAreRefusedBeforeAllocating) {
  for (const int32_t count :
       {std::numeric_limits<int32_t>::max(), 1 << 20, 6, -2, std::numeric_limits<int32_t>::min()}) {
    const Bytes frame = Written([&](WireWriter& out) {
      out.WriteInt32(count);
      out.WriteInt64(0);
    });
    const AllocationCount allocations;
    WireReader in(frame);
    MetadataRequest request;
    request.Decode(in, 1);
    EXPECT_FALSE(in.ok()) << count;
    EXPECT_LT(allocations.bytes(), 1000u) << count;
  }
}

TEST(HostileTest, CompactCountsThatCannotFitAreRefusedBeforeAllocating) {
  const Bytes frame = Written([](WireWriter& out) {
    out.WriteInt8(0);
    out.WriteUvarint(0xffffffff);
    out.WriteInt64(0);
  });
  const AllocationCount allocations;
  WireReader in(frame);
  FindCoordinatorRequest request;
  request.Decode(in, 4);
  EXPECT_THAT(std::string(in.error()), HasSubstr("array of 4294967294 elements"));
  EXPECT_LT(allocations.bytes(), 1000u);
}

TEST(HostileTest, StringsAndBytesBeyondTheRestAreErrors) {
  const Bytes frame = Written([](WireWriter& out) {
    out.WriteInt16(5);
    out.WriteInt32(0x61616161);
  });
  WireReader in(frame);
  EXPECT_EQ(in.ReadString(false), "");
  EXPECT_EQ(in.error(), "byte 2 of 6: string of 5 bytes, but only 4 are left");
}

TEST(HostileTest, NegativeLengthsOtherThanNullAreErrors) {
  const Bytes minus_two = Written([](WireWriter& out) { out.WriteInt16(-2); });
  WireReader in(minus_two);
  EXPECT_EQ(in.ReadNullableString(false), std::nullopt);
  EXPECT_THAT(std::string(in.error()), HasSubstr("negative length -2"));
}

TEST(HostileTest, NullWhereTheFieldCannotBeNullIsAnError) {
  const Bytes null = Written([](WireWriter& out) { out.WriteUvarint(0); });
  WireReader string(null);
  EXPECT_EQ(string.ReadString(true), "");
  EXPECT_FALSE(string.ok());
  WireReader array(null);
  EXPECT_EQ(array.ReadArrayCount(true, 1), 0u);
  EXPECT_FALSE(array.ok());
}

TEST(HostileTest, CompactStringBeyondKafkasLimitIsAnError) {
  const Bytes frame = Written([](WireWriter& out) {
    const Bytes content(32768);
    out.WriteBytes(content, /*flexible=*/true);
  });
  WireReader in(frame);
  in.ReadString(true);
  EXPECT_THAT(std::string(in.error()), HasSubstr("string of 32768 bytes is longer than the limit"));
}

TEST(HostileTest, OverlongVarintsAreErrors) {
  for (const absl::string_view text :
       {absl::string_view("\x80\x80\x80\x80\x80\x01", 6), absl::string_view("\xff\xff\xff\xff\x10", 5),
        absl::string_view("\x80\x80", 2), absl::string_view()}) {
    WireReader in(AsBytes(text));
    EXPECT_EQ(in.ReadUvarint(), 0u);
    EXPECT_FALSE(in.ok());
  }
}

TEST(HostileTest, NothingIsReadAfterTheFirstError) {
  const Bytes frame(8, std::byte{1});
  WireReader in(frame);
  in.Fail("first");
  in.Fail("second");
  EXPECT_EQ(in.error(), "byte 0 of 8: first");
  EXPECT_EQ(in.ReadInt64(), 0);
  EXPECT_EQ(in.ReadUvarint(), 0u);
  EXPECT_TRUE(in.ReadUuid().IsZero());
  EXPECT_EQ(in.ReadNullableBytes(false), std::nullopt);
  EXPECT_EQ(in.position(), 0u);
}

// A reader of an ApiVersions response that ends in this section of tagged fields.
std::string ErrorOfTags(absl::string_view tags) {
  const Bytes body = Written([](WireWriter& out) {
    out.WriteInt16(0);
    out.WriteArrayCount(0, /*flexible=*/true);
    out.WriteInt32(0);
  });
  const std::string frame = absl::StrCat(AsText(body), tags);
  WireReader in(AsBytes(frame));
  ApiVersionsResponse response;
  response.Decode(in, 3);
  EXPECT_TRUE(!in.ok() || in.remaining() == 0);
  return std::string(in.error());
}

TEST(TaggedFieldsTest, UnknownTagsAreSkipped) {
  EXPECT_EQ(ErrorOfTags(absl::string_view("\x02\x03\x01\x01\x63\x04junk", 10)), "");
}

TEST(TaggedFieldsTest, DuplicatesAreErrors) {
  EXPECT_THAT(ErrorOfTags(absl::string_view("\x02\x03\x01\x01\x03\x01\x01", 7)),
              HasSubstr("tagged field 3 after 3"));
  EXPECT_THAT(ErrorOfTags(absl::string_view("\x02\x63\x01x\x63\x01x", 7)),
              HasSubstr("tagged field 99 after 99"));
}

TEST(TaggedFieldsTest, FallingOrderIsAnError) {
  EXPECT_THAT(ErrorOfTags(absl::string_view("\x02\x63\x01x\x03\x01\x01", 7)), HasSubstr("tags must rise"));
}

TEST(TaggedFieldsTest, SizeBeyondTheRestIsAnError) {
  EXPECT_THAT(ErrorOfTags(absl::string_view("\x01\x63\x09x", 4)), HasSubstr("tagged field 99 of 9 bytes"));
}

TEST(TaggedFieldsTest, ContentLongerThanItsSizeIsAnError) {
  EXPECT_THAT(ErrorOfTags(absl::string_view("\x01\x01\x04\0\0\0\0\0\0\0\0", 11)),
              HasSubstr("only 4 are left"));
}

TEST(TaggedFieldsTest, ContentShorterThanItsSizeIsAnError) {
  EXPECT_THAT(ErrorOfTags(absl::string_view("\x01\x03\x02\x01\x01", 5)), HasSubstr("1 bytes longer"));
}

TEST(TaggedFieldsTest, MoreTagsThanBytesEndsInAnError) {
  EXPECT_NE(ErrorOfTags(absl::string_view("\xff\xff\xff\xff\x0f", 5)), "");
}

}  // namespace
}  // namespace sluice::kafka
