// What a `records` field of a Produce request or a Fetch response holds: record batches that are in memory,
// or the promise of bytes that stay in files until the socket sends them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/base/bytes.h"

namespace sluice::kafka {

struct Records {
  // In memory: a view, whose owner must outlive encoding (or the use of what was decoded).
  ByteView bytes{};
  // Bytes that are not in memory: the writer only writes their length and notes the place. Not beside
  // `bytes`.
  uint64_t external_size = 0;
  // The caller's name for them, handed back in WireWriter::Cut.
  uint32_t external_id = 0;

  friend bool operator==(const Records& a, const Records& b) {
    return std::ranges::equal(a.bytes, b.bytes) && a.external_size == b.external_size &&
           a.external_id == b.external_id;
  }
};

}  // namespace sluice::kafka
