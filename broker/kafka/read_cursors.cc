#include "broker/kafka/read_cursors.h"

namespace sluice::broker {

storage::ReadCursor ReadCursors::Get(const Key& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? storage::ReadCursor{} : found->second->cursor;
}

void ReadCursors::Put(const Key& key, const storage::ReadCursor& cursor) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    found->second->cursor = cursor;
    entries_.splice(entries_.begin(), entries_, found->second);
    return;
  }
  if (entries_.size() >= count_max_) {
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({key, cursor});
  by_key_.emplace(key, entries_.begin());
}

}  // namespace sluice::broker
