// What a handler answers: bytes, and ranges of files to be streamed in between.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/base/bytes.h"
#include "storage/disk/file_range.h"

namespace sluice::broker {

// The whole frame in wire order, its length prefix included. `files[i]` goes out just before
// bytes[files[i].position]; positions ascend.
//
//   bytes  [len|header|topic|partition 0 ....|partition 1 ....]
//   files                             ^ 0                     ^ 1
struct Response {
  struct FilePart {
    size_t position = 0;
    storage::FileRange range;
  };
  Bytes bytes;
  std::vector<FilePart> files;
};

}  // namespace sluice::broker
