#include "storage/log/journal_replay.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/log/segment_name.h"

namespace sluice::storage {
namespace {

class Replay {
 public:
  Replay(const ReplayInput& input, std::vector<Offset>* bases)
      : in_(input), bases_(bases), durable_(input.known) {}

  absl::StatusOr<LogPosition> Run() {
    for (const FoundEntry& found : in_.entries) {
      const JournalEntry& entry = found.entry;
      const LogPosition end{entry.end_offset, entry.segment_base, entry.position + entry.size};
      if (!(durable_ < end) || IsBeforeLog(entry.segment_base)) {
        continue;
      }
      if (entry.size > 0) {
        RETURN_IF_ERROR(OpenSegment(entry));
        RETURN_IF_ERROR(Restore(found));
      }
      durable_ = end;
    }
    RETURN_IF_ERROR(SyncSegment());
    return durable_;
  }

 private:
  bool IsBeforeLog(Offset base) const { return !bases_->empty() && base < bases_->front(); }

  absl::Status OpenSegment(const JournalEntry& entry) {
    if (segment_ != nullptr && segment_base_ == entry.segment_base) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(SyncSegment());
    const std::string path = absl::StrCat(in_.directory, "/", SegmentFileName(entry.segment_base));
    const bool exists = std::binary_search(bases_->begin(), bases_->end(), entry.segment_base);
    if (!exists && !bases_->empty() && entry.segment_base < bases_->back()) {
      return absl::DataLossError(absl::StrCat(path, ": byte ", entry.position,
                                              ": the segment is missing, and records up to offset ",
                                              entry.end_offset.value(), " were on the disk"));
    }
    ASSIGN_OR_RETURN(segment_,
                     in_.disk.Open(path, exists ? Disk::OpenMode::kReadWrite : Disk::OpenMode::kCreateNew));
    segment_base_ = entry.segment_base;
    if (!exists) {
      bases_->push_back(entry.segment_base);
      return in_.disk.SyncDirectory(in_.directory);
    }
    return absl::OkStatus();
  }

  absl::Status Restore(const FoundEntry& found) {
    wanted_.resize(found.entry.size);
    present_.resize(found.entry.size);
    ASSIGN_OR_RETURN(const size_t read, found.file->ReadAt(found.position, wanted_));
    if (read != wanted_.size()) {
      return absl::DataLossError(
          absl::StrCat(found.file->shared()->path(), ": byte ", found.position, ": the file ends here"));
    }
    ASSIGN_OR_RETURN(const size_t got, segment_->ReadAt(found.entry.position, present_));
    if (got == wanted_.size() && present_ == wanted_) {
      return absl::OkStatus();
    }
    dirty_ = true;
    return segment_->WriteAt(found.entry.position, wanted_);
  }

  // The journal is written over once all logs are recovered, those that recovery finds damaged among them.
  absl::Status SyncSegment() { return std::exchange(dirty_, false) ? segment_->Sync() : absl::OkStatus(); }

  const ReplayInput& in_;
  std::vector<Offset>* const bases_;
  LogPosition durable_;
  std::unique_ptr<File> segment_;
  Offset segment_base_;
  bool dirty_ = false;  // Something was written into segment_.
  Bytes wanted_;
  Bytes present_;
};

}  // namespace

absl::StatusOr<LogPosition> ReplayJournal(const ReplayInput& input, std::vector<Offset>* bases) {
  return Replay(input, bases).Run();
}

}  // namespace sluice::storage
