// The fake cluster's nodes (sockets and threads), its topics and their logs. What it answers is in
// fake_cluster_answers.cc.
#include "tests/unit/client/fake_cluster.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/record/batch_view.h"
#include "proto/record/compression.h"
#include "proto/record/record_iterator.h"

namespace sluice::client_test {
namespace {

using kafka::ErrorCode;

constexpr absl::Duration kWaitMax = absl::Seconds(30);

bool ReadFully(int fd, std::byte* to, size_t size) {
  while (size > 0) {
    const ssize_t got = recv(fd, to, size, 0);
    if (got <= 0) {
      return false;
    }
    to += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool WriteFully(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) {
      return false;
    }
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return true;
}

}  // namespace

FakeCluster::FakeCluster(const Options& options) : options_(options) {
  for (int i = 0; i < options_.nodes; ++i) {
    nodes_.push_back(std::make_unique<Node>());
    Listen(*nodes_.back());
  }
  for (int i = 0; i < options_.nodes; ++i) {
    StartAccepting(i);  // From here on threads read nodes_.
  }
}

FakeCluster::~FakeCluster() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    appended_.SignalAll();
  }
  for (int i = 0; i < options_.nodes; ++i) {
    StopNode(i);
  }
}

std::string FakeCluster::Address(int32_t node) const {
  return absl::StrCat("127.0.0.1:", nodes_[static_cast<size_t>(node)]->port);
}

void FakeCluster::SetHook(Hook hook) {
  absl::MutexLock lock(&mu_);
  hook_ = std::move(hook);
}

