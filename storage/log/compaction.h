// What a log that compacts itself is given, and what it tells afterwards.
#pragma once

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "proto/base/bytes.h"
#include "proto/base/siphash.h"
#include "proto/record/compression.h"

namespace sluice::storage {

// Called with bytes that were just read or written; returns when more may be, or as soon as `stop` is true.
using CompactionPace = absl::FunctionRef<void(uint64_t bytes, absl::FunctionRef<bool()> stop)>;

struct CompactionResources {
  uint64_t map_bytes_max = 128ull << 20;
  SipHashKey hash_key;
  CompactionPace pace;
  absl::FunctionRef<bool()> stop;  // Whoever asked does not want it any more.
};

struct CompactionReport {
  int passes = 0;
  uint64_t segments_before = 0;
  uint64_t segments_written = 0;
  uint64_t bytes_before = 0;  // Of the segments looked at...
  uint64_t bytes_after = 0;   // ... and of those that took their place.
  uint64_t records_read = 0;
  uint64_t records_kept = 0;
  uint64_t keys = 0;  // Of the largest pass.
};

// The memory that opening compressed batches takes, kept from one to the next.
struct CompactionDecoder {
  record::Decompressor decompressor;
  Bytes scratch;
};

}  // namespace sluice::storage
