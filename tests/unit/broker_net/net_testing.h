// What the tests of broker/net share: a server around a handler given as a function, a blocking client,
// files.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "broker/net/disk_pool.h"
#include "broker/net/server.h"
#include "gtest/gtest.h"
#include "proto/base/endian.h"
#include "storage/disk/file_range.h"

namespace sluice::broker {

// How long a test waits for what must happen before it calls it a failure.
inline constexpr absl::Duration kPatience = absl::Seconds(20);

// Waits until `condition` holds, which other threads bring about.
bool Eventually(const std::function<bool()>& condition);

class RecordingLogger final : public Logger {
 public:
  void Log(LogLevel, absl::string_view, absl::string_view message) override {
    absl::MutexLock lock(&mu_);
    absl::StrAppend(&text_, message, "\n");
  }
  std::string text() const {
    absl::MutexLock lock(&mu_);
    return text_;
  }

 private:
  mutable absl::Mutex mu_;
  std::string text_ ABSL_GUARDED_BY(mu_);
};

// Calls a function for each frame.
class FunctionHandler final : public RequestHandler {
 public:
  using Function = std::function<asio::awaitable<void>(ByteView, const ConnectionInfo&, ResponseSlot)>;
  explicit FunctionHandler(Function function) : function_(std::move(function)) {}

  std::unique_ptr<ConnectionState> NewConnectionState() override {
    return std::make_unique<ConnectionState>();
  }
  asio::awaitable<void> Handle(ByteView frame, const ConnectionInfo& info, ConnectionState&,
                               ResponseSlot slot) override {
    return function_(frame, info, std::move(slot));
  }

 private:
  Function function_;
};

Bytes Framed(absl::string_view body);

inline asio::awaitable<void> Echo(ByteView frame, const ConnectionInfo&, ResponseSlot slot) {
  slot.Send({.bytes = Framed(AsText(frame)), .files = {}});
  co_return;
}

// A client that blocks, and gives up after a while.
class Client {
 public:
  explicit Client(uint16_t port, int receive_buffer = 0) {
    fd_ = storage::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer > 0) {
      ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    }
    Connect(port);
  }
  // A socket made earlier.
  Client(storage::UniqueFd fd, uint16_t port) : fd_(std::move(fd)) { Connect(port); }

  void Send(ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(sent, 0) << strerror(errno);
      bytes = bytes.subspan(static_cast<size_t>(sent));
    }
  }
  void Request(absl::string_view body) { Send(Framed(body)); }

  // Exactly `size` bytes, or fewer when the connection ends before.
  std::string Read(size_t size) {
    std::string text(size, '\0');
    size_t got = 0;
    while (got < size) {
      const ssize_t n = ::recv(fd_.get(), text.data() + got, size - got, 0);
      if (n <= 0) {
        break;
      }
      got += static_cast<size_t>(n);
    }
    text.resize(got);
    return text;
  }
  // The body of the next response; "<closed>" when there is none.
  std::string Response() {
    const std::string length = Read(4);
    if (length.size() < 4) {
      return "<closed>";
    }
    return Read(
        static_cast<size_t>(LoadBigEndian<int32_t>(reinterpret_cast<const std::byte*>(length.data()))));
  }
  // True when the server closed the connection and nothing more came before it.
  bool Closed() {
    char byte;
    return ::recv(fd_.get(), &byte, 1, 0) <= 0 && errno != EAGAIN;
  }
  void ShutdownWrite() { ::shutdown(fd_.get(), SHUT_WR); }
  // Closes with a reset.
  void Vanish() {
    const linger hard{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    fd_.Reset();
  }
  int fd() const { return fd_.get(); }

 private:
  void Connect(uint16_t port) {
    const timeval patience{absl::ToInt64Seconds(kPatience), 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0)
        << strerror(errno);
    errno = 0;
  }

  storage::UniqueFd fd_;
};

// A server and everything it needs. Time stands still unless the test moves it; deadlines are looked at
// often.
class TestServer {
 public:
  explicit TestServer(FunctionHandler::Function function, NetOptions options = {})
      : handler(std::move(function)) {
    options.tick = absl::Milliseconds(5);
    auto started =
        Server::Start(options, {{"PLAINTEXT", "127.0.0.1", 0}}, {handler, pool, stats, logger, clock});
    EXPECT_TRUE(started.ok()) << started.status();
    server = *std::move(started);
  }

  uint16_t port() const { return server->ports()[0]; }

  FunctionHandler handler;
  DiskPool pool{2};
  NetStats stats;
  RecordingLogger logger;
  ManualClock clock;
  std::unique_ptr<Server> server;
};

// A file in a temporary directory; unlinked at once, so nothing stays behind.
std::shared_ptr<const storage::SharedFile> MakeFile(absl::string_view content);

// Bytes of which no stretch repeats soon, so that a misplaced one is noticed.
std::string Pattern(size_t size, uint64_t seed = 1);

// Writes the file out and takes it out of the page cache.
void MakeCold(const storage::SharedFile& file);

// A response of `bytes` with `ranges` in it: the length prefix is made here.
//   {"head", range, "tail"} -> [length|head|range|tail]
struct Part {
  std::string text;
  storage::FileRange range;
};
Response Compose(const std::vector<Part>& parts);

}  // namespace sluice::broker
