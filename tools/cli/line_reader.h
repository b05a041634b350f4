// Lines of a file descriptor, in large reads, without copying those that lie whole in the buffer.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice::cli {

class LineReader {
 public:
  // Does not own `fd`.
  explicit LineReader(int fd) : fd_(fd), buffer_(size_t{256} << 10) {}

  // The next line without its newline, valid until the next call; false at the end. A last line without a
  // newline counts too.
  absl::StatusOr<bool> Next(absl::string_view* line);
  // Whether Next can give a line without reading: when not, it is time to let go what was gathered.
  bool HasBufferedLine() const;

 private:
  absl::StatusOr<size_t> Fill();

  const int fd_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
};

}  // namespace sluice::cli