void FakeCluster::Listen(Node& node) {
  node.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(node.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(node.port);
  CHECK_EQ(bind(node.listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  CHECK_EQ(listen(node.listener, 64), 0);
  socklen_t size = sizeof(address);
  CHECK_EQ(getsockname(node.listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  if (node.port == 0) {
    node.port = ntohs(address.sin_port);  // Kept when the node starts again.
  }
}

void FakeCluster::StartNode(int32_t index) {
  Listen(*nodes_[static_cast<size_t>(index)]);
  StartAccepting(index);
}

void FakeCluster::StartAccepting(int32_t index) {
  nodes_[static_cast<size_t>(index)]->accepting = std::thread([this, index] { Accept(index); });
}

void FakeCluster::StopNode(int32_t index) {
  Node& node = *nodes_[static_cast<size_t>(index)];
  if (node.listener < 0) {
    return;
  }
  shutdown(node.listener, SHUT_RDWR);
  node.accepting.join();
  close(node.listener);
  node.listener = -1;
  {
    absl::MutexLock lock(&mu_);
    for (const int fd : node.connections) {
      shutdown(fd, SHUT_RDWR);
    }
  }
  for (std::thread& thread : node.threads) {
    thread.join();
  }
  node.threads.clear();
}

void FakeCluster::Accept(int32_t index) {
  Node& node = *nodes_[static_cast<size_t>(index)];
  for (;;) {
    const int fd = accept4(node.listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      return;
    }
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    absl::MutexLock lock(&mu_);
    node.connections.insert(fd);
    node.threads.emplace_back([this, index, fd] { Serve(index, fd); });
  }
}

void FakeCluster::Serve(int32_t index, int fd) {
  for (;;) {
    std::byte prefix[4];
    if (!ReadFully(fd, prefix, sizeof(prefix))) {
      break;
    }
    Bytes frame(LoadBigEndian<uint32_t>(prefix));
    Bytes answer;
    if (!ReadFully(fd, frame.data(), frame.size()) || !Handle(index, frame, &answer) ||
        !WriteFully(fd, answer)) {
      break;
    }
  }
  absl::MutexLock lock(&mu_);
  nodes_[static_cast<size_t>(index)]->connections.erase(fd);
  close(fd);
}

bool FakeCluster::Handle(int32_t node, ByteView frame, Bytes* answer) {
  kafka::WireReader in(frame);
  kafka::RequestHeader header;
  kafka::DecodeRequestHeader(in, &header);
  CHECK(in.ok());
  Hook hook;
  {
    absl::MutexLock lock(&mu_);
    seen_[header.api_key].push_back(header.api_version);
    hook = hook_;
  }
  const Fault fault = hook ? hook(node, header.api_key) : Fault{};
  if (fault.kind == Fault::Kind::kDropBefore) {
    return false;
  }
  if (fault.kind == Fault::Kind::kSilence) {
    return true;
  }
  bool handled = false;
  switch (static_cast<kafka::ApiKey>(header.api_key)) {
    case kafka::ApiKey::kApiVersions:
      handled = AnswerApiVersions(header, answer);
      break;
    case kafka::ApiKey::kMetadata:
      handled = AnswerMetadata(header, in, answer);
      break;
    case kafka::ApiKey::kProduce:
      handled = AnswerProduce(node, header, in, fault, answer);
      break;
    case kafka::ApiKey::kFetch:
      handled = AnswerFetch(node, header, in, fault, answer);
      break;
    case kafka::ApiKey::kListOffsets:
      handled = AnswerListOffsets(header, in, answer);
      break;
    case kafka::ApiKey::kInitProducerId:
      handled = AnswerInitProducerId(header, in, answer);
      break;
    case kafka::ApiKey::kCreateTopics:
      handled = AnswerCreateTopics(header, in, answer);
      break;
    default:
      handled = AnswerGroup(node, header, in, fault, answer);
      break;
  }
  return handled && fault.kind != Fault::Kind::kDropAfter;
}

FakeCluster::Partition* FakeCluster::Find(const std::string& name, const Uuid& id, int32_t index) {
  for (auto& [topic_name, topic] : topics_) {
    const bool same = name.empty() ? topic.id == id : topic_name == name;
    if (same && index >= 0 && static_cast<size_t>(index) < topic.partitions.size()) {
      return &topic.partitions[static_cast<size_t>(index)];
    }
  }
  return nullptr;
}

ErrorCode FakeCluster::Append(Partition& partition, ByteView bytes, int64_t* base_offset) {
  const record::BatchParse parse = record::ParseBatch(bytes);
  if (!parse.ok() || !record::CrcMatches(parse.batch) || parse.batch.size_bytes() != bytes.size()) {
    return ErrorCode::kCorruptMessage;
  }
  if (parse.batch.has_producer()) {
    ProducerState& state = partition.producers[parse.batch.producer_id().value()];
    const int32_t base = parse.batch.base_sequence();
    const int16_t epoch = parse.batch.producer_epoch().value();
    if (epoch < state.epoch) {
      return ErrorCode::kInvalidProducerEpoch;
    }
    if (epoch > state.epoch) {
      state = {.epoch = epoch, .next_sequence = 0, .last = {}};
    }
    for (const auto& [sequence, offset] : state.last) {
      if (sequence == base) {
        *base_offset = offset;
        return ErrorCode::kNone;
      }
    }
    if (base != state.next_sequence) {
      return ErrorCode::kOutOfOrderSequenceNumber;
    }
    state.next_sequence = record::AdvanceSequence(base, parse.batch.record_count());
    state.last.emplace_back(base, partition.end);
    if (state.last.size() > 5) {
      state.last.erase(state.last.begin());
    }
  }
  *base_offset = Place(partition, bytes);
  return ErrorCode::kNone;
}

int64_t FakeCluster::Place(Partition& partition, ByteView bytes) {
  Bytes batch = ToBytes(bytes);
  const int64_t base = partition.end;
  StoreBigEndian<int64_t>(batch.data() + record::kBaseOffsetAt, base);
  partition.end = record::BatchView(batch).next_offset().value();
  partition.batches.push_back(std::move(batch));
  return base;
}

Bytes FakeCluster::Read(const Partition& partition, int64_t offset, size_t max_bytes) {
  Bytes bytes;
  for (const Bytes& batch : partition.batches) {
    if (record::BatchView(batch).next_offset().value() > offset &&
        (bytes.empty() || bytes.size() + batch.size() <= max_bytes)) {
      bytes.insert(bytes.end(), batch.begin(), batch.end());
    }
  }
  return bytes;
}

void FakeCluster::CreateTopic(const std::string& name, int32_t partitions) {
  absl::MutexLock lock(&mu_);
  AddTopic(name, partitions);
}

void FakeCluster::AddTopic(const std::string& name, int32_t partitions) {
  Topic& topic = topics_[name];
  topic.id.bytes[0] = next_topic_id_++;
  topic.partitions.resize(static_cast<size_t>(partitions));
  for (size_t i = 0; i < topic.partitions.size(); ++i) {
    topic.partitions[i].leader = static_cast<int32_t>(i) % options_.nodes;
  }
}

void FakeCluster::DeleteTopic(const std::string& name) {
  absl::MutexLock lock(&mu_);
  topics_.erase(name);
  appended_.SignalAll();
}

void FakeCluster::MoveLeader(const std::string& topic, int32_t partition, int32_t node) {
  absl::MutexLock lock(&mu_);
  Find(topic, {}, partition)->leader = node;
  appended_.SignalAll();
}

void FakeCluster::Trim(const std::string& topic, int32_t partition, int64_t offset) {
  absl::MutexLock lock(&mu_);
  Partition& trimmed = *Find(topic, {}, partition);
  trimmed.start = offset;
  std::erase_if(trimmed.batches,
                [&](const Bytes& batch) { return record::BatchView(batch).next_offset().value() <= offset; });
}

void FakeCluster::AppendRaw(const std::string& topic, int32_t partition, Bytes batch) {
  absl::MutexLock lock(&mu_);
  Place(*Find(topic, {}, partition), batch);
  appended_.SignalAll();
}

std::vector<Bytes> FakeCluster::Batches(const std::string& topic, int32_t partition) {
  absl::MutexLock lock(&mu_);
  return Find(topic, {}, partition)->batches;
}

std::vector<std::string> FakeCluster::Values(const std::string& topic, int32_t partition) {
  std::vector<std::string> values;
  for (const Bytes& bytes : Batches(topic, partition)) {
    const record::BatchView batch(bytes);
    Bytes scratch;
    const auto records = record::DecompressRecords(batch, &scratch, size_t{1} << 30);
    CHECK_OK(records.status());
    record::RecordIterator it(batch, *records);
    for (record::RecordView record; it.Next(&record);) {
      values.emplace_back(AsText(record.value.value_or(ByteView())));
    }
    CHECK_OK(it.status());
  }
  return values;
}

bool FakeCluster::WaitForRequests(int16_t api_key, int count) {
  absl::MutexLock lock(&mu_);
  const auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return seen_[api_key].size() >= static_cast<size_t>(count);
  };
  return mu_.AwaitWithTimeout(absl::Condition(&there), kWaitMax);
}

bool FakeCluster::WaitUntilNobodyIsConnected() {
  absl::MutexLock lock(&mu_);
  const auto alone = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return std::ranges::all_of(nodes_, [](const auto& node) { return node->connections.empty(); });
  };
  return mu_.AwaitWithTimeout(absl::Condition(&alone), kWaitMax);
}

int FakeCluster::CountRequests(int16_t api_key) {
  absl::MutexLock lock(&mu_);
  return static_cast<int>(seen_[api_key].size());
}

std::vector<int16_t> FakeCluster::VersionsSeen(int16_t api_key) {
  absl::MutexLock lock(&mu_);
  return seen_[api_key];
}

}  // namespace sluice::client_test
