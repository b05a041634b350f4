#include "storage/tools/segment_copy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/base/endian.h"
#include "proto/base/status_macros.h"
#include "proto/record/empty_batch.h"

namespace sluice::storage {
namespace {

constexpr size_t kStep = 1u << 20;

class Copier {
 public:
  Copier(File& from, File& to, const SegmentRepair& repair, ProgressFunction progress)
      : from_(from), to_(to), repair_(repair), progress_(progress) {}

  absl::Status Run() {
    for (const RepairPiece& piece : repair_.pieces) {
      RETURN_IF_ERROR(Add(piece));
    }
    return to_.Sync();
  }
  uint64_t size_bytes() const { return at_; }

 private:
  absl::Status Add(const RepairPiece& piece) {
    if (piece.kind == RepairPiece::Kind::kEmpty) {
      return Put(record::MakeEmptyBatch(piece.first, piece.last, piece.epoch));
    }
    const uint64_t begin = at_;
    for (uint64_t done = 0; done < piece.size_bytes;) {
      buffer_.resize(static_cast<size_t>(std::min<uint64_t>(kStep, piece.size_bytes - done)));
      ASSIGN_OR_RETURN(const size_t got, from_.ReadAt(piece.position + done, MutableByteView(buffer_)));
      if (got != buffer_.size()) {
        return absl::AbortedError(
            absl::StrCat(repair_.segment.path, ": became shorter while it was copied; run the repair again"));
      }
      RETURN_IF_ERROR(Put(buffer_));
      done += got;
      progress_({.file = repair_.segment.path, .bytes_done = at_, .bytes_total = repair_.segment.size_bytes});
    }
    if (piece.kind != RepairPiece::Kind::kRename) {
      return absl::OkStatus();
    }
    Bytes base(sizeof(int64_t));
    StoreBigEndian(base.data(), piece.first.value());
    return to_.WriteAt(begin + record::kBaseOffsetAt, base);
  }

  absl::Status Put(ByteView bytes) {
    RETURN_IF_ERROR(to_.WriteAt(at_, bytes));
    at_ += bytes.size();
    return absl::OkStatus();
  }

  File& from_;
  File& to_;
  const SegmentRepair& repair_;
  ProgressFunction progress_;
  Bytes buffer_;
  uint64_t at_ = 0;
};

absl::Status ReadBack(File& file, uint64_t size_bytes, const SegmentRepair& repair, Offset gaps_below) {
  SegmentWalk walk(
      file,
      {.base = repair.segment.base, .next = repair.end, .size_bytes = size_bytes, .gaps_below = gaps_below});
  while (true) {
    ASSIGN_OR_RETURN(const SegmentWalk::Step step, walk.Next());
    if (step.kind == SegmentWalk::Kind::kEnd) {
      break;
    }
    if (step.fault != SegmentWalk::Fault::kNone && step.fault != SegmentWalk::Fault::kEpochFell) {
      return absl::DataLossError(absl::StrCat("byte ", step.position, " of the copy: ", step.reason));
    }
  }
  return walk.expected() == repair.end
             ? absl::OkStatus()
             : absl::DataLossError(absl::StrCat("the copy ends at offset ", walk.expected().value(), ", not ",
                                                repair.end.value()));
}

}  // namespace

absl::Status WriteRepairedCopy(Disk& disk, const SegmentRepair& repair, const std::string& to,
                               Offset gaps_below, ProgressFunction progress) {
  ASSIGN_OR_RETURN(const std::unique_ptr<File> from,
                   disk.Open(repair.segment.path, Disk::OpenMode::kReadOnly));
  ASSIGN_OR_RETURN(const std::unique_ptr<File> copy, disk.Open(to, Disk::OpenMode::kCreateNew));
  Copier copier(*from, *copy, repair, progress);
  RETURN_IF_ERROR(copier.Run());
  return WithContext(ReadBack(*copy, copier.size_bytes(), repair, gaps_below), to);
}

}  // namespace sluice::storage
