// sluice_crash_load BROKER TOPIC PARTITIONS PRODUCERS: idempotent producers with acks=all that keep sending
// through whatever happens to the broker, until standard input ends; then everything in the topic is read and
// checked against what was acknowledged. Exit 0 when nothing acknowledged was lost, doubled, reordered or
// moved.

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "proto/base/bytes.h"
#include "sluice/client.h"
#include "tests/crash/history.h"

namespace sluice::crash {
namespace {

using std::chrono::milliseconds;

struct Arguments {
  std::string broker;
  std::string topic;
  int partitions = 1;
  int producers = 1;
};

class AckLog {
 public:
  void Add(const Ack& ack) {
    absl::MutexLock lock(&mu_);
    acks_.push_back(ack);
  }
  std::vector<Ack> Take() {
    absl::MutexLock lock(&mu_);
    return std::move(acks_);
  }

 private:
  absl::Mutex mu_;
  std::vector<Ack> acks_ ABSL_GUARDED_BY(mu_);
};

// Sends values 0, 1, 2 ... of one producer to the partitions in turn until told to stop. Back-pressure paces
// it.
class Sender {
 public:
  Sender(Client& client, const Arguments& arguments, int id, AckLog& acks, const std::atomic<bool>& stop)
      : arguments_(arguments), id_(id), acks_(acks), stop_(stop) {
    auto producer = client.NewProducer({.batch_bytes = 4096,
                                        .linger = milliseconds(1),
                                        .buffer_bytes = 256 << 10,
                                        .max_block = milliseconds(120'000),
                                        .delivery_timeout = milliseconds(120'000)});
    producer_ = *std::move(producer);
    thread_ = std::thread([this] { Run(); });
  }

  // One past the last value that was handed to the producer. `failed` counts sends that were given up.
  int64_t Finish(int64_t* failed) {
    thread_.join();
    (void)producer_->Close(milliseconds(120'000));
    *failed += failed_.load();
    return next_;
  }

 private:
  void Run() {
    while (!stop_.load()) {
      const Value value{id_, next_};
      const auto partition = static_cast<int32_t>(next_ % arguments_.partitions);
      const std::string text = value.Text();
      const absl::Status sent = producer_->Send(
          {.topic = arguments_.topic, .partition = partition, .value = BytesOf(text)},
          [this, value](const absl::StatusOr<Delivery>& delivery) {
            if (delivery.ok()) {
              acks_.Add({value, delivery->partition, delivery->offset});
            } else {
              std::fprintf(stderr, "%s: %s\n", value.Text().c_str(), delivery.status().ToString().c_str());
              failed_.fetch_add(1);
            }
          });
      if (!sent.ok()) {
        std::fprintf(stderr, "send %s: %s\n", text.c_str(), sent.ToString().c_str());
        failed_.fetch_add(1);
        return;
      }
      ++next_;
    }
  }

  const Arguments arguments_;
  const int id_;
  AckLog& acks_;
  const std::atomic<bool>& stop_;
  std::unique_ptr<Producer> producer_;
  int64_t next_ = 0;
  std::atomic<int64_t> failed_ = 0;
  std::thread thread_;
};

absl::StatusOr<std::map<int32_t, std::vector<Stored>>> ReadAll(Client& client, const std::string& topic) {
  auto consumer = client.NewConsumer();
  if (!consumer.ok()) {
    return consumer.status();
  }
  if (const absl::Status assigned = (*consumer)->AssignTopic(topic, Position::Beginning()); !assigned.ok()) {
    return assigned;
  }
  std::map<int32_t, std::vector<Stored>> stored;
  while (!(*consumer)->AtEnd()) {
    auto records = (*consumer)->Poll(milliseconds(1000));
    if (!records.ok()) {
      return records.status();
    }
    for (const RecordView& record : *records) {
      Value value{-1, -1};
      if (!record.value || !Value::Parse(ToAbsl(TextOf(*record.value)), &value)) {
        value = {-1, -1};
      }
      stored[record.partition].push_back({record.offset, value});
    }
  }
  return stored;
}

void WaitForEndOfInput() {
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

int Run(const Arguments& arguments) {
  auto client = Client::Connect({.bootstrap = arguments.broker, .request_timeout = milliseconds(5'000)});
  if (!client.ok()) {
    std::fprintf(stderr, "%s\n", client.status().ToString().c_str());
    return 2;
  }
  AckLog acks;
  std::atomic<bool> stop = false;
  std::vector<std::unique_ptr<Sender>> senders;
  for (int id = 0; id < arguments.producers; ++id) {
    senders.push_back(std::make_unique<Sender>(**client, arguments, id, acks, stop));
  }
  WaitForEndOfInput();
  stop = true;
  int64_t failed = 0;
  std::vector<int64_t> next_sequence;
  for (auto& sender : senders) {
    next_sequence.push_back(sender->Finish(&failed));
  }
  senders.clear();
  auto stored = ReadAll(**client, arguments.topic);
  if (!stored.ok()) {
    std::fprintf(stderr, "%s\n", stored.status().ToString().c_str());
    return 2;
  }
  const std::vector<Ack> acked = acks.Take();
  const Anomalies found = Check(acked, *stored, next_sequence);
  std::printf(
      "{\"acked\": %zu, \"failed\": %ld, \"lost\": %ld, \"moved\": %ld, \"duplicated\": %ld, \"reordered\": "
      "%ld, \"foreign\": %ld}\n",
      acked.size(), static_cast<long>(failed), static_cast<long>(found.lost), static_cast<long>(found.moved),
      static_cast<long>(found.duplicated), static_cast<long>(found.reordered),
      static_cast<long>(found.foreign));
  if (!found.none()) {
    std::fprintf(stderr, "%s\n", found.first.c_str());
  }
  return found.none() && failed == 0 && !acked.empty() ? 0 : 1;
}

}  // namespace
}  // namespace sluice::crash

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(
        stderr,
        "usage: sluice_crash_load BROKER TOPIC PARTITIONS PRODUCERS  (sends until standard input ends)\n");
    return 2;
  }
  return sluice::crash::Run({.broker = argv[1],
                             .topic = argv[2],
                             .partitions = std::stoi(argv[3]),
                             .producers = std::stoi(argv[4])});
}
