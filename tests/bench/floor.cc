// sluice_floor: what must be done, done bare, beside a broker under the same load.
//
//   sluice_floor produce-bare FILE BYTES              sends 1 KiB records in 256 KiB batches, four requests
//   in flight, sluice_floor produce HOST:PORT PID TOPIC BYTES    to a bare loop or to a broker sluice_floor
//   consume-bare FILE                    fetches 8 MiB at a time, from a bare loop over FILE sluice_floor
//   consume HOST:PORT PID TOPIC          or from a broker
//
// The bare server of `produce` receives, hashes and copies into a populated map of FILE; that of `consume` is
// sendfile. Client and server are two threads of one process in the bare runs, two processes in the others;
// CPU seconds are the server's alone. Prints one JSON line. tools/bench/floor runs them in turn.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/crc32c.h"
#include "proto/base/endian.h"
#include "proto/kafka/gen/fetch.h"
#include "proto/kafka/gen/produce.h"
#include "proto/kafka/header.h"
#include "proto/record/batch_builder.h"
#include "proto/record/batch_view.h"

namespace sluice {
namespace {

constexpr size_t kRecordBytes = 1024;
constexpr size_t kBatchBytes = 256 << 10;
constexpr size_t kMapBytes = 1 << 30;
constexpr int kInFlight = 4;
constexpr size_t kFetchBytes = 8 << 20;
constexpr size_t kReceiveBytes = 1 << 20;
constexpr int16_t kProduceVersion = 9;
constexpr int16_t kFetchVersion = 12;

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

double ThreadCpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

// User and system time of another process, from /proc.
double ProcessCpuSeconds(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string skipped;
  for (int field = 1; field < 14; ++field) {
    stat >> skipped;
  }
  double user = 0;
  double system = 0;
  stat >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void SendAll(int fd, ByteView bytes, int flags = 0) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
    CHECK_GT(sent, 0);
    bytes = bytes.subspan(static_cast<size_t>(sent));
  }
}

// Fills `into`; false when the peer closed first.
bool ReceiveAll(int fd, MutableByteView into) {
  while (!into.empty()) {
    const ssize_t got = recv(fd, into.data(), into.size(), 0);
    if (got <= 0) {
      return false;
    }
    into = into.subspan(static_cast<size_t>(got));
  }
  return true;
}

sockaddr_in Address(const std::string& host_port) {
  const size_t colon = host_port.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::stoi(host_port.substr(colon + 1))));
  CHECK_EQ(inet_pton(AF_INET, host_port.substr(0, colon).c_str(), &address.sin_addr), 1);
  return address;
}

int Connect(const sockaddr_in& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  CHECK_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  return fd;
}

Bytes BuildBatch() {
  record::BatchBuilder builder;
  const std::string value(kRecordBytes, 'x');
  const int64_t now_ms = Clock::System().NowMs();
  while (builder.EstimatedSize() + kRecordBytes + 16 < kBatchBytes) {
    CHECK_OK(builder.Append(now_ms, std::nullopt, AsBytes(value)));
  }
  return ToBytes(*builder.Build());
}

Bytes ProduceFrame(const std::string& topic, ByteView batch) {
  kafka::ProduceRequest request;
  request.acks = 1;
  request.timeout_ms = 30'000;
  auto& topic_data = request.topic_data.emplace_back();
  topic_data.name = topic;
  auto& partition = topic_data.partition_data.emplace_back();
  partition.records = kafka::Records{.bytes = batch};
  kafka::WireWriter out = kafka::WireWriter::Framed();
  kafka::EncodeRequestHeader(
      out, {.api_key = 0, .api_version = kProduceVersion, .correlation_id = 1, .client_id = "floor"});
  request.Encode(out, kProduceVersion);
  out.FinishFrame();
  CHECK(out.ok());
  return out.Take();
}

Bytes FetchFrame(const std::string& topic, int64_t offset) {
  kafka::FetchRequest request;
  request.max_wait_ms = 500;
  request.min_bytes = 1;
  request.max_bytes = kFetchBytes;
  auto& fetch_topic = request.topics.emplace_back();
  fetch_topic.topic = topic;
  auto& partition = fetch_topic.partitions.emplace_back();
  partition.fetch_offset = offset;
  partition.partition_max_bytes = kFetchBytes;
  kafka::WireWriter out = kafka::WireWriter::Framed();
  kafka::EncodeRequestHeader(
      out, {.api_key = 1, .api_version = kFetchVersion, .correlation_id = 1, .client_id = "floor"});
  request.Encode(out, kFetchVersion);
  out.FinishFrame();
  CHECK(out.ok());
  return out.Take();
}

// Receives one response frame into `buffer`; returns its bytes without the length.
ByteView ReceiveFrame(int fd, Bytes* buffer) {
  std::byte prefix[4];
  CHECK(ReceiveAll(fd, prefix));
  const auto size = static_cast<size_t>(LoadBigEndian<int32_t>(prefix));
  if (buffer->size() < size) {
    buffer->resize(size);
  }
  CHECK(ReceiveAll(fd, MutableByteView(*buffer).first(size)));
  return ByteView(*buffer).first(size);
}

