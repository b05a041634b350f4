// Which part of a file is in memory only because this connection reads it. The kernel reads ahead of a cold
// read, so most of what a catch-up reader sends is resident by the time it is looked at, and still nobody
// else's.
//
//   ....|cold, read, sent | read ahead |  not cached  |####### cached by others
//       ^ begin           ^ next step  ^              ^ end at the latest
#pragma once

#include <cstdint>
#include <memory>

#include "storage/disk/file_range.h"

namespace sluice::broker {

// One network thread only.
class ColdStretch {
 public:
  // `range` is not resident, and about to be read.
  void OnCold(const storage::FileRange& range);
  // Whether the range's pages came because of us. Asked in the order in which the file is sent.
  bool Covers(const storage::FileRange& range);
  void Forget() { *this = ColdStretch(); }

 private:
  std::weak_ptr<const storage::SharedFile>
      file_;  // Weak: a deleted segment must not stay on the disk for this.
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
};

}  // namespace sluice::broker
