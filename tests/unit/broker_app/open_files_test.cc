#include "broker/app/open_files.h"

#include <sys/resource.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "broker/app/broker.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/base/check.h"
#include "proto/base/logger.h"
#include "proto/kafka/error_code.h"
#include "proto/kafka/gen/create_topics.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_dir.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using ::testing::HasSubstr;

TEST(OpenFilesTest, TheLimitIsRaisedAsFarAsItMayBe) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{.rlim_cur = 300, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(RaiseOpenFilesLimit(), static_cast<int64_t>(before.rlim_max));
  rlimit after{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(OpenFilesTest, PartitionsLeaveRoomForTheRest) {
  EXPECT_EQ(PartitionsWithin(20'000), 18'976);
  EXPECT_EQ(PartitionsWithin(1024), 768);
  EXPECT_EQ(PartitionsWithin(100), 0);
}

TEST(OpenFilesTest, ConnectionsThatDoNotFitAreAnnounced) {
  EXPECT_EQ(OpenFilesWarning(21'024, 10'000, 10'000), "");
  EXPECT_THAT(OpenFilesWarning(21'023, 10'000, 10'000), HasSubstr("raise the limit to 21024"));
  EXPECT_THAT(OpenFilesWarning(1'000, 10'000, 10'000), HasSubstr("some 0 connections"));
  EXPECT_THAT(OpenFilesWarning(1'000, 10, INT64_MAX),
              HasSubstr(absl::StrCat("raise the limit to ", INT64_MAX)));
}

class OpenFilesStartTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Broker>> Start(int64_t open_files) {
    BrokerConfig::Sources sources;
    sources.sets = {{"log.dirs", directory_ / "data"},
                    {"listeners", "PLAINTEXT://127.0.0.1:0"},
                    {"sluice.grpc.listener", ""}};
    auto config = BrokerConfig::Load(sources);
    CHECK_OK(config.status());
    return Broker::Start(*std::move(config), logger_, [](const std::string&) {}, {.open_files = open_files});
  }
  ErrorCode CreateTopic(uint16_t port, const std::string& name, int32_t partitions) {
    RawClient client(port);
    kafka::CreateTopicsRequest request;
    request.timeout_ms = 10'000;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = partitions;
    topic.replication_factor = 1;
    return static_cast<ErrorCode>(client.Call(request, 5).topics.at(0).error_code);
  }

  TempDir directory_;
  StderrLogger logger_;
};

TEST_F(OpenFilesStartTest, MoreThanCanBeHeldIsRefusedWhenMadeAndWhenFound) {
  {
    auto broker = Start(256 + 3);
    ASSERT_TRUE(broker.ok()) << broker.status();
    EXPECT_EQ(CreateTopic((*broker)->kafka_port(), "a", 3), ErrorCode::kNone);
    EXPECT_EQ(CreateTopic((*broker)->kafka_port(), "b", 1), ErrorCode::kPolicyViolation);
  }
  EXPECT_TRUE(Start(256 + 3).ok());
  const absl::Status refused = Start(256 + 2).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("ulimit -n"));
  EXPECT_TRUE(Start(256 + 3).ok());
}

}  // namespace
}  // namespace sluice::broker