void CheckProduced(ByteView frame) {
  kafka::WireReader in(frame);
  int32_t correlation_id = 0;
  kafka::DecodeResponseHeader(in, 0, kProduceVersion, &correlation_id);
  kafka::ProduceResponse response;
  response.Decode(in, kProduceVersion);
  CHECK(in.ok());
  CHECK_EQ(response.responses.at(0).partition_responses.at(0).error_code, 0);
}

// The load of `produce`: `bytes` of batches, kInFlight requests ahead of their answers.
void Produce(int fd, ByteView frame, size_t count, bool check) {
  Bytes buffer;
  size_t answered = 0;
  for (size_t sent = 0; sent < count; ++sent) {
    SendAll(fd, frame);
    for (; sent - answered >= kInFlight; ++answered) {
      const ByteView answer = ReceiveFrame(fd, &buffer);
      if (check) {
        CheckProduced(answer);
      }
    }
  }
  for (; answered < count; ++answered) {
    ReceiveFrame(fd, &buffer);
  }
}

// Receives, hashes, copies into a populated map: the least that a broker does with a produce request.
void ServeProduceBare(int listener, std::byte* map, double* cpu) {
  const int fd = accept(listener, nullptr, nullptr);
  Bytes buffer(4 << 20);
  size_t filled = 0;
  size_t cursor = 0;
  const double before = ThreadCpuSeconds();
  for (;;) {
    const ssize_t got = recv(fd, buffer.data() + filled, kReceiveBytes, 0);
    if (got <= 0) {
      break;
    }
    filled += static_cast<size_t>(got);
    size_t parsed = 0;
    while (filled - parsed >= 4) {
      const auto size = static_cast<size_t>(LoadBigEndian<int32_t>(buffer.data() + parsed));
      if (filled - parsed < 4 + size) {
        break;
      }
      const ByteView frame = ByteView(buffer).subspan(parsed + 4, size);
      const ByteView batch = frame.last(frame.size() - 64);
      std::byte answer[44] = {};
      StoreBigEndian<int32_t>(answer, 40);
      StoreBigEndian<uint32_t>(answer + 4, Crc32c(batch));
      cursor = cursor + batch.size() > kMapBytes ? 0 : cursor;
      std::memcpy(map + cursor, batch.data(), batch.size());
      cursor += batch.size();
      SendAll(fd, answer);
      parsed += 4 + size;
    }
    std::memmove(buffer.data(), buffer.data() + parsed, filled - parsed);
    filled -= parsed;
  }
  *cpu = ThreadCpuSeconds() - before;
  close(fd);
}

// 16-byte requests {position, size}; answers with an 8-byte size and the range, by sendfile.
void ServeConsumeBare(int listener, int file, double* cpu) {
  const int fd = accept(listener, nullptr, nullptr);
  const double before = ThreadCpuSeconds();
  std::byte request[16];
  while (ReceiveAll(fd, request)) {
    auto position = static_cast<off_t>(LoadBigEndian<int64_t>(request));
    auto left = static_cast<size_t>(LoadBigEndian<int64_t>(request + 8));
    std::byte header[8];
    StoreBigEndian(header, static_cast<int64_t>(left));
    SendAll(fd, header, MSG_MORE);
    while (left > 0) {
      const ssize_t sent = sendfile(fd, file, &position, std::min(left, kReceiveBytes));
      CHECK_GT(sent, 0);
      left -= static_cast<size_t>(sent);
    }
  }
  *cpu = ThreadCpuSeconds() - before;
  close(fd);
}

struct BareListener {
  int fd = -1;
  sockaddr_in address{};
};

