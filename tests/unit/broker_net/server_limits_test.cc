// What peers may not do: too many connections, too much memory, too slowly.
#include <sys/resource.h>

#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net_testing.h"
#include "tests/support/sanitizers.h"

namespace sluice::broker {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ServerLimits, ConnectionOverTheLimitIsClosedAtOnce) {
  TestServer test(Echo, {.connections_max = 2});
  Client first(test.port());
  auto second = std::make_unique<Client>(test.port());
  ASSERT_TRUE(Eventually([&] { return test.server->connections() == 2; }));
  Client third(test.port());
  EXPECT_TRUE(third.Closed());
  EXPECT_EQ(test.stats.connections_refused.value(), 1u);
  EXPECT_THAT(test.logger.text(), HasSubstr("max.connections"));
  first.Request("unharmed");
  EXPECT_EQ(first.Response(), "unharmed");

  second.reset();
  ASSERT_TRUE(Eventually([&] { return test.server->connections() == 1; }));
  Client fourth(test.port());
  fourth.Request("room again");
  EXPECT_EQ(fourth.Response(), "room again");
}

TEST(ServerLimits, OneAddressHasALimitOfItsOwn) {
  TestServer test(Echo, {.connections_per_address_max = 1});
  Client first(test.port());
  ASSERT_TRUE(Eventually([&] { return test.server->connections() == 1; }));
  Client second(test.port());
  EXPECT_TRUE(second.Closed());
  EXPECT_THAT(test.logger.text(), HasSubstr("max.connections.per.ip"));
}

TEST(ServerLimits, NoFurtherRequestIsReadWhileTooManyAreInFlight) {
  absl::Mutex mu;
  std::vector<ResponseSlot> held;
  std::atomic<int> handled = 0;
  TestServer test(
      [&](ByteView, const ConnectionInfo&, ResponseSlot slot) -> asio::awaitable<void> {
        absl::MutexLock lock(&mu);
        held.push_back(std::move(slot));
        ++handled;
        co_return;
      },
      {.in_flight_max = 3});
  Client client(test.port());
  std::string batch;
  for (int i = 0; i < 10; ++i) {
    batch += std::string(AsText(Framed("x")));
  }
  client.Send(AsBytes(batch));
  ASSERT_TRUE(Eventually([&] { return handled == 3; }));
  for (int answered = 0; answered < 10; ++answered) {
    ResponseSlot slot;
    {
      absl::MutexLock lock(&mu);
      slot = std::move(held.front());
      held.erase(held.begin());
      EXPECT_LE(handled, 3 + answered);
    }
    slot.Send({.bytes = Framed(absl::StrCat(answered)), .files = {}});
    ASSERT_EQ(client.Response(), absl::StrCat(answered));
    ASSERT_TRUE(Eventually([&] { return handled == std::min(10, 4 + answered); }));
  }
}

TEST(ServerLimits, NoFurtherRequestIsHandledWhileAnswersHoldTooMuchMemory) {
  constexpr int kRequests = 10;
  ResponseSlot held;
  std::atomic<int> handled = 0;
  const std::string large(600, 'x');
  TestServer test(
      [&](ByteView, const ConnectionInfo&, ResponseSlot slot) -> asio::awaitable<void> {
        if (handled++ == 0) {
          held = std::move(slot);  // Nothing can leave before it.
        } else {
          slot.Send({.bytes = Framed(large), .files = {}});
        }
        co_return;
      },
      {.response_bytes_max = 1000});
  Client client(test.port());
  std::string batch;
  for (int i = 0; i < kRequests; ++i) {
    batch += std::string(AsText(Framed("x")));
  }
  client.Send(AsBytes(batch));
  ASSERT_TRUE(Eventually([&] { return handled >= 3; }));
  ::poll(nullptr, 0, 20);
  EXPECT_EQ(handled, 3) << "one that is held, and the two whose answers are more than 1000 bytes";
  held.Send({.bytes = Framed("first"), .files = {}});
  EXPECT_EQ(client.Response(), "first");
  for (int i = 1; i < kRequests; ++i) {
    EXPECT_EQ(client.Response(), large);
  }
}

TEST(ServerLimits, IdleConnectionIsClosed) {
  TestServer test(Echo);
  Client client(test.port());
  client.Request("x");
  ASSERT_EQ(client.Response(), "x");
  test.clock.Advance(absl::Minutes(9));
  ::poll(nullptr, 0, 50);
  client.Request("y");
  ASSERT_EQ(client.Response(), "y");
  test.clock.Advance(absl::Minutes(11));
  EXPECT_TRUE(client.Closed());
  EXPECT_EQ(test.stats.closed_idle.value(), 1u);
  EXPECT_THAT(test.logger.text(), HasSubstr("connections.max.idle.ms"));
}

