// Request and response headers: which layout, and what of a request that nobody knows.
#include "proto/kafka/header.h"

#include <gtest/gtest.h>

namespace sluice::kafka {
namespace {

constexpr int16_t kProduce = 0;
constexpr int16_t kApiVersions = 18;
constexpr int16_t kSaslHandshake = 17;

Bytes Encoded(const RequestHeader& header) {
  WireWriter out;
  EncodeRequestHeader(out, header);
  EXPECT_TRUE(out.ok()) << out.error();
  return out.Take();
}

RequestHeader Decoded(ByteView frame) {
  WireReader in(frame);
  RequestHeader header;
  DecodeRequestHeader(in, &header);
  EXPECT_TRUE(in.ok()) << in.error();
  return header;
}

TEST(HeaderTest, ClassicRequestHeaderHasNoTags) {
  const RequestHeader header{.api_key = kProduce, .api_version = 8, .correlation_id = 7, .client_id = "abc"};
  const Bytes bytes = Encoded(header);
  EXPECT_EQ(AsText(bytes), absl::string_view("\0\0\0\x08\0\0\0\x07\0\x03"
                                             "abc",
                                             13));
  EXPECT_EQ(Decoded(bytes), header);
}

TEST(HeaderTest, FlexibleRequestHeaderKeepsTheClassicClientId) {
  const RequestHeader header{.api_key = kProduce, .api_version = 9, .correlation_id = 7, .client_id = "abc"};
  const Bytes bytes = Encoded(header);
  EXPECT_EQ(AsText(bytes), absl::string_view("\0\0\0\x09\0\0\0\x07\0\x03"
                                             "abc\0",
                                             14));
  EXPECT_EQ(Decoded(bytes), header);
}

TEST(HeaderTest, ClientIdMayBeNull) {
  const RequestHeader header{.api_key = kProduce, .api_version = 9, .correlation_id = 7, .client_id = {}};
  EXPECT_EQ(Decoded(Encoded(header)).client_id, std::nullopt);
}

TEST(HeaderTest, UnknownKeyStillTellsKeyVersionAndCorrelation) {
  const Bytes bytes = ToBytes(AsBytes(absl::string_view("\x7f\x01\0\x02\0\0\0\x03rest", 12)));
  WireReader in(bytes);
  RequestHeader header;
  DecodeRequestHeader(in, &header);
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(header,
            (RequestHeader{.api_key = 0x7f01, .api_version = 2, .correlation_id = 3, .client_id = {}}));
  EXPECT_EQ(in.remaining(), 4u);
}

TEST(HeaderTest, VersionBeyondTheKnownOnesHasTheFlexibleHeader) {
  EXPECT_EQ(RequestHeaderVersion(kApiVersions, 99), 2);
  EXPECT_EQ(RequestHeaderVersion(kApiVersions, -1), 1);
}

TEST(HeaderTest, ApiVersionsResponseHeaderIsNeverFlexible) {
  EXPECT_EQ(RequestHeaderVersion(kApiVersions, 3), 2);
  EXPECT_EQ(ResponseHeaderVersion(kApiVersions, 3), 0);
  EXPECT_EQ(ResponseHeaderVersion(kProduce, 8), 0);
  EXPECT_EQ(ResponseHeaderVersion(kProduce, 9), 1);
  EXPECT_EQ(ResponseHeaderVersion(kSaslHandshake, 1), 0);
}

TEST(HeaderTest, ResponseHeaderCarriesTheCorrelationId) {
  for (const int16_t version : std::initializer_list<int16_t>{8, 9}) {
    WireWriter out;
    EncodeResponseHeader(out, kProduce, version, 1234);
    EXPECT_EQ(out.buffer().size(), version >= 9 ? 5u : 4u);
    WireReader in(out.buffer());
    int32_t correlation_id = 0;
    DecodeResponseHeader(in, kProduce, version, &correlation_id);
    EXPECT_TRUE(in.ok());
    EXPECT_EQ(correlation_id, 1234);
    EXPECT_EQ(in.remaining(), 0u);
  }
}

TEST(HeaderTest, TruncatedHeaderIsAnError) {
  const Bytes bytes =
      Encoded({.api_key = kProduce, .api_version = 9, .correlation_id = 7, .client_id = "abc"});
  for (size_t size = 0; size < bytes.size(); ++size) {
    WireReader in(ByteView(bytes).first(size));
    RequestHeader header;
    DecodeRequestHeader(in, &header);
    EXPECT_FALSE(in.ok()) << size;
  }
}

}  // namespace
}  // namespace sluice::kafka
