#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "broker/config/broker_config.h"

namespace sluice::broker {
namespace {

using ::testing::HasSubstr;

std::string LoadError(std::vector<std::pair<std::string, std::string>> sets) {
  return std::string(BrokerConfig::Load({.sets = std::move(sets)}).status().message());
}

TEST(EndpointTest, NameHostAndPortAreTakenApart) {
  const auto endpoint = ParseEndpoint("PLAINTEXT://example.org:9092");
  ASSERT_TRUE(endpoint.ok());
  EXPECT_EQ(endpoint->name, "PLAINTEXT");
  EXPECT_EQ(endpoint->host, "example.org");
  EXPECT_EQ(endpoint->port, 9092);
}

TEST(EndpointTest, Ipv6LosesItsBracketsAndHostMayBeEmpty) {
  EXPECT_EQ(ParseEndpoint("A://[::1]:1")->host, "::1");
  EXPECT_EQ(ParseEndpoint("A://:9092")->host, "");
}

TEST(EndpointTest, MalformedOnesAreErrors) {
  for (const char* text :
       {"", "h:1", "://h:1", "A://h", "A://h:x", "A://h:65536", "A://::1:9092", "A://[]:1"}) {
    EXPECT_FALSE(ParseEndpoint(text).ok()) << text;
  }
}

TEST(ListenerRulesTest, OpenListenerIsRefusedUnlessAllowed) {
  EXPECT_THAT(LoadError({{"listeners", "PLAINTEXT://0.0.0.0:9092"}}),
              HasSubstr("sluice.allow.open.listener=true"));
  EXPECT_THAT(LoadError({{"listeners", "PLAINTEXT://:9092"}}), HasSubstr("every address"));
  EXPECT_THAT(LoadError({{"sluice.grpc.listener", "10.0.0.1:1"}}),
              HasSubstr("sluice.grpc.listener: other machines"));
  EXPECT_EQ(LoadError({{"listeners", "PLAINTEXT://:9092"}, {"sluice.allow.open.listener", "true"}}), "");
}

TEST(ListenerRulesTest, LoopbackInAnySpellingIsFine) {
  for (const char* host : {"localhost", "127.0.0.1", "127.1.2.3", "[::1]"}) {
    EXPECT_EQ(LoadError({{"listeners", absl::StrCat("PLAINTEXT://", host, ":0")}}), "") << host;
  }
}

TEST(ListenerRulesTest, ProtocolComesFromTheMapOrTheName) {
  EXPECT_EQ(LoadError({{"listeners", "INTERNAL://127.0.0.1:1"},
                       {"listener.security.protocol.map", "INTERNAL:PLAINTEXT,X:SSL"}}),
            "");
  EXPECT_THAT(LoadError({{"listeners", "SSL://127.0.0.1:1"}}), HasSubstr("needs the security protocol SSL"));
}

TEST(ListenerRulesTest, ControllerListenersAreLeftOut) {
  const auto config =
      BrokerConfig::Load({.sets = {{"listeners", "PLAINTEXT://127.0.0.1:1,CONTROLLER://:9093"},
                                   {"controller.listener.names", "CONTROLLER"}}});
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(ListenersOf(*config).size(), 1u);
  EXPECT_EQ(ListenersOf(*config)[0].name, "PLAINTEXT");
  EXPECT_THAT(LoadError({{"listeners", "C://127.0.0.1:1"}, {"controller.listener.names", "C"}}),
              HasSubstr("none is left"));
}

TEST(ListenerRulesTest, NamesAreUniqueAndAdvertisedHostsAreReal) {
  EXPECT_THAT(LoadError({{"listeners", "PLAINTEXT://127.0.0.1:1,PLAINTEXT://127.0.0.1:2"}}),
              HasSubstr("used twice"));
  EXPECT_THAT(LoadError({{"advertised.listeners", "PLAINTEXT://0.0.0.0:1"}}), HasSubstr("names no host"));
  EXPECT_EQ(LoadError({{"advertised.listeners", "PLAINTEXT://broker.example.org:19092"}}), "");
}

}  // namespace
}  // namespace sluice::broker
