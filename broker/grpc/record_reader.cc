#include "broker/grpc/record_reader.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "proto/record/batch_view.h"

namespace sluice::broker {
namespace {

constexpr uint64_t kRangeBytesMax = 1 << 20;

absl::Status ReadWhole(const storage::FileRange& range, Bytes* into) {
  into->resize(range.size);
  uint64_t done = 0;
  while (done < range.size) {
    const ssize_t count = pread(range.file->fd(), into->data() + done, range.size - done,
                                static_cast<off_t>(range.position + done));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return absl::InternalError(
          absl::StrCat("reading ", range.size, " bytes at ", range.position, " of ", range.file->path(),
                       " failed: ", count < 0 ? std::strerror(errno) : "the file ends before them"));
    }
    done += static_cast<uint64_t>(count);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RecordReader::Step> RecordReader::Next(Offset limit, record::RecordView* record) {
  while (true) {
    while (records_ && records_->Next(record)) {
      if (record->offset >= next_) {
        next_ = record->offset + 1;
        return Step::kRecord;
      }
    }
    if (records_) {
      RETURN_IF_ERROR(WithPlace(records_->status()));
      records_.reset();
      next_ = batch_.next_offset();  // Compaction may have taken the last records.
    }
    if (left_.empty()) {
      ASSIGN_OR_RETURN(const Step step, ReadRange(limit));
      if (step != Step::kRecord) {
        return step;
      }
    }
    RETURN_IF_ERROR(OpenBatch());
  }
}

void RecordReader::ReleaseMemory() {
  records_.reset();
  left_ = {};
  range_bytes_ = {};
  decompressed_ = {};
}

absl::StatusOr<RecordReader::Step> RecordReader::ReadRange(Offset limit) {
  if (next_ >= limit) {
    return Step::kCaughtUp;
  }
  const storage::ReadOutcome outcome = partition_->log().Read(
      {.offset = next_, .limit = limit, .max_bytes = kRangeBytesMax, .at_least_one_batch = true}, &cursor_);
  switch (outcome.code) {
    case storage::ReadCode::kOk:
      break;
    case storage::ReadCode::kClosed:
      return Step::kClosed;
    case storage::ReadCode::kOffsetOutOfRange:
      return absl::OutOfRangeError(absl::StrCat(
          "offset ", next_.value(), " is not there: the partition holds ", partition_->log().start().value(),
          " to ", limit.value(), "; read from `start`, or from an offset in between"));
    case storage::ReadCode::kStorageError:
      return outcome.status;
    case storage::ReadCode::kWouldBlock:
      return absl::InternalError("a read that may block said that it would");
  }
  if (outcome.range.size == 0) {
    return Step::kCaughtUp;
  }
  RETURN_IF_ERROR(ReadWhole(outcome.range, &range_bytes_));
  left_ = range_bytes_;
  path_ = outcome.range.file->path();
  range_position_ = outcome.range.position;
  return Step::kRecord;
}

absl::Status RecordReader::OpenBatch() {
  const record::BatchParse parse = record::ParseBatch(left_);
  if (!parse.ok()) {
    return WithPlace(absl::DataLossError("these bytes are no record batch"));
  }
  batch_ = parse.batch;
  RETURN_IF_ERROR(WithPlace(record::VerifyCrc(batch_)));
  left_ = left_.subspan(batch_.size_bytes());
  if (batch_.is_control()) {
    next_ = batch_.next_offset();  // Of transactions: not data.
    return absl::OkStatus();
  }
  const absl::StatusOr<ByteView> records =
      decompressor_.DecompressRecords(batch_, decompressed_bytes_max_, &decompressed_);
  RETURN_IF_ERROR(WithPlace(records.status()));
  records_.emplace(batch_, *records);
  return absl::OkStatus();
}

absl::Status RecordReader::WithPlace(const absl::Status& status) const {
  if (status.ok()) {
    return status;
  }
  const uint64_t position = range_position_ + (range_bytes_.size() - left_.size());
  return WithContext(status, absl::StrCat(path_, ", at or before byte ", position));
}

}  // namespace sluice::broker