TEST(ServerLimits, ConnectionThatWaitsForItsAnswerIsNotIdle) {
  ResponseSlot held;
  std::atomic<bool> handled = false;
  TestServer test([&](ByteView, const ConnectionInfo&, ResponseSlot slot) -> asio::awaitable<void> {
    held = std::move(slot);
    handled = true;
    co_return;
  });
  Client client(test.port());
  client.Request("x");
  ASSERT_TRUE(Eventually([&] { return handled.load(); }));
  test.clock.Advance(absl::Minutes(60));
  ::poll(nullptr, 0, 50);
  held.Send({.bytes = Framed("late"), .files = {}});
  EXPECT_EQ(client.Response(), "late");
}

TEST(ServerLimits, RequestThatDripsInIsClosedAfterTheDeadline) {
  TestServer test(Echo);
  Client client(test.port());
  const Bytes wire = Framed("a request that never ends");
  for (size_t i = 0; i < 6; ++i) {
    client.Send(ByteView(wire).subspan(i, 1));
    ASSERT_TRUE(Eventually([&] { return test.stats.bytes_in.value() == i + 1; }));
    test.clock.Advance(absl::Seconds(11));
    ::poll(nullptr, 0, 20);
  }
  EXPECT_TRUE(client.Closed());
  EXPECT_EQ(test.stats.closed_slow_request.value(), 1u);
}

TEST(ServerLimits, AnnouncedRequestsTakeNoMemory) {
  TestServer test(Echo, {.receive_budget_bytes = 4 * 1024 * 1024});
  std::vector<std::unique_ptr<Client>> announcers;
  Bytes announcement(4);
  StoreBigEndian(announcement.data(), int32_t{100'000'000});
  for (int i = 0; i < 100; ++i) {
    announcers.push_back(std::make_unique<Client>(test.port()));
    announcers.back()->Send(announcement);
  }
  ASSERT_TRUE(Eventually([&] { return test.stats.bytes_in.value() == 400; }));
  Client client(test.port());
  client.Request("room is left");
  EXPECT_EQ(client.Response(), "room is left");
}

TEST(ServerLimits, RequestsThatFillTheBudgetTogetherAllComeThrough) {
  constexpr int kClients = 8;
  TestServer test(Echo, {.receive_budget_bytes = 2 * 1024 * 1024});
  const std::string body = Pattern(3'000'000);
  std::vector<std::thread> clients;
  std::atomic<int> right = 0;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      Client client(test.port());
      std::thread sender([&] { client.Request(body); });
      right += client.Response() == body ? 1 : 0;
      sender.join();
    });
  }
  for (std::thread& client : clients) {
    client.join();
  }
  EXPECT_EQ(right, kClients);
  EXPECT_GT(test.stats.receive_budget_waits.value(), 0u);
}

TEST(ServerLimits, OutOfFileDescriptorsTheListenerRecovers) {
  SKIP_UNDER_SANITIZERS("its runtime opens descriptors of its own");
  TestServer test(Echo);
  storage::UniqueFd early(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int next = ::dup(0);  // The next descriptor that would be given out.
  ::close(next);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit low{static_cast<rlim_t>(next), limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  Client refused(std::move(early), test.port());
  EXPECT_TRUE(refused.Closed());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_TRUE(Eventually([&] { return test.logger.text().find("ulimit -n") != std::string::npos; }));
  Client client(test.port());
  client.Request("back");
  EXPECT_EQ(client.Response(), "back");
}

TEST(ServerStart, PortInUseSaysSo) {
  TestServer first(Echo);
  DiskPool pool(1);
  NetStats stats;
  RecordingLogger logger;
  auto second = Server::Start({}, {{"PLAINTEXT", "127.0.0.1", first.port()}},
                              {first.handler, pool, stats, logger, Clock::System()});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()),
              AllOf(HasSubstr(absl::StrCat("127.0.0.1:", first.port())), HasSubstr("in use"),
                    HasSubstr("`listeners`")));
}

TEST(ServerStart, UnknownCongestionControlSaysSo) {
  TestServer first(Echo);
  DiskPool pool(1);
  NetStats stats;
  RecordingLogger logger;
  auto server = Server::Start({.congestion_control = "carrier-pigeon"}, {{"PLAINTEXT", "127.0.0.1", 0}},
                              {first.handler, pool, stats, logger, Clock::System()});
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("carrier-pigeon"));
}

}  // namespace
}  // namespace sluice::broker
