// What the next block of the journal will hold, gathered from the logs that wait. The journal's thread owns
// it and uses it again for each block, so that nothing is allocated for an append.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "proto/base/bytes.h"
#include "storage/journal/block.h"

namespace sluice::storage {

struct GatherLimits {
  uint64_t block_bytes_max = 0;
  uint64_t log_bytes_max =
      0;  // What a log may put into one block: more, and its segments are synced instead.
};

class JournalBatch {
 public:
  void Clear() {
    entries_.clear();
    data_.clear();
    pins_.clear();
    data_bytes_ = 0;
    scratch_used_ = 0;
  }

  // `bytes` are those of the entry; `pin` keeps them where they are until Clear().
  void Add(const JournalEntry& entry, ByteView bytes, std::shared_ptr<const void> pin) {
    entries_.push_back(entry);
    data_.push_back(bytes);
    data_bytes_ += bytes.size();
    if (pin != nullptr) {
      pins_.push_back(std::move(pin));
    }
  }
  // "The log is durable up to here", without bytes.
  void AddMark(const JournalEntry& mark) { entries_.push_back(mark); }

  // Memory for bytes that are not mapped; it stays where it is until Clear(). `limit` of them in all.
  MutableByteView Scratch(uint64_t size, uint64_t limit) {
    if (scratch_.size() < limit) {
      scratch_.resize(limit);
    }
    const MutableByteView part = MutableByteView(scratch_).subspan(scratch_used_, size);
    scratch_used_ += size;
    return part;
  }

  // With so many more, it would be a block of that size.
  uint64_t SizeWith(size_t entries, uint64_t bytes) const {
    return BlockSize(entries_.size() + entries, data_bytes_ + bytes);
  }
  uint64_t size() const { return SizeWith(0, 0); }
  bool empty() const { return entries_.empty(); }
  std::span<const JournalEntry> entries() const { return entries_; }
  std::span<const ByteView> data() const { return data_; }

 private:
  std::vector<JournalEntry> entries_;
  std::vector<ByteView> data_;
  std::vector<std::shared_ptr<const void>> pins_;  // Maps, shared with the logs.
  Bytes scratch_;
  uint64_t data_bytes_ = 0;
  uint64_t scratch_used_ = 0;
};

}  // namespace sluice::storage
