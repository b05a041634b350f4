// The threads of a load run: producers that send, consumers that read along, and one who asks for the ends.
// Each writes what it does into the history. They are paced, so that a run of thousands of crashes fits into
// memory.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "proto/base/random.h"
#include "sluice/client.h"
#include "tests/crash/history.h"
#include "tests/crash/plain_producer.h"

namespace sluice::crash {

struct LoadOptions {
  std::string host;
  uint16_t port = 0;
  std::string topic = "t";
  int32_t partitions = 4;
  int idempotent = 8;
  int plain = 4;
  int consumers = 3;
  int value_bytes = 1500;  // Values are up to so long.
  int burst_ms = 4;        // Between two bursts of a producer.
  uint64_t seed = 0;

  std::string Address() const;
};

// What all threads share. Everything in it is thread-safe.
struct LoadState {
  History history;
  absl::Notification stop_producers;
  absl::Notification stop_consumers;
  std::atomic<int64_t> next_operation{0};
  std::atomic<int64_t> acked{0};        // Values.
  std::atomic<int64_t> given_up{0};     // Sends that an idempotent producer could not bring to an end.
  std::atomic<int64_t> poll_errors{0};  // Errors that a consumer handed out: none heals by itself.
};

absl::StatusOr<std::unique_ptr<Client>> Connect(const LoadOptions& options);

// Sends through the client library, idempotent and with acks=all, bursts of values to the partitions in turn.
class IdempotentSender {
 public:
  IdempotentSender(std::unique_ptr<Client> client, const LoadOptions& options, int id, LoadState& state);
  // Waits until every send has ended. After stop_producers.
  void Finish();

 private:
  void Run();
  bool SendOne(int32_t partition);

  const LoadOptions& options_;
  const int id_;
  LoadState& state_;
  const std::unique_ptr<Client> client_;
  const std::unique_ptr<Producer> producer_;
  Random random_;  // The thread only, as the next.
  int64_t next_ = 0;
  std::thread thread_;
};

// Sends batches that are tried once. Some are damaged on purpose.
class PlainSender {
 public:
  PlainSender(const LoadOptions& options, int id, LoadState& state);
  void Finish() { thread_.join(); }

 private:
  void Run();
  void SendOne();

  const LoadOptions& options_;
  const int id_;
  LoadState& state_;
  PlainProducer producer_;  // The thread only, as the next two.
  Random random_;
  int64_t next_ = 0;
  std::thread thread_;
};

// Reads along from the beginning; with `jumps`, it seeks back from the end every now and then.
class Reader {
 public:
  Reader(std::unique_ptr<Client> client, const LoadOptions& options, int id, bool jumps, LoadState& state);
  void Finish() { thread_.join(); }

 private:
  void Run();
  void JumpBack();

  const LoadOptions& options_;
  const int id_;
  const bool jumps_;
  LoadState& state_;
  const std::unique_ptr<Client> client_;
  const std::unique_ptr<Consumer> consumer_;
  std::thread thread_;
};

// Asks for the end offsets, again and again.
class EndWatcher {
 public:
  EndWatcher(std::unique_ptr<Client> client, const LoadOptions& options, LoadState& state);
  void Finish() { thread_.join(); }

 private:
  void Run();

  const LoadOptions& options_;
  LoadState& state_;
  const std::unique_ptr<Client> client_;
  std::thread thread_;
};

// Reads everything that is in the topic now into the history, as its last read.
absl::Status ReadAllAtLast(Client& client, const LoadOptions& options, LoadState& state);

}  // namespace sluice::crash
