#include "proto/base/uuid.h"

#include "absl/container/flat_hash_set.h"
#include "gtest/gtest.h"
#include "proto/base/random.h"

namespace sluice {
namespace {

TEST(UuidTest, IsWrittenAsKafkaWritesIt) {
  Uuid id;
  EXPECT_EQ(id.ToString(), "AAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_TRUE(id.IsZero());
  id.bytes[15] = 1;  // Kafka's own reserved id of the metadata topic.
  EXPECT_EQ(id.ToString(), "AAAAAAAAAAAAAAAAAAAAAQ");
  EXPECT_FALSE(id.IsZero());
}

TEST(UuidTest, GeneratedIdsAreVersion4AndReadBack) {
  Random random(1);
  absl::flat_hash_set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) {
    const Uuid id = Uuid::Generate(random);
    EXPECT_EQ(id.bytes[6] >> 4, 4);
    EXPECT_EQ(id.bytes[8] >> 6, 2);
    const std::string text = id.ToString();
    EXPECT_EQ(text.size(), 22u);
    EXPECT_NE(text.front(), '-') << "a command line would take it for a flag";
    const absl::StatusOr<Uuid> back = Uuid::Parse(text);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, id);
    EXPECT_TRUE(seen.insert(id).second);
  }
}

TEST(UuidTest, OtherTextIsRefusedAndQuoted) {
  for (const char* text : {"", "short", "AAAAAAAAAAAAAAAAAAAAA!", "AAAAAAAAAAAAAAAAAAAAAAA",
                           "00000000-0000-0000-0000-000000000000"}) {
    const absl::Status status = Uuid::Parse(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_NE(std::string(status.message()).find(text), std::string::npos);
  }
}

}  // namespace
}  // namespace sluice
