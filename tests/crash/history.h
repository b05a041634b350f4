// What a load run knows: which values were acknowledged and where, and the check of what the log holds
// against it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace sluice::crash {

// One record of the load: the `sequence`-th of its producer; its value on the wire is Text().
struct Value {
  int producer = 0;
  int64_t sequence = 0;

  std::string Text() const;
  static bool Parse(absl::string_view text, Value* value);
  friend auto operator<=>(const Value&, const Value&) = default;
};

struct Ack {
  Value value;
  int32_t partition = 0;
  int64_t offset = 0;
};

struct Stored {
  int64_t offset = 0;
  Value value;
};

struct Anomalies {
  int64_t lost = 0;        // Acknowledged, and nowhere in the log.
  int64_t moved = 0;       // Acknowledged at another offset than where it is.
  int64_t duplicated = 0;  // One value at two offsets.
  int64_t reordered = 0;   // A producer's later value at an earlier offset of the same partition.
  int64_t foreign = 0;     // A value that nobody sent.
  std::string first;       // What the first of them was.

  bool none() const { return lost + moved + duplicated + reordered + foreign == 0; }
};

// `stored` holds each partition's records in offset order. A value that is stored without an ack is no
// anomaly: its ack was lost with the broker. `next_sequence[p]` is one past the last value that producer p
// sent.
Anomalies Check(const std::vector<Ack>& acks, const std::map<int32_t, std::vector<Stored>>& stored,
                const std::vector<int64_t>& next_sequence);

}  // namespace sluice::crash
