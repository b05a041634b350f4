#include "storage/disk/posix_error.h"

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace sluice::storage {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::StatusCode::kResourceExhausted;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case EINVAL:
      return absl::StatusCode::kInvalidArgument;
    case EIO:
      return absl::StatusCode::kDataLoss;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

}  // namespace

absl::Status PosixError(absl::string_view path, absl::string_view call, int error) {
  // std::error_code's message, because strerror is not thread-safe.
  return absl::Status(CodeOf(error),
                      absl::StrCat(path, ": ", call, ": ", std::generic_category().message(error).c_str()));
}

}  // namespace sluice::storage
