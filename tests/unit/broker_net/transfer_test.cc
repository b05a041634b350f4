#include "broker/net/transfer.h"

#include <thread>

#include "gtest/gtest.h"
#include "net_testing.h"

namespace sluice::broker {
namespace {

// Two ends of a TCP connection; the sending one non-blocking with a send buffer as small as can be.
struct SocketPair {
  SocketPair() {
    storage::UniqueFd listener(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
    receiver = std::make_unique<Client>(ntohs(address.sin_port), 1);
    sender = storage::UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK));
    const int tiny = 1;
    ::setsockopt(sender.get(), SOL_SOCKET, SO_SNDBUF, &tiny, sizeof(tiny));
  }
  storage::UniqueFd sender;
  std::unique_ptr<Client> receiver;
};

class TransferTest : public ::testing::TestWithParam<TransferMethod> {};

TEST_P(TransferTest, PartsOfARangeAddUpToTheFileThroughATinySocket) {
  const std::string content = Pattern(300'000);
  auto file = MakeFile(content);
  storage::FileRange rest{file, 4097, 250'001};
  SocketPair pair;
  std::string received;
  std::thread reader;  // Begins only when the socket is full, so that it is full once at least.
  auto transfer = MakeTransfer(GetParam());
  while (rest.size > 0) {
    const TransferResult result = transfer->Send(pair.sender.get(), rest);
    rest.position += result.sent;
    rest.size -= result.sent;
    if (result.error == EAGAIN) {
      if (!reader.joinable()) {
        reader = std::thread([&] { received = pair.receiver->Read(250'001); });
      }
      pollfd writable{pair.sender.get(), POLLOUT, 0};
      ::poll(&writable, 1, 10'000);
    } else if (result.error != 0) {
      ADD_FAILURE() << strerror(result.error);
      break;
    }
  }
  ASSERT_TRUE(reader.joinable());
  reader.join();
  EXPECT_TRUE(received == content.substr(4097, 250'001));
}

TEST_P(TransferTest, EndOfTheFileIsNoData) {
  auto file = MakeFile("short");
  SocketPair pair;
  const TransferResult result = MakeTransfer(GetParam())->Send(pair.sender.get(), {file, 8192, 100});
  EXPECT_EQ(result.sent, 0u);
  EXPECT_EQ(result.error, ENODATA);
}

TEST_P(TransferTest, ClosedPeerIsAnError) {
  auto file = MakeFile(Pattern(100'000));
  SocketPair pair;
  pair.receiver->Vanish();
  ::signal(SIGPIPE, SIG_IGN);
  auto transfer = MakeTransfer(GetParam());
  EXPECT_TRUE(Eventually([&] {
    const int error = transfer->Send(pair.sender.get(), {file, 0, 100'000}).error;
    return error == EPIPE || error == ECONNRESET;
  }));
}

TEST_P(TransferTest, NameIsReadBack) {
  TransferMethod method = TransferMethod::kSendfile;
  EXPECT_TRUE(ParseTransferMethod(TransferMethodName(GetParam()), &method));
  EXPECT_EQ(method, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Methods, TransferTest,
                         ::testing::Values(TransferMethod::kSendfile, TransferMethod::kReadWrite,
                                           TransferMethod::kMmapWrite, TransferMethod::kSplice));

TEST(TransferMethodName, UnknownIsRefused) {
  TransferMethod method = TransferMethod::kSplice;
  EXPECT_FALSE(ParseTransferMethod("pigeon", &method));
  EXPECT_EQ(method, TransferMethod::kSplice);
}

}  // namespace
}  // namespace sluice::broker
