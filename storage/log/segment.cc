#include "storage/log/segment.h"

#include "proto/base/status_macros.h"

namespace sluice::storage {

absl::StatusOr<std::shared_ptr<File>> Segment::OpenFile() {
  if (std::shared_ptr<File> opened = OpenedFile()) {
    return opened;
  }
  ASSIGN_OR_RETURN(std::shared_ptr<File> file, disk_.Open(path_, Disk::OpenMode::kReadOnly));
  absl::MutexLock lock(&mu_);
  if (file_ == nullptr) {  // Another reader may have been faster.
    file_ = std::move(file);
  }
  return file_;
}

absl::StatusOr<std::shared_ptr<File>> Segment::OpenForGood() {
  {
    absl::MutexLock lock(&mu_);
    for_good_ = true;
  }
  return OpenFile();
}

}  // namespace sluice::storage
