// A sluice-broker in a process and a directory of its own, on a free port of 127.0.0.1. The process ends with
// the object. Thread-compatible; port() and CheckAlive() from any thread while it runs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "tests/support/temp_dir.h"

namespace sluice::fuzz {

class BrokerProcess {
 public:
  // `settings`: KEY=VALUE, over those that every broker of a fuzzer has.
  BrokerProcess(std::string program, std::vector<std::string> settings)
      : program_(std::move(program)), settings_(std::move(settings)) {}
  ~BrokerProcess();
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;

  // Until it is ready to serve.
  absl::Status Start();
  // By SIGTERM. An error when it does not end well, and soon.
  absl::Status Stop();

  uint16_t port() const { return port_; }
  std::string log_dir() const { return directory_ / "log"; }
  // An error that says how it ended, if it did.
  absl::Status CheckAlive() ABSL_LOCKS_EXCLUDED(mu_);
  // The most memory that it ever had, in bytes.
  uint64_t MemoryPeak() const;
  // Lines of what it printed that hold one of these.
  std::vector<std::string> LinesWith(const std::vector<std::string>& texts) const;

 private:
  std::vector<std::string> CommandLine() const;
  bool ReadPort();
  // True once the process has ended; `*how` then says it.
  bool HasEnded(absl::Status* how) ABSL_LOCKS_EXCLUDED(mu_);

  const std::string program_;
  const std::vector<std::string> settings_;
  TempDir directory_;
  uint16_t port_ = 0;
  mutable absl::Mutex mu_;
  pid_t pid_ ABSL_GUARDED_BY(mu_) = 0;  // 0: none, or waited for.
  absl::Status end_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::fuzz
