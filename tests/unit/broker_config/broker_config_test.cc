#include "broker/config/broker_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "broker/config/environment.h"
#include "proto/base/bytes.h"

namespace sluice::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A configuration file that goes away with the test.
class ConfigFile {
 public:
  explicit ConfigFile(absl::string_view text)
      : path_(absl::StrCat(testing::TempDir(), "/sluice-config-", getpid(), "-", next_++, ".properties")) {
    std::ofstream(path_) << ToStd(text);
  }
  ~ConfigFile() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  static inline int next_ = 0;
  std::string path_;
};

std::string LoadError(const BrokerConfig::Sources& sources) {
  return std::string(BrokerConfig::Load(sources).status().message());
}

TEST(BrokerConfigTest, DefaultsAreSafeAndLoad) {
  const auto config = BrokerConfig::Load({});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->List("listeners"), ElementsAre("PLAINTEXT://127.0.0.1:9092"));
  EXPECT_EQ(config->String("sluice.durability"), "synced");
  EXPECT_FALSE(config->Bool("auto.create.topics.enable"));
  EXPECT_EQ(config->Int("message.max.bytes"), 1048588);
  EXPECT_EQ(config->Int("node.id"), 1);
  EXPECT_EQ(config->SourceOf("node.id"), BrokerConfig::Source::kDefault);
}

TEST(BrokerConfigTest, LaterSourceWins) {
  const ConfigFile file("node.id=2\nnum.partitions=2\nlog.dirs=/a\n");
  BrokerConfig::Sources sources{.file = file.path(),
                                .environment = {{"SLUICE_NUM_PARTITIONS", "3"}, {"SLUICE_LOG_DIRS", "/b,/c"}},
                                .sets = {{"log.dirs", "/d"}, {"log.dirs", "/e"}}};
  const auto config = BrokerConfig::Load(sources);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->Int("node.id"), 2);
  EXPECT_EQ(config->Int("num.partitions"), 3);
  EXPECT_THAT(config->List("log.dirs"), ElementsAre("/e"));
  EXPECT_EQ(config->SourceOf("node.id"), BrokerConfig::Source::kStatic);
}

TEST(BrokerConfigTest, VariablesNameKeys) {
  EXPECT_EQ(ConfigNameOfVariable("SLUICE_LOG_DIRS"), "log.dirs");
  EXPECT_EQ(ConfigNameOfVariable("SLUICE_GRPC_LISTENER"), "sluice.grpc.listener");
  EXPECT_EQ(ConfigNameOfVariable("SLUICE_SLUICE_GRPC_LISTENER"), "sluice.grpc.listener");
  EXPECT_EQ(ConfigNameOfVariable("SLUICE_A__B___C_D"), "a_b-c.d");
  EXPECT_EQ(ConfigNameOfVariable("PATH"), "");
}

TEST(BrokerConfigTest, UnknownKeyNamesItsPlaceAndTheNearest) {
  const ConfigFile file("node.id=1\n\nlog.retension.ms=5\n");
  EXPECT_EQ(LoadError({.file = file.path()}),
            absl::StrCat(file.path(),
                         ":3: unknown config \"log.retension.ms\"; did you mean \"log.retention.ms\"?"));
  EXPECT_THAT(LoadError({.environment = {{"SLUICE_LOG_DIRR", "x"}}}),
              HasSubstr("environment variable SLUICE_LOG_DIRR: unknown config \"log.dirr\""));
  EXPECT_THAT(LoadError({.sets = {{"nodeid", "1"}}}), HasSubstr("--set nodeid=1: unknown config"));
}

TEST(BrokerConfigTest, BadValueNamesItsPlace) {
  EXPECT_THAT(LoadError({.sets = {{"node.id", "-3"}}}), HasSubstr("--set node.id=-3: config \"node.id\""));
}

TEST(BrokerConfigTest, MissingFileIsAnError) {
  EXPECT_THAT(LoadError({.file = "/nowhere/server.properties"}), HasSubstr("/nowhere/server.properties"));
}

TEST(BrokerConfigTest, KeysOfOtherKindsOfBrokersAreIgnoredAndListed) {
  const ConfigFile file("process.roles=broker,controller\nreplica.fetch.max.bytes=1\nzookeeper.connect=z\n");
  const auto config = BrokerConfig::Load({.file = file.path(), .sets = {{"process.roles", "broker"}}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->ignored(),
              ElementsAre("process.roles", "replica.fetch.max.bytes", "zookeeper.connect"));
}

TEST(BrokerConfigTest, ProtectionThatIsNotThereIsRefused) {
  EXPECT_THAT(LoadError({.sets = {{"authorizer.class.name", "x"}}}), HasSubstr("not supported yet"));
  EXPECT_THAT(LoadError({.sets = {{"ssl.keystore.location", "x"}}}), HasSubstr("not supported yet"));
}

TEST(BrokerConfigTest, OtherSpellingsGiveTheValueWhenTheFirstIsNotSet) {
  const auto config = BrokerConfig::Load({.sets = {{"log.retention.hours", "2"},
                                                   {"log.retention.minutes", "90"},
                                                   {"log.roll.hours", "24"},
                                                   {"broker.id", "7"},
                                                   {"log.dir", "/x"}}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->Int("log.retention.ms"), 90 * 60'000);
  EXPECT_EQ(config->Int("log.roll.ms"), 24 * 3600'000);
  EXPECT_EQ(config->Int("node.id"), 7);
  EXPECT_THAT(config->List("log.dirs"), ElementsAre("/x"));
  EXPECT_EQ(config->SourceOf("log.retention.ms"), BrokerConfig::Source::kStatic);
}

TEST(BrokerConfigTest, UnlimitedHoursAreUnlimitedMilliseconds) {
  const auto config = BrokerConfig::Load({.sets = {{"log.retention.hours", "-1"}}});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->Int("log.retention.ms"), -1);
}

TEST(BrokerConfigTest, KafkasOwnDefaultFileNeedsOnlyASafeListener) {
  const ConfigFile file(
      "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=localhost:9093\n"
      "listeners=PLAINTEXT://localhost:9092,CONTROLLER://"
      "localhost:9093\ninter.broker.listener.name=PLAINTEXT\n"
      "advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n"
      "controller.listener.names=CONTROLLER\n"
      "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL\n"
      "num.network.threads=3\nnum.io.threads=8\nsocket.send.buffer.bytes=102400\n"
      "socket.receive.buffer.bytes=102400\nsocket.request.max.bytes=104857600\nlog.dirs=/tmp/logs\n"
      "num.partitions=1\nnum.recovery.threads.per.data.dir=1\noffsets.topic.replication.factor=1\n"
      "transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\nlog.retention.hours=168\n"
      "log.segment.bytes=1073741824\nlog.retention.check.interval.ms=300000\n");
  EXPECT_EQ(LoadError({.file = file.path()}), "");
}

}  // namespace
}  // namespace sluice::broker
