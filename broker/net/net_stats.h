// What the network side counts, for the metrics page. One object for all threads: relaxed counters, each
// written a few times per system call, not per record.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::broker {

class NetCounter {
 public:
  void Add(uint64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  void Subtract(uint64_t amount = 1) { value_.fetch_sub(amount, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

struct NetStats {
  NetCounter connections_open;      // Now.
  NetCounter connections_accepted;  // The refused ones not included.
  NetCounter connections_refused;   // Over a limit, or no file descriptor was left.
  NetCounter frames;
  NetCounter responses;
  NetCounter bytes_in;
  NetCounter bytes_out_copied;       // Responses' own bytes, and file ranges small enough to be copied.
  NetCounter bytes_out_transferred;  // By sendfile, or the transfer method in its place.
  NetCounter bytes_cold;             // Of the bytes out, those that had to be read from the disk first.
  NetCounter cold_reads;
  NetCounter receive_budget_waits;
  NetCounter closed_idle;
  NetCounter closed_slow_request;
  NetCounter closed_write_stall;
  NetCounter closed_bad_frame;
  NetCounter closed_disk_error;
};

}  // namespace sluice::broker
