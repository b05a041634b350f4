// Gives back the page cache that cold reads took: a consumer that catches up through a day of data must not
// push out what everybody else reads.
//
// A page cannot be dropped while a socket still refers to it, so each range is dropped only when enough was
// sent after it, or the connection has nothing more to send. Only ranges that were cold come here: what was
// resident before belongs to others.
#pragma once

#include <cstdint>
#include <list>

#include "storage/disk/executor.h"
#include "storage/disk/file_range.h"

namespace sluice::broker {

// One network thread only; the dropping itself runs on the pool.
class DropBehind {
 public:
  // `range` was cold, was read and is being sent.
  void Add(const storage::FileRange& range, storage::Executor& pool);
  void DropAll(storage::Executor& pool);
  bool empty() const { return extents_.empty(); }

 private:
  // Ranges that continue each other, as one: the kernel drops a large folio only when a call covers all of
  // it.
  struct Extent {
    storage::FileRange range;
    uint64_t dropped = 0;  // From the beginning of the range.
    uint64_t rest() const { return range.size - dropped; }
  };
  void Drop(uint64_t bytes, storage::Executor& pool);

  std::list<Extent> extents_;  // Not a deque: an empty one would cost each connection 600 bytes.
  uint64_t bytes_ = 0;         // The rests together.
};

}  // namespace sluice::broker
