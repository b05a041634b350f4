// What compaction in a log dir may use (Kafka's log.cleaner.*), and what it did.
#pragma once

#include <cstdint>

namespace sluice::storage {

struct CleanerOptions {
  bool enabled = true;
  int threads = 1;
  uint64_t map_bytes = 128ull << 20;  // Of all threads together: log.cleaner.dedupe.buffer.size.
  int64_t backoff_ms = 15'000;        // How long a thread that found nothing to do waits.
  int64_t bytes_per_second_max = 0;   // Read and written, of all threads together; 0: no limit.
};

struct CleanerStats {
  uint64_t runs = 0;      // Logs compacted.
  uint64_t failures = 0;  // Tries that ended in an error.
  uint64_t bytes_before = 0;
  uint64_t bytes_after = 0;
  uint64_t records_removed = 0;
  uint64_t logs_left_alone = 0;  // Until the next start, because of an error.
};

}  // namespace sluice::storage
