// Where compaction looks up whether a key has a newer record: hash of the key -> offset of its last record.
//
//   shard 0   [ hash, offset | empty | hash, offset | ... ]     open addressing, linear probing
//   ...                                                         a shard grows by half when it is 85 % full
//   shard 255 [ ... ]
//
// It takes memory as it fills, never more than it was given, old and new form of a growing shard together;
// then it is full, and the pass ends at the record that did not fit. 24 bytes a slot: 128 MiB hold some
// 4 million keys. The keys themselves are not kept: the hash is keyed (siphash.h), so nobody can make two
// keys of one hash to have another's record removed.
//
// Thread-compatible.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/siphash.h"

namespace sluice::storage {

class CompactionMap {
 public:
  CompactionMap(uint64_t bytes_max, const SipHashKey& hash_key)
      : bytes_max_(bytes_max), hash_key_(hash_key) {}

  // The record of `key` at `offset` is newer than those before. False: it does not fit, nothing changed.
  bool Put(ByteView key, Offset offset);
  // The newest offset of `key` that was put.
  std::optional<Offset> Find(ByteView key) const;

  size_t size() const { return size_; }
  uint64_t memory_bytes() const { return memory_bytes_; }
  // Empties it and gives its memory back.
  void Clear();

 private:
  static constexpr size_t kShards = 256;
  static constexpr size_t kSlotsMin = 16;

  struct Slot {
    Hash128 hash;
    int64_t offset = -1;  // -1: empty.
  };
  struct Shard {
    std::vector<Slot> slots;
    size_t used = 0;
  };

  static size_t IndexOf(const Hash128& hash, size_t slots);
  // The slot that holds `hash`, or the empty one where it belongs.
  static size_t Probe(const std::vector<Slot>& slots, const Hash128& hash);
  Shard& ShardOf(const Hash128& hash) { return shards_[hash.high % kShards]; }
  const Shard& ShardOf(const Hash128& hash) const { return shards_[hash.high % kShards]; }
  bool Grow(Shard& shard);

  const uint64_t bytes_max_;
  const SipHashKey hash_key_;
  std::array<Shard, kShards> shards_;
  size_t size_ = 0;
  uint64_t memory_bytes_ = 0;
};

}  // namespace sluice::storage
