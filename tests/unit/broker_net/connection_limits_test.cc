#include "broker/net/connection_limits.h"

#include "gtest/gtest.h"

namespace sluice::broker {
namespace {

const asio::ip::address kHere = asio::ip::make_address("10.0.0.1");
const asio::ip::address kThere = asio::ip::make_address("10.0.0.2");

TEST(ConnectionLimits, TotalIsBounded) {
  ConnectionLimits limits(2, 10);
  auto first = limits.Admit(kHere);
  auto second = limits.Admit(kThere);
  const auto third = limits.Admit(kThere);
  EXPECT_EQ(third.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(third.status().message().find("max.connections"), absl::string_view::npos);
}

TEST(ConnectionLimits, OneAddressIsBounded) {
  ConnectionLimits limits(10, 1);
  auto first = limits.Admit(kHere);
  EXPECT_FALSE(limits.Admit(kHere).ok());
  EXPECT_TRUE(limits.Admit(kThere).ok());
}

TEST(ConnectionLimits, TicketGivesItsPlaceBackOnce) {
  ConnectionLimits limits(1, 1);
  {
    auto ticket = limits.Admit(kHere);
    ConnectionLimits::Ticket moved = *std::move(ticket);
    EXPECT_EQ(limits.total(), 1u);
    EXPECT_FALSE(limits.AwaitNone(absl::ZeroDuration()));
  }
  EXPECT_EQ(limits.total(), 0u);
  EXPECT_TRUE(limits.AwaitNone(absl::ZeroDuration()));
  EXPECT_TRUE(limits.Admit(kHere).ok());
}

}  // namespace
}  // namespace sluice::broker
