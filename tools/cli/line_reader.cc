#include "tools/cli/line_reader.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace sluice::cli {

absl::StatusOr<bool> LineReader::Next(absl::string_view* line) {
  size_t searched = begin_;
  for (;;) {
    const void* found = std::memchr(buffer_.data() + searched, '\n', end_ - searched);
    if (found != nullptr) {
      const auto newline = static_cast<size_t>(static_cast<const char*>(found) - buffer_.data());
      *line = {buffer_.data() + begin_, newline - begin_};
      begin_ = newline + 1;
      return true;
    }
    if (at_end_) {
      *line = {buffer_.data() + begin_, end_ - begin_};
      begin_ = end_;
      return !line->empty();
    }
    const size_t unfinished = end_ - begin_;
    RETURN_IF_ERROR(Fill().status());
    searched = begin_ + unfinished;
  }
}

bool LineReader::HasBufferedLine() const {
  return std::memchr(buffer_.data() + begin_, '\n', end_ - begin_) != nullptr;
}

absl::StatusOr<size_t> LineReader::Fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) {
    buffer_.resize(2 * buffer_.size());
  }
  ssize_t got = 0;
  do {
    got = read(fd_, buffer_.data() + end_, buffer_.size() - end_);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    return absl::UnknownError(absl::StrCat("cannot read the input: ", std::strerror(errno)));
  }
  at_end_ = got == 0;
  end_ += static_cast<size_t>(got);
  return static_cast<size_t>(got);
}

}  // namespace sluice::cli
