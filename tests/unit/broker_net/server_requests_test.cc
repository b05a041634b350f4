// Requests in, answers out: order, framing, closing.
#include <map>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net_testing.h"

namespace sluice::broker {
namespace {

using ::testing::HasSubstr;

TEST(ServerRequests, PipelinedFramesAreAnsweredInOrder) {
  TestServer test(Echo);
  Client client(test.port());
  constexpr int kCount = 5000;
  std::thread sender([&] {
    std::string batch;
    for (int i = 0; i < kCount; ++i) {
      batch += std::string(AsText(Framed(absl::StrCat("request ", i))));
    }
    client.Send(AsBytes(batch));
  });
  for (int i = 0; i < kCount; ++i) {
    ASSERT_EQ(client.Response(), absl::StrCat("request ", i));
  }
  sender.join();
  EXPECT_TRUE(Eventually([&] { return test.stats.responses.value() == uint64_t{kCount}; }));
}

TEST(ServerRequests, FrameCutAtEveryByteIsOneRequest) {
  TestServer test(Echo);
  Client client(test.port());
  const Bytes wire = Framed("0123456789");
  for (size_t cut = 1; cut < wire.size(); ++cut) {
    client.Send(ByteView(wire).first(cut));
    ASSERT_TRUE(Eventually([&] { return test.stats.bytes_in.value() == (cut - 1) * wire.size() + cut; }));
    client.Send(ByteView(wire).subspan(cut));
    ASSERT_EQ(client.Response(), "0123456789") << "cut at " << cut;
  }
}

TEST(ServerRequests, LargeRequestArrivesWhole) {
  TestServer test(Echo);
  Client client(test.port());
  const std::string body = Pattern(5'000'000);
  std::thread sender([&] { client.Request(body); });
  EXPECT_TRUE(client.Response() == body);
  sender.join();
}

TEST(ServerRequests, AnswersGivenBackwardsGoOutForwards) {
  constexpr size_t kCount = 50;
  std::vector<std::pair<std::string, ResponseSlot>> waiting;
  TestServer test([&](ByteView frame, const ConnectionInfo&, ResponseSlot slot) -> asio::awaitable<void> {
    waiting.emplace_back(AsText(frame), std::move(slot));
    if (waiting.size() == kCount) {
      while (!waiting.empty()) {
        waiting.back().second.Send({.bytes = Framed(waiting.back().first), .files = {}});
        waiting.pop_back();
      }
    }
    co_return;
  });
  Client client(test.port());
  for (size_t i = 0; i < kCount; ++i) {
    client.Request(absl::StrCat(i));
  }
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(client.Response(), absl::StrCat(i));
  }
}

TEST(ServerRequests, AnswersFromOtherThreadsGoOutInOrder) {
  DiskPool others(4);
  TestServer test([&](ByteView frame, const ConnectionInfo&, ResponseSlot slot) -> asio::awaitable<void> {
    others.Post([slot = std::move(slot), body = std::string(AsText(frame))]() mutable {
      slot.Send({.bytes = Framed(body), .files = {}});
    });
    co_return;
  });
  Client client(test.port());
  constexpr int kCount = 5000;
  std::thread sender([&] {
    for (int i = 0; i < kCount; ++i) {
      client.Request(absl::StrCat(i));
    }
  });
  for (int i = 0; i < kCount; ++i) {
    ASSERT_EQ(client.Response(), absl::StrCat(i));
  }
  sender.join();
}

TEST(ServerRequests, HandlerMayWaitForTheDiskPool) {
  DiskPool pool(2);
  TestServer test([&](ByteView frame, const ConnectionInfo&, ResponseSlot slot) -> asio::awaitable<void> {
    const std::string body(AsText(frame));
    const auto shared = std::make_shared<int>(7);
    const auto owning = [shared] { return *shared; };
    int value = co_await OnPool(pool, owning);
    EXPECT_EQ(shared.use_count(), 2);
    value = co_await OnPool(pool, [&] { return value * *shared; });
    // The frame is still there although the coroutine slept.
    slot.Send({.bytes = Framed(absl::StrCat(AsText(frame), value, body == AsText(frame))), .files = {}});
  });
  Client client(test.port());
  for (int i = 0; i < 200; ++i) {
    client.Request("a");
    client.Request("b");
    ASSERT_EQ(client.Response(), "a491");
    ASSERT_EQ(client.Response(), "b491");
  }
}

TEST(ServerRequests, RequestWithoutAnAnswerDoesNotHoldUpTheNext) {
  TestServer test([](ByteView frame, const ConnectionInfo& info, ResponseSlot slot) -> asio::awaitable<void> {
    if (AsText(frame) == "quiet") {
      slot.SendNothing();
      co_return;
    }
    co_await Echo(frame, info, std::move(slot));
  });
  Client client(test.port());
  client.Request("quiet");
  client.Request("loud");
  client.Request("quiet");
  client.Request("louder");
  EXPECT_EQ(client.Response(), "loud");
  EXPECT_EQ(client.Response(), "louder");
}

TEST(ServerRequests, CloseAnswersWhatIsBeforeItAndHandlesNothingAfterIt) {
  std::atomic<int> handled = 0;
  ResponseSlot held;
  TestServer test(
      [&](ByteView frame, const ConnectionInfo& info, ResponseSlot slot) -> asio::awaitable<void> {
        ++handled;
        if (AsText(frame) == "slow") {
          held = std::move(slot);
        } else {
          slot.Close("bad password");
          held.Send({.bytes = Framed("slow, but there"), .files = {}});
        }
        (void)info;
        co_return;
      });
  Client client(test.port());
  std::string batch;
  for (const char* body : {"slow", "close", "never seen"}) {
    batch += std::string(AsText(Framed(body)));
  }
  client.Send(AsBytes(batch));
  EXPECT_EQ(client.Response(), "slow, but there");
  EXPECT_TRUE(client.Closed());
  EXPECT_EQ(handled, 2);
  EXPECT_TRUE(Eventually([&] { return test.server->connections() == 0; }));
  EXPECT_THAT(test.logger.text(), HasSubstr("bad password"));
}

TEST(ServerRequests, DroppedSlotClosesTheConnection) {
  TestServer test([](ByteView, const ConnectionInfo&, ResponseSlot) -> asio::awaitable<void> { co_return; });
  Client client(test.port());
  client.Request("x");
  EXPECT_TRUE(client.Closed());
  EXPECT_TRUE(Eventually([&] { return test.server->connections() == 0; }));
  EXPECT_THAT(test.logger.text(), HasSubstr("without an answer"));
}

TEST(ServerRequests, HandlerThatThrowsClosesItsConnectionOnly) {
  TestServer test([](ByteView frame, const ConnectionInfo& info, ResponseSlot slot) -> asio::awaitable<void> {
    if (AsText(frame) == "throw") {
      throw std::runtime_error("out of luck");
    }
    co_await Echo(frame, info, std::move(slot));
  });
  Client other(test.port());
  Client client(test.port());
  client.Request("throw");
  EXPECT_TRUE(client.Closed());
  other.Request("still here");
  EXPECT_EQ(other.Response(), "still here");
  EXPECT_THAT(test.logger.text(), HasSubstr("out of luck"));
}

TEST(ServerRequests, ImpossibleLengthsCloseTheConnectionAndSayWhy) {
  for (int32_t length : {0, -1, INT32_MIN, INT32_MAX}) {
    TestServer test(Echo);
    Client client(test.port());
    Bytes wire(4);
    StoreBigEndian(wire.data(), length);
    client.Send(wire);
    EXPECT_TRUE(client.Closed()) << length;
    EXPECT_THAT(test.logger.text(), HasSubstr(absl::StrCat("a request of ", length, " bytes")));
    EXPECT_EQ(test.stats.closed_bad_frame.value(), 1u);
  }
}

TEST(ServerRequests, RequestsBeforeAHalfCloseAreAnswered) {
  TestServer test(Echo);
  Client client(test.port());
  client.Request("last words");
  client.ShutdownWrite();
  EXPECT_EQ(client.Response(), "last words");
  EXPECT_TRUE(client.Closed());
}

TEST(ServerRequests, HandlerLearnsWhoIsThere) {
  TestServer test([](ByteView, const ConnectionInfo& info, ResponseSlot slot) -> asio::awaitable<void> {
    slot.Send({.bytes = Framed(absl::StrCat(info.listener, " ", info.local_host, " ", info.local_port, " ",
                                            info.peer.substr(0, 10))),
               .files = {}});
    co_return;
  });
  Client client(test.port());
  client.Request("?");
  EXPECT_EQ(client.Response(), absl::StrCat("PLAINTEXT 127.0.0.1 ", test.port(), " 127.0.0.1:"));
}

TEST(ServerRequests, EveryAddressServesIpv4PeersUnderTheirOwnName) {
  FunctionHandler handler([](ByteView, const ConnectionInfo& info,
                             ResponseSlot slot) -> asio::awaitable<void> {
    slot.Send({.bytes = Framed(absl::StrCat(info.local_host, " ", info.peer.substr(0, 10))), .files = {}});
    co_return;
  });
  DiskPool pool(1);
  NetStats stats;
  RecordingLogger logger;
  auto server = Server::Start({}, {{"ANY", "", 0}}, {handler, pool, stats, logger, Clock::System()});
  ASSERT_TRUE(server.ok()) << server.status();
  Client client((*server)->ports()[0]);
  client.Request("?");
  EXPECT_EQ(client.Response(), "127.0.0.1 127.0.0.1:");
}

TEST(ServerRequests, ConnectionsAreSpreadOverTheThreads) {
  absl::Mutex mu;
  std::map<std::thread::id, int> seen;
  TestServer test(
      [&](ByteView frame, const ConnectionInfo& info, ResponseSlot slot) -> asio::awaitable<void> {
        {
          absl::MutexLock lock(&mu);
          ++seen[std::this_thread::get_id()];
        }
        co_await Echo(frame, info, std::move(slot));
      },
      {.threads = 2});
  for (int i = 0; i < 4; ++i) {
    Client client(test.port());
    client.Request("x");
    EXPECT_EQ(client.Response(), "x");
  }
  absl::MutexLock lock(&mu);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen.begin()->second, 2);
}

}  // namespace
}  // namespace sluice::broker
