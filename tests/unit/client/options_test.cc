#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/internal/options_check.h"
#include "client/internal/status.h"
#include "sluice/errors.h"

namespace sluice::client_internal {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

std::string MessageOf(const absl::Status& status) {
  return std::string(status.message());
}

TEST(OptionsTest, DefaultsAreFine) {
  EXPECT_TRUE(CheckOptions(ClientOptions{}).ok());
  EXPECT_TRUE(CheckOptions(ProducerOptions{}).ok());
  EXPECT_TRUE(CheckOptions(ConsumerOptions{}).ok());
}

TEST(OptionsTest, ContradictionsAreNamed) {
  ProducerOptions weak;
  weak.acks = Acks::kLeader;
  EXPECT_THAT(MessageOf(CheckOptions(weak)), HasSubstr("needs acks = kAll"));
  weak.idempotent = false;
  EXPECT_TRUE(CheckOptions(weak).ok());
  ProducerOptions deep;
  deep.in_flight_max = 6;
  EXPECT_THAT(MessageOf(CheckOptions(deep)), HasSubstr("in_flight_max"));
  ClientOptions hasty;
  hasty.connect_timeout = 0ms;
  EXPECT_THAT(MessageOf(CheckOptions(hasty)), HasSubstr("connect_timeout is 0 ms"));
}

TEST(StatusTest, CarriesKafkasCodeAndReason) {
  const absl::Status status =
      KafkaStatus(int16_t{36}, "create topic \"t\"", "it is there", "use another name");
  EXPECT_TRUE(absl::IsAlreadyExists(status));
  EXPECT_EQ(KafkaErrorCode(status), 36);
  EXPECT_EQ(MessageOf(status), "create topic \"t\": TOPIC_ALREADY_EXISTS: it is there; use another name");
  EXPECT_EQ(KafkaErrorCode(Annotated(status, "outer")), 36);
  EXPECT_EQ(KafkaErrorCode(absl::InternalError("x")), std::nullopt);
  EXPECT_TRUE(IsRetriable(KafkaStatus(int16_t{6}, "x")));
  EXPECT_FALSE(IsRetriable(status));
}

}  // namespace
}  // namespace sluice::client_internal
