// How many small requests a second the network side answers: a server that echoes and a client that keeps
// some in flight on each of its connections.
//
//   sluice_net_bench [connections=1] [in flight=16] [body bytes=64] [seconds=3] [threads=1]
//                    [file range bytes=0: echo; else the answer is a 100-byte header and so many of a file]
//                    [copied range max=32768]
//
//   2 busy processors: 1 x 16 x 64 B echo: 750,000 requests/s, 0.27 us of server CPU each; 1 x 1: 59,000/s.
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "broker/net/disk_pool.h"
#include "broker/net/server.h"
#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/base/lock_checks.h"

namespace sluice::broker {
namespace {

struct Plan {
  int connections = 1;
  int in_flight = 16;
  size_t body_bytes = 64;
  int seconds = 3;
  int threads = 1;
  size_t range_bytes = 0;
  uint32_t copied_max = 32768;
};

constexpr size_t kHeaderBytes = 100;

class Answerer final : public RequestHandler {
 public:
  explicit Answerer(const Plan& plan) : plan_(plan) {
    if (plan.range_bytes > 0) {
      char path[] = "/tmp/sluice_net_bench_XXXXXX";
      const int fd = ::mkstemp(path);
      CHECK(fd >= 0);
      ::unlink(path);
      const std::string content(plan.range_bytes * 16, 'x');
      CHECK_EQ(::write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
      file_ = std::make_shared<storage::SharedFile>(storage::UniqueFd(fd), path);
    }
  }
  std::unique_ptr<ConnectionState> NewConnectionState() override {
    return std::make_unique<ConnectionState>();
  }
  asio::awaitable<void> Handle(ByteView frame, const ConnectionInfo&, ConnectionState&,
                               ResponseSlot slot) override {
    Response response;
    if (file_ == nullptr) {
      response.bytes.resize(4 + frame.size());
      std::copy(frame.begin(), frame.end(), response.bytes.begin() + 4);
      StoreBigEndian(response.bytes.data(), static_cast<int32_t>(frame.size()));
    } else {
      response.bytes.resize(kHeaderBytes);
      response.files.push_back(
          {kHeaderBytes, {file_, plan_.range_bytes * (next_++ % 16), plan_.range_bytes}});
      StoreBigEndian(response.bytes.data(), static_cast<int32_t>(kHeaderBytes - 4 + plan_.range_bytes));
    }
    slot.Send(std::move(response));
    co_return;
  }

 private:
  const Plan plan_;
  std::shared_ptr<const storage::SharedFile> file_;
  std::atomic<uint64_t> next_ = 0;
};

int Connect(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  return fd;
}

// Keeps `in_flight` requests on each connection; for every answer that arrived a new request.
uint64_t Run(const Plan& plan, uint16_t port) {
  std::vector<std::byte> request(4 + plan.body_bytes);
  StoreBigEndian(request.data(), static_cast<int32_t>(plan.body_bytes));
  std::vector<std::byte> batch;
  for (int i = 0; i < plan.in_flight; ++i) {
    batch.insert(batch.end(), request.begin(), request.end());
  }
  const size_t answer_bytes = plan.range_bytes > 0 ? kHeaderBytes + plan.range_bytes : request.size();
  std::vector<pollfd> polls;
  std::vector<size_t> partial(static_cast<size_t>(plan.connections));
  for (int i = 0; i < plan.connections; ++i) {
    polls.push_back({Connect(port), POLLIN, 0});
    CHECK_EQ(::send(polls.back().fd, batch.data(), batch.size(), 0), static_cast<ssize_t>(batch.size()));
  }
  std::vector<std::byte> received(1 << 20);
  uint64_t answers = 0;
  const absl::Time end = absl::Now() + absl::Seconds(plan.seconds);
  while (absl::Now() < end) {
    if (polls.size() > 1) {
      ::poll(polls.data(), polls.size(), 1000);
    }
    for (size_t i = 0; i < polls.size(); ++i) {
      if (polls.size() > 1 && polls[i].revents == 0) {
        continue;
      }
      const ssize_t n = ::recv(polls[i].fd, received.data(), received.size(), 0);
      CHECK(n > 0);
      partial[i] += static_cast<size_t>(n);
      const size_t whole = partial[i] / answer_bytes;
      partial[i] %= answer_bytes;
      answers += whole;
      CHECK(whole == 0 || ::send(polls[i].fd, batch.data(), whole * request.size(), 0) > 0);
    }
  }
  for (pollfd& poll : polls) {
    ::close(poll.fd);
  }
  return answers;
}

double ThreadCpu() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

double ProcessCpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

int Main(const Plan& plan) {
  Answerer handler(plan);
  DiskPool pool(2);
  NetStats stats;
  StderrLogger logger;
  auto server = Server::Start(
      {.threads = plan.threads, .congestion_control = "cubic", .copied_range_bytes_max = plan.copied_max},
      {{"BENCH", "127.0.0.1", 0}}, {handler, pool, stats, logger, Clock::System()});
  CHECK_OK(server.status());
  const double process_before = ProcessCpu();
  const double thread_before = ThreadCpu();
  const uint64_t answers = Run(plan, (*server)->ports()[0]);
  const double client = ThreadCpu() - thread_before;
  const double broker = ProcessCpu() - process_before - client;
  const auto count = static_cast<double>(answers);
  std::printf(
      "%d x %d in flight, %zu B, range %zu: %.0f requests/s, CPU us per request: server %.3f, client %.3f\n",
      plan.connections, plan.in_flight, plan.body_bytes, plan.range_bytes, count / plan.seconds,
      1e6 * broker / count, 1e6 * client / count);
  return 0;
}

}  // namespace
}  // namespace sluice::broker

int main(int argc, char** argv) {
  sluice::LeaveOutLockChecks();
  sluice::broker::Plan plan;
  const auto argument = [&](int index, long otherwise) {
    return argc > index ? std::atol(argv[index]) : otherwise;
  };
  plan.connections = static_cast<int>(argument(1, plan.connections));
  plan.in_flight = static_cast<int>(argument(2, plan.in_flight));
  plan.body_bytes = static_cast<size_t>(argument(3, 64));
  plan.seconds = static_cast<int>(argument(4, plan.seconds));
  plan.threads = static_cast<int>(argument(5, plan.threads));
  plan.range_bytes = static_cast<size_t>(argument(6, 0));
  plan.copied_max = static_cast<uint32_t>(argument(7, plan.copied_max));
  return sluice::broker::Main(plan);
}
