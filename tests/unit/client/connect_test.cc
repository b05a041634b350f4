#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "sluice/client.h"
#include "sluice/errors.h"
#include "tests/unit/client/fake_cluster.h"

namespace sluice {
namespace {

using client_test::FakeCluster;
using client_test::Fault;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// A socket that is bound: listening but never accepting, or refusing.
class BoundPort {
 public:
  explicit BoundPort(bool listening) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    if (listening) {
      listen(fd_, 8);
    }
    socklen_t size = sizeof(address);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  }
  ~BoundPort() { close(fd_); }
  const std::string& address() const { return address_; }

 private:
  int fd_;
  std::string address_;
};

size_t ThreadCount() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

std::chrono::milliseconds Since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

TEST(ConnectTest, RefusedConnectionFailsAtOnceAndSaysWhatToDo) {
  const BoundPort refusing(false);
  const auto start = std::chrono::steady_clock::now();
  const auto client = Client::Connect({.bootstrap = refusing.address()});
  EXPECT_LT(Since(start), 200ms);
  ASSERT_TRUE(absl::IsUnavailable(client.status())) << client.status();
  const std::string message(client.status().message());
  EXPECT_THAT(message,
              HasSubstr(absl::StrCat("cannot reach broker ", refusing.address(), ": Connection refused")));
  EXPECT_THAT(message, HasSubstr("tried 127.0.0.1"));
  EXPECT_THAT(message, HasSubstr("Is the broker running?"));
}

TEST(ConnectTest, SilentServerFailsAfterTheTimeout) {
  const BoundPort silent(true);
  const auto start = std::chrono::steady_clock::now();
  const auto client = Client::Connect({.bootstrap = silent.address(), .connect_timeout = 100ms});
  EXPECT_LT(Since(start), 2s);
  EXPECT_TRUE(absl::IsUnavailable(client.status()));
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("connect_timeout"));
}

TEST(ConnectTest, NameThatDoesNotResolveIsNamed) {
  const auto client = Client::Connect({.bootstrap = "no-such-host.invalid:1"});
  ASSERT_FALSE(client.ok());
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("\"no-such-host.invalid\" does not resolve"));
}

TEST(ConnectTest, SecondBootstrapAddressServesWhenTheFirstRefuses) {
  const BoundPort refusing(false);
  FakeCluster cluster;
  const auto client =
      Client::Connect({.bootstrap = absl::StrCat(refusing.address(), ",", cluster.bootstrap())});
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ((*client)->admin().DescribeCluster()->brokers.size(), 1u);
}

TEST(ConnectTest, FallsBackWhenTheBrokerDoesNotKnowTheApiVersionsVersion) {
  FakeCluster cluster({.api_versions_max = 2});
  const auto client = Client::Connect({.bootstrap = cluster.bootstrap()});
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_THAT(cluster.VersionsSeen(18), ElementsAre(3, 2));
}

TEST(ConnectTest, BrokerThatClosesDuringTheHandshakeIsNamed) {
  FakeCluster cluster;
  cluster.SetHook([](int32_t, int16_t) { return Fault{.kind = Fault::Kind::kDropBefore}; });
  const auto client = Client::Connect({.bootstrap = cluster.bootstrap()});
  ASSERT_TRUE(absl::IsUnavailable(client.status())) << client.status();
  EXPECT_THAT(std::string(client.status().message()), HasSubstr(cluster.bootstrap()));
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("closed the connection"));
}

TEST(ConnectTest, NoThreadIsLeftAfterTheClient) {
  FakeCluster cluster;
  cluster.CreateTopic("t", 1);
  const size_t before = ThreadCount();
  {
    auto client = Client::Connect({.bootstrap = cluster.bootstrap()});
    ASSERT_TRUE(client.ok());
    auto producer = (*client)->NewProducer();
    ASSERT_TRUE((*producer)->SendWithFuture({.topic = "t"}).get().ok());
    EXPECT_GT(ThreadCount(), before);
  }
  EXPECT_TRUE(cluster.WaitUntilNobodyIsConnected());
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    FILE* file = fopen((task.path() / "comm").c_str(), "r");
    char name[32] = {};
    if (file != nullptr && fgets(name, sizeof(name), file) != nullptr) {
      EXPECT_STRNE(name, "sluice-client\n");
    }
    if (file != nullptr) {
      fclose(file);
    }
  }
}

TEST(ConnectTest, CreatesAndDescribesTopics) {
  FakeCluster cluster;
  const auto client = Client::Connect({.bootstrap = cluster.bootstrap()});
  ASSERT_TRUE(client.ok());
  Admin& admin = (*client)->admin();
  EXPECT_TRUE(admin.CreateTopic({.name = "orders", .partitions = 3}).ok());
  const absl::Status again = admin.CreateTopic({.name = "orders"});
  EXPECT_TRUE(absl::IsAlreadyExists(again));
  EXPECT_EQ(KafkaErrorCode(again), 36);
  const auto topic = admin.DescribeTopic("orders");
  ASSERT_TRUE(topic.ok());
  EXPECT_EQ(topic->partitions.size(), 3u);
  EXPECT_FALSE(topic->topic_id.empty());
  const auto missing = admin.DescribeTopic("ordres");
  EXPECT_TRUE(absl::IsNotFound(missing.status()));
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("closest: \"orders\""));
  EXPECT_EQ(admin.ListTopics()->front().name, "orders");
  EXPECT_EQ(admin.ApiVersions()->front().api_key, 0);
}

TEST(ConnectTest, RequestThatTheBrokerDoesNotServeIsUnimplemented) {
  FakeCluster cluster({.caps = {{19, -1}}});
  const auto client = Client::Connect({.bootstrap = cluster.bootstrap()});
  const absl::Status status = (*client)->admin().CreateTopic({.name = "t"});
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("does not serve this request"));
}

}  // namespace
}  // namespace sluice
