// Sends mutated requests from some connections at a time, while good ones are sent on another, until all are
// sent or something is found.
//
// A request is followed at once by a sound ApiVersions on the same connection. So it is seen what became of
// it: its answer and the other one, a closed connection, or only the other one where it wanted no answer.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/fuzz/tcp/broker_process.h"
#include "tests/fuzz/tcp/known_data.h"
#include "tests/fuzz/tcp/request_kind.h"

namespace sluice::fuzz {

struct FuzzOptions {
  uint64_t seed = 0;
  uint64_t first = 0;
  uint64_t requests = 20'000;
  int connections = 8;
};

// One API version that the broker advertises. `kind` is null where the codec does not know the key.
struct Target {
  const RequestKind* kind = nullptr;
  int16_t version = 0;
};
absl::StatusOr<std::vector<Target>> FindTargets(Connection& connection);

class FuzzRun {
 public:
  // They must outlive it.
  FuzzRun(const FuzzOptions& options, std::vector<Target> targets, BrokerProcess& broker, KnownData& known);

  // What is wrong with the broker.
  absl::Status Run();

  struct Counts {
    uint64_t sent = 0;
    uint64_t answered = 0;
    uint64_t refused = 0;  // By a close.
    uint64_t unanswered = 0;
    uint64_t torn = 0;     // Whose connection ended amid the frame.
    uint64_t harmful = 0;  // Left out: they would be taken, and change what must not change.
    uint64_t good = 0;     // On the other connection.
    absl::Duration slowest_good;
  };
  Counts counts() const;

 private:
  struct Item;
  class Sender;

  Item Make(uint64_t number) const;
  void SendAll();
  void SendGood();
  void Find(absl::Status what) ABSL_LOCKS_EXCLUDED(mu_);
  bool Goes() const { return !found_.load(std::memory_order_relaxed); }

  const FuzzOptions options_;
  const std::vector<Target> targets_;
  BrokerProcess& broker_;
  KnownData& known_;
  const kafka::Vocabulary vocabulary_;

  std::atomic<uint64_t> next_;
  std::atomic<bool> found_ = false;
  std::atomic<bool> all_sent_ = false;
  mutable absl::Mutex mu_;
  Counts counts_ ABSL_GUARDED_BY(mu_);
  absl::Status finding_ ABSL_GUARDED_BY(mu_);  // The first.
};

}  // namespace sluice::fuzz