BareListener Listen() {
  BareListener listener{.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  listener.address.sin_family = AF_INET;
  listener.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK_EQ(bind(listener.fd, reinterpret_cast<sockaddr*>(&listener.address), sizeof(listener.address)), 0);
  CHECK_EQ(listen(listener.fd, 1), 0);
  socklen_t size = sizeof(listener.address);
  CHECK_EQ(getsockname(listener.fd, reinterpret_cast<sockaddr*>(&listener.address), &size), 0);
  return listener;
}

struct Figures {
  double seconds = 0;
  double server_cpu = 0;
  double bytes = 0;
};

void Print(const char* what, const char* who, const Figures& figures) {
  std::printf(
      "{\"test\": \"%s\", \"server\": \"%s\", \"MB_per_s\": %.0f, \"server_cpu_s_per_GB\": %.4f, "
      "\"seconds\": %.3f}\n",
      what, who, figures.bytes / 1e6 / figures.seconds, figures.server_cpu / (figures.bytes / 1e9),
      figures.seconds);
}

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Figures ProduceBare(const std::string& path, size_t bytes) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  CHECK_EQ(posix_fallocate(file, 0, static_cast<off_t>(kMapBytes)), 0);
  auto* map = static_cast<std::byte*>(mmap(nullptr, kMapBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  CHECK(map != MAP_FAILED);
  CHECK_EQ(madvise(map, kMapBytes, MADV_POPULATE_WRITE), 0);
  const BareListener listener = Listen();
  Figures figures;
  std::thread server(ServeProduceBare, listener.fd, map, &figures.server_cpu);
  const Bytes frame = ProduceFrame("bare", BuildBatch());
  const int fd = Connect(listener.address);
  const size_t count = bytes / kBatchBytes;
  const double began = Now();
  Produce(fd, frame, count, false);
  figures.seconds = Now() - began;
  close(fd);
  server.join();
  figures.bytes = static_cast<double>(count * frame.size());
  munmap(map, kMapBytes);
  close(file);
  return figures;
}

Figures ProduceBroker(const std::string& broker, int pid, const std::string& topic, size_t bytes) {
  const Bytes frame = ProduceFrame(topic, BuildBatch());
  const int fd = Connect(Address(broker));
  Produce(fd, frame, 1, true);
  const size_t count = bytes / kBatchBytes;
  const double cpu = ProcessCpuSeconds(pid);
  const double began = Now();
  Produce(fd, frame, count, true);
  Figures figures{.seconds = Now() - began, .bytes = static_cast<double>(count * frame.size())};
  figures.server_cpu = ProcessCpuSeconds(pid) - cpu;
  close(fd);
  return figures;
}

Figures ConsumeBare(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info;
  CHECK_EQ(fstat(file, &info), 0);
  const auto bytes = static_cast<size_t>(info.st_size);
  const BareListener listener = Listen();
  Figures figures{.bytes = static_cast<double>(bytes)};
  std::thread server(ServeConsumeBare, listener.fd, file, &figures.server_cpu);
  const int fd = Connect(listener.address);
  Bytes buffer(kFetchBytes);
  const double began = Now();
  for (size_t position = 0; position < bytes; position += kFetchBytes) {
    std::byte request[16];
    const size_t size = std::min(kFetchBytes, bytes - position);
    StoreBigEndian(request, static_cast<int64_t>(position));
    StoreBigEndian(request + 8, static_cast<int64_t>(size));
    SendAll(fd, request);
    std::byte header[8];
    CHECK(ReceiveAll(fd, header));
    CHECK(ReceiveAll(fd, MutableByteView(buffer).first(size)));
  }
  figures.seconds = Now() - began;
  close(fd);
  server.join();
  close(file);
  return figures;
}

// The offset after the last whole batch of a fetch response, or `offset` when there is none.
int64_t NextOffset(ByteView frame, int64_t offset, int64_t* high_watermark) {
  kafka::WireReader in(frame);
  int32_t correlation_id = 0;
  kafka::DecodeResponseHeader(in, 1, kFetchVersion, &correlation_id);
  kafka::FetchResponse response;
  response.Decode(in, kFetchVersion);
  CHECK(in.ok());
  const auto& partition = response.responses.at(0).partitions.at(0);
  CHECK_EQ(partition.error_code, 0);
  *high_watermark = partition.high_watermark;
  ByteView records = partition.records ? partition.records->bytes : ByteView{};
  while (const auto size = record::PeekBatchSize(records)) {
    if (*size > records.size()) {
      break;
    }
    offset = record::BatchView(records.first(*size)).next_offset().value();
    records = records.subspan(*size);
  }
  return offset;
}

Figures ConsumeBroker(const std::string& broker, int pid, const std::string& topic) {
  const int fd = Connect(Address(broker));
  Bytes buffer(kFetchBytes + (1 << 20));
  Figures figures;
  int64_t offset = 0;
  int64_t high_watermark = 1;
  const double cpu = ProcessCpuSeconds(pid);
  const double began = Now();
  while (offset < high_watermark) {
    SendAll(fd, FetchFrame(topic, offset));
    const ByteView frame = ReceiveFrame(fd, &buffer);
    figures.bytes += static_cast<double>(frame.size());
    offset = NextOffset(frame, offset, &high_watermark);
  }
  figures.seconds = Now() - began;
  figures.server_cpu = ProcessCpuSeconds(pid) - cpu;
  close(fd);
  return figures;
}

int Usage() {
  std::fprintf(stderr,
               "usage: sluice_floor produce-bare FILE BYTES\n"
               "       sluice_floor produce HOST:PORT PID TOPIC BYTES\n"
               "       sluice_floor consume-bare FILE\n"
               "       sluice_floor consume HOST:PORT PID TOPIC\n");
  return 2;
}

int Main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::string what = arguments.empty() ? "" : arguments[0];
  if (what == "produce-bare" && arguments.size() == 3) {
    Print("produce", "bare", ProduceBare(arguments[1], std::stoull(arguments[2])));
  } else if (what == "produce" && arguments.size() == 5) {
    Print("produce", "broker",
          ProduceBroker(arguments[1], std::stoi(arguments[2]), arguments[3], std::stoull(arguments[4])));
  } else if (what == "consume-bare" && arguments.size() == 2) {
    Print("consume", "bare", ConsumeBare(arguments[1]));
  } else if (what == "consume" && arguments.size() == 4) {
    Print("consume", "broker", ConsumeBroker(arguments[1], std::stoi(arguments[2]), arguments[3]));
  } else {
    return Usage();
  }
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  return sluice::Main(argc, argv);
}
