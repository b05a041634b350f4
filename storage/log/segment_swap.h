// Puts a compacted file in the place of the segments that it was made from, so that whatever moment the power
// goes, the log has either all of the old ones or the new one.
//
//   before     0000.log        0030.log  0045.log(next)      0000.log.cleaned   written and synced
//   promised   0000.log        0030.log  0045.log            0000.log.swap      sync directory: no way back
//   cleared    0000.log                  0045.log            0000.log.swap      0030.log.deleted; sync
//   directory after      0000.log (new)            0045.log                               sync directory
//
// A file .cleaned that is found at the start was not finished: removed. One .swap is whole, and tells by its
// last batch how far it reaches: what is left to do is done.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/base/ids.h"
#include "storage/disk/disk.h"

namespace sluice::storage {

struct SwapFiles {
  std::string directory;
  std::vector<Offset> bases;  // Of the segments replaced, ascending: the new one is named by the first.
};

// `<base>.log.cleaned` is there and synced. On an error `undone` says whether the log is as it was before; if
// not, nobody can tell which files it has: the log dir must not be used any more.
absl::Status SwapSegments(Disk& disk, const SwapFiles& files, bool* undone);

// At the start, before anything else looks at the files `names` of `directory`. Returns whether it changed
// any.
absl::StatusOr<bool> FinishSwaps(Disk& disk, const std::string& directory,
                                 const std::vector<std::string>& names);

}  // namespace sluice::storage
