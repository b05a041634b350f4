#include "broker/app/open_files.h"

#include <sys/resource.h>

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

namespace sluice::broker {
namespace {

// For the index (256 at the most), logs that are recovered together (as many), the journal, older segments
// that are read. Where there are few, a quarter: an index that small opens fewer.
constexpr int64_t kReservedMin = 256;
constexpr int64_t kReservedMax = 1024;

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

int64_t Reserved(int64_t open_files) {
  return std::clamp(open_files / 4, kReservedMin, kReservedMax);
}

int64_t ToCount(rlim_t limit) {
  return limit == RLIM_INFINITY || limit > static_cast<rlim_t>(kNoLimit) ? kNoLimit
                                                                         : static_cast<int64_t>(limit);
}

}  // namespace

int64_t RaiseOpenFilesLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return kNoLimit;
  }
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  return ToCount(::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur);
}

int64_t PartitionsWithin(int64_t open_files) {
  return std::max<int64_t>(0, open_files - Reserved(open_files));
}

std::string OpenFilesWarning(int64_t open_files, int64_t partitions, int64_t connections_max) {
  const int64_t room = PartitionsWithin(open_files) - partitions;
  if (room >= connections_max) {
    return "";
  }
  const int64_t others = partitions + kReservedMax;
  return absl::StrCat("the limit of ", open_files, " open files (ulimit -n) holds the ", partitions,
                      " partitions that there are and some ", std::max<int64_t>(0, room),
                      " connections, but max.connections is ", connections_max, "; raise the limit to ",
                      others + std::min(connections_max, kNoLimit - others), " or lower max.connections");
}

}  // namespace sluice::broker
