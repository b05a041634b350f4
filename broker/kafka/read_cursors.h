// Where a connection's last fetch of each partition ended, so that a consumer that reads on needs no lookup.
// The least recently used is forgotten first; forgetting costs one lookup.
//
// Threads: one fetch of its connection at a time; that fetch may be on the disk pool while the network thread
// waits for it.
#pragma once

#include <cstddef>
#include <list>

#include "absl/container/flat_hash_map.h"
#include "proto/base/ids.h"
#include "proto/base/uuid.h"
#include "storage/log/log.h"

namespace sluice::broker {

class ReadCursors {
 public:
  struct Key {
    Uuid topic;
    PartitionId partition;
    friend bool operator==(const Key&, const Key&) = default;
    template <class H>
    friend H AbslHashValue(H state, const Key& key) {
      return H::combine(std::move(state), key.topic, key.partition);
    }
  };

  static constexpr size_t kCountMax = 1'000;
  explicit ReadCursors(size_t count_max = kCountMax) : count_max_(count_max) {}

  // A cursor that fits nothing when there is none.
  storage::ReadCursor Get(const Key& key) const;
  void Put(const Key& key, const storage::ReadCursor& cursor);
  size_t size() const { return by_key_.size(); }

 private:
  struct Entry {
    Key key;
    storage::ReadCursor cursor;
  };

  const size_t count_max_;
  std::list<Entry> entries_;  // Most recently used first.
  absl::flat_hash_map<Key, std::list<Entry>::iterator> by_key_;
};

}  // namespace sluice::broker
