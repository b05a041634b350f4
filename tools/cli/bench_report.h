// What a bench run measured, and how it is printed: Kafka's perf-test line for a person, JSON for a program.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "tools/cli/latency_histogram.h"

namespace sluice::cli {

struct BenchReport {
  std::string what;  // "sent" or "read"
  uint64_t records = 0;
  uint64_t bytes = 0;  // Of values.
  double seconds = 0;
  double client_cpu_seconds = 0;
  double broker_cpu_seconds = -1;  // -1: not measured.
  LatencyHistogram latency;        // Of each record's ack, or of each poll that gave records.

  // N records sent, ... on stderr; one JSON object on stdout.
  void Print() const;
};

// Measures from construction on.
class BenchClock {
 public:
  // `broker_pid` 0: its CPU is not measured.
  explicit BenchClock(int broker_pid);
  // Seconds and CPU seconds since construction, into `report`.
  void Stop(BenchReport* report) const;

 private:
  const int broker_pid_;
  const std::chrono::steady_clock::time_point began_;
  const double client_cpu_;
  const double broker_cpu_;
};

}  // namespace sluice::cli
