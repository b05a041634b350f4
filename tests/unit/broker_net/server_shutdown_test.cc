// The end: draining, stopping, and what outlives the server.
#include <asio/steady_timer.hpp>
#include <thread>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "net_testing.h"

namespace sluice::broker {
namespace {

TEST(ServerShutdown, DrainLetsAnswersThatAreDueGoOut) {
  ResponseSlot held;
  std::atomic<bool> handled = false;
  TestServer test([&](ByteView, const ConnectionInfo&, ResponseSlot slot) -> asio::awaitable<void> {
    held = std::move(slot);
    handled = true;
    co_return;
  });
  Client idle(test.port());
  Client client(test.port());
  client.Request("x");
  ASSERT_TRUE(Eventually([&] { return handled.load(); }));
  EXPECT_FALSE(test.server->Drain(absl::Milliseconds(20)));
  EXPECT_TRUE(idle.Closed());
  held.Send({.bytes = Framed("in time"), .files = {}});
  EXPECT_EQ(client.Response(), "in time");
  EXPECT_TRUE(client.Closed());
  EXPECT_TRUE(test.server->Drain(kPatience));
  EXPECT_EQ(test.stats.connections_open.value(), 0u);
}

TEST(ServerShutdown, NothingIsAcceptedAfterStopAccepting) {
  TestServer test(Echo);
  Client before(test.port());
  before.Request("1");
  ASSERT_EQ(before.Response(), "1");
  const uint16_t port = test.port();
  test.server->StopAccepting();
  storage::UniqueFd late(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(late.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), -1);
  before.Request("2");
  EXPECT_EQ(before.Response(), "2");
}

TEST(ServerShutdown, SlotsThatOutliveTheServerDoNothing) {
  std::vector<ResponseSlot> held;
  std::atomic<int> handled = 0;
  {
    TestServer test([&](ByteView, const ConnectionInfo&, ResponseSlot slot) -> asio::awaitable<void> {
      held.push_back(std::move(slot));
      ++handled;
      co_return;
    });
    Client client(test.port());
    for (int i = 0; i < 4; ++i) {
      client.Request("x");
    }
    ASSERT_TRUE(Eventually([&] { return handled == 4; }));
  }
  held[0].Send({.bytes = Framed("too late"), .files = {}});
  held[1].SendNothing();
  held[2].Close("too late");
  held.clear();
}

TEST(ServerShutdown, HandlerThatWaitsForeverIsDestroyedWithItsSlot) {
  std::atomic<bool> waiting = false;
  auto token = std::make_shared<int>(1);
  {
    TestServer test([&](ByteView, const ConnectionInfo& info, ResponseSlot slot) -> asio::awaitable<void> {
      const auto mine = token;
      asio::steady_timer timer(info.executor, std::chrono::hours(1));
      waiting = true;
      co_await timer.async_wait(asio::use_awaitable);
      slot.SendNothing();
    });
    Client client(test.port());
    client.Request("x");
    ASSERT_TRUE(Eventually([&] { return waiting.load(); }));
    test.server->Stop();
    EXPECT_EQ(token.use_count(), 1) << "destroyed by Stop, not by the destructor";
  }
}

TEST(ServerShutdown, WaitsForWorkOnTheDiskPool) {
  DiskPool pool(1);
  absl::Notification started;
  absl::Notification release;
  std::atomic<bool> resumed = false;
  {
    TestServer test(
        [&](ByteView frame, const ConnectionInfo& info, ResponseSlot slot) -> asio::awaitable<void> {
          co_await OnPool(pool, [&] {
            started.Notify();
            release.WaitForNotification();
            return true;
          });
          resumed = true;
          co_await Echo(frame, info, std::move(slot));
        });
    Client client(test.port());
    client.Request("x");
    started.WaitForNotification();
    pool.Post([] {});
    std::thread releaser([&] { release.Notify(); });
    test.server.reset();
    releaser.join();
  }
  EXPECT_TRUE(resumed) << "within the time that Stop gives to handlers";
}

TEST(ServerShutdown, OpenConnectionsAndHalfSentResponsesAreClosed) {
  auto file = MakeFile(Pattern(16 << 20));
  auto test = std::make_unique<TestServer>(
      [&](ByteView, const ConnectionInfo&, ResponseSlot slot) -> asio::awaitable<void> {
        slot.Send(Compose({{"<", {}}, {">", {file, 0, 16 << 20}}}));
        co_return;
      });
  Client idle(test->port());
  Client partial(test->port());
  partial.Send(Bytes(3));
  Client slow(test->port(), 4096);
  slow.Request("x");
  ASSERT_EQ(slow.Read(1000).size(), 1000u);
  test.reset();
  EXPECT_TRUE(idle.Closed());
  EXPECT_TRUE(partial.Closed());
  EXPECT_EQ(file.use_count(), 1);
}

TEST(ServerShutdown, AnswersFromOtherThreadsMayRaceWithTheEnd) {
  for (int round = 0; round < 20; ++round) {
    DiskPool others(3);
    TestServer test([&](ByteView frame, const ConnectionInfo&, ResponseSlot slot) -> asio::awaitable<void> {
      others.Post([slot = std::move(slot), body = std::string(AsText(frame))]() mutable {
        slot.Send({.bytes = Framed(body), .files = {}});
      });
      co_return;
    });
    Client client(test.port());
    for (int i = 0; i < 50; ++i) {
      client.Request("x");
    }
    EXPECT_EQ(client.Response(), "x");
    test.server.reset();
  }
}

TEST(ServerShutdown, ServerWithoutConnectionsStops) {
  TestServer test(Echo);
  EXPECT_TRUE(test.server->Drain(absl::Seconds(1)));
  test.server->Stop();
  test.server->Stop();
}

}  // namespace
}  // namespace sluice::broker
