#include "storage/log/compaction_map.h"

#include <algorithm>
#include <utility>

#include "proto/base/check.h"

namespace sluice::storage {

// Spreads evenly over any number of slots without a division.
size_t CompactionMap::IndexOf(const Hash128& hash, size_t slots) {
  return static_cast<size_t>((static_cast<unsigned __int128>(hash.low) * slots) >> 64);
}

size_t CompactionMap::Probe(const std::vector<Slot>& slots, const Hash128& hash) {
  size_t at = IndexOf(hash, slots.size());
  while (slots[at].offset >= 0 && slots[at].hash != hash) {
    at = at + 1 == slots.size() ? 0 : at + 1;
  }
  return at;
}

bool CompactionMap::Put(ByteView key, Offset offset) {
  CHECK_GE(offset.value(), 0);
  const Hash128 hash = SipHash128(hash_key_, key);
  Shard& shard = ShardOf(hash);
  if (!shard.slots.empty()) {
    Slot& slot = shard.slots[Probe(shard.slots, hash)];
    if (slot.offset >= 0) {
      slot.offset = std::max(slot.offset, offset.value());
      return true;
    }
  }
  if ((shard.used + 1) * 20 > shard.slots.size() * 17 && !Grow(shard)) {
    return false;
  }
  shard.slots[Probe(shard.slots, hash)] = {hash, offset.value()};
  ++shard.used;
  ++size_;
  return true;
}

std::optional<Offset> CompactionMap::Find(ByteView key) const {
  const Hash128 hash = SipHash128(hash_key_, key);
  const Shard& shard = ShardOf(hash);
  if (shard.slots.empty()) {
    return std::nullopt;
  }
  const Slot& slot = shard.slots[Probe(shard.slots, hash)];
  return slot.offset < 0 ? std::nullopt : std::optional(Offset(slot.offset));
}

bool CompactionMap::Grow(Shard& shard) {
  const size_t slots = std::max(kSlotsMin, shard.slots.size() + shard.slots.size() / 2);
  const uint64_t size = slots * sizeof(Slot);
  if (memory_bytes_ + size > bytes_max_) {
    return false;
  }
  std::vector<Slot> grown(slots);
  for (const Slot& slot : shard.slots) {
    if (slot.offset >= 0) {
      grown[Probe(grown, slot.hash)] = slot;
    }
  }
  memory_bytes_ += size - shard.slots.size() * sizeof(Slot);
  shard.slots = std::move(grown);
  return true;
}

void CompactionMap::Clear() {
  shards_.fill(Shard());
  size_ = 0;
  memory_bytes_ = 0;
}

}  // namespace sluice::storage
