#include "broker/config/config_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/base/bytes.h"

namespace sluice::broker {
namespace {

using ::testing::HasSubstr;

std::string Normal(absl::string_view key, absl::string_view value) {
  const auto normal = NormalConfigValue(*FindBrokerConfig(key), value);
  return normal.ok() ? *normal : std::string(normal.status().message());
}

TEST(ConfigValueTest, BytesTakeUnitsOf1024) {
  EXPECT_EQ(ParseByteCount("10"), 10);
  EXPECT_EQ(ParseByteCount("64KiB"), 65536);
  EXPECT_EQ(ParseByteCount("1 GB"), 1 << 30);
  EXPECT_EQ(ParseByteCount("2t"), 2ll << 40);
  EXPECT_EQ(ParseByteCount("-1"), -1);
  EXPECT_EQ(ParseByteCount("1.5GiB"), std::nullopt);
  EXPECT_EQ(ParseByteCount("9999999999G"), std::nullopt);
  EXPECT_EQ(ParseByteCount("7d"), std::nullopt);
  EXPECT_EQ(ParseByteCount(""), std::nullopt);
}

TEST(ConfigValueTest, DurationsCountTheUnitOfTheKey) {
  EXPECT_EQ(ParseDurationIn(1, "7d"), 604'800'000);
  EXPECT_EQ(ParseDurationIn(1, "500ms"), 500);
  EXPECT_EQ(ParseDurationIn(60'000, "2h"), 120);
  EXPECT_EQ(ParseDurationIn(3600'000, "168"), 168);
  EXPECT_EQ(ParseDurationIn(3600'000, "90m"), std::nullopt);
  EXPECT_EQ(ParseDurationIn(1, "7 days"), std::nullopt);
}

TEST(ConfigValueTest, ValuesAreKeptInOneSpelling) {
  EXPECT_EQ(Normal("log.retention.ms", " 7d "), "604800000");
  EXPECT_EQ(Normal("log.segment.bytes", "1GiB"), "1073741824");
  EXPECT_EQ(Normal("auto.create.topics.enable", "TRUE"), "true");
  EXPECT_EQ(Normal("log.dirs", " a , ,b"), "a,b");
  EXPECT_EQ(Normal("log.retention.minutes", ""), "");
}

TEST(ConfigValueTest, ErrorsNameKeyValueAndWhatIsAllowed) {
  EXPECT_EQ(Normal("log.append.method", "magic"),
            "config \"log.append.method\": the value \"magic\" is not allowed: it must be mmap or pwrite "
            "(How records "
            "reach a segment: stores into a mapped file, or pwrite(2) where that fails.)");
  EXPECT_THAT(Normal("log.retention.ms", "soon"),
              HasSubstr("a whole number, or one with a unit such as 500ms"));
  EXPECT_THAT(Normal("node.id", "x"), HasSubstr("it must be a whole number"));
  EXPECT_THAT(Normal("auto.create.topics.enable", "yes"), HasSubstr("it must be true or false"));
  EXPECT_THAT(Normal("listeners", ""), HasSubstr("a list of at least one"));
}

TEST(ConfigValueTest, RangesAreThoseOfTheKeyAndItsType) {
  EXPECT_THAT(Normal("log.segment.bytes", "1000"), HasSubstr("from 1048576 to 2147483647"));
  EXPECT_THAT(Normal("log.segment.bytes", "4GiB"), HasSubstr("from 1048576 to 2147483647"));
  EXPECT_THAT(Normal("min.insync.replicas", "2"), HasSubstr("from 1 to 1 (Copies that acks=all waits for."));
}

TEST(ConfigValueTest, EveryDefaultIsAllowed) {
  for (const auto defs : {BrokerConfigDefs(), TopicConfigDefs()}) {
    for (const ConfigDef& def : defs) {
      const auto normal = NormalConfigValue(def, def.default_value);
      ASSERT_TRUE(normal.ok()) << normal.status();
      EXPECT_EQ(*normal, ToStd(def.default_value)) << ToStd(def.name);
    }
  }
}

TEST(ConfigDefTest, EveryBrokerSynonymExistsWithTheSameTypeAndDefault) {
  for (const ConfigDef& def : TopicConfigDefs()) {
    if (def.broker_synonym.empty()) {
      continue;
    }
    const ConfigDef* synonym = FindBrokerConfig(def.broker_synonym);
    ASSERT_NE(synonym, nullptr) << ToStd(def.name);
    EXPECT_EQ(synonym->type, def.type) << ToStd(def.name);
    EXPECT_EQ(synonym->default_value, def.default_value) << ToStd(def.name);
  }
}

TEST(ConfigDefTest, UnknownKeyIsAnsweredWithTheNearest) {
  EXPECT_EQ(UnknownConfig("log.retension.ms", BrokerConfigDefs()).message(),
            "unknown config \"log.retension.ms\"; did you mean \"log.retention.ms\"?");
  EXPECT_EQ(UnknownConfig("colour", BrokerConfigDefs()).message(),
            "unknown config \"colour\"; docs/configuration.md lists all there are");
}

}  // namespace
}  // namespace sluice::broker
