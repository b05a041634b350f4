#include "proto/record/record_iterator.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"

namespace sluice::record {
namespace {

// Sums of a base and a delta wrap: both are the writer's claims, and overflow would be undefined.
int64_t WrappingAdd(int64_t base, int64_t delta) {
  return static_cast<int64_t>(static_cast<uint64_t>(base) + static_cast<uint64_t>(delta));
}

bool ReadHeader(Cursor* in, HeaderView* header) {
  int32_t key_length;
  ByteView key;
  if (!in->ReadInt32(&key_length) || key_length < 0 ||
      !in->ReadBytes(static_cast<size_t>(key_length), &key) || !in->ReadNullable(&header->value)) {
    return false;
  }
  header->key = AsText(key);
  return true;
}

}  // namespace

void HeaderRange::Iterator::Read() {
  if (remaining_ == 0) {
    return;
  }
  Cursor in(bytes_);
  CHECK(ReadHeader(&in, &header_));
  bytes_ = ByteView(in.at, in.end);
}

RecordIterator::RecordIterator(BatchView batch, ByteView records)
    : in_(records),
      base_offset_(batch.base_offset()),
      base_timestamp_(batch.base_timestamp()),
      log_append_time_(batch.timestamp_type() == TimestampType::kLogAppendTime),
      max_timestamp_(batch.max_timestamp()),
      count_(std::max(batch.record_count(), 0)),
      remaining_(count_) {
  if (batch.record_count() < 0) {
    problem_ = "the record count is negative";
  }
}

bool RecordIterator::Next(RecordView* record) {
  if (remaining_ == 0 || problem_ != nullptr) {
    return AtEnd();
  }
  const std::byte* const begin = in_.at;
  int32_t length;
  ByteView bytes;
  if (!in_.ReadInt32(&length) || length < 0 || !in_.ReadBytes(static_cast<size_t>(length), &bytes)) {
    return Fail("its length is cut off, or reaches past the end of the records");
  }
  Cursor body(bytes);
  ByteView attributes;  // One byte, of which no bit means anything yet.
  int64_t timestamp_delta;
  int32_t offset_delta;
  if (!body.ReadBytes(1, &attributes) || !body.ReadInt64(&timestamp_delta) ||
      !body.ReadInt32(&offset_delta)) {
    return Fail("its deltas reach past its end");
  }
  if (!body.ReadNullable(&record->key) || !body.ReadNullable(&record->value)) {
    return Fail("its key or value reaches past its end");
  }
  if (!ReadHeaders(&body, &record->headers)) {
    return Fail("its headers reach past its end");
  }
  if (body.at != body.end) {
    return Fail("bytes follow its last header");
  }
  record->offset = Offset(WrappingAdd(base_offset_.value(), offset_delta));
  record->timestamp_ms = log_append_time_ ? max_timestamp_ : WrappingAdd(base_timestamp_, timestamp_delta);
  record_bytes_ = ByteView(begin, in_.at);
  --remaining_;
  return true;
}

// Walks over the headers once, so that whoever reads them later meets no error.
bool RecordIterator::ReadHeaders(Cursor* body, HeaderRange* headers) {
  int32_t count;
  if (!body->ReadInt32(&count) || count < 0) {
    return false;
  }
  const std::byte* const start = body->at;
  HeaderView ignored;
  for (int32_t i = 0; i < count; ++i) {
    if (!ReadHeader(body, &ignored)) {
      return false;
    }
  }
  *headers = HeaderRange(ByteView(start, body->at), static_cast<size_t>(count));
  return true;
}

bool RecordIterator::Fail(const char* problem) {
  problem_ = problem;
  return false;
}

bool RecordIterator::AtEnd() {
  if (problem_ == nullptr && in_.left() != 0) {
    problem_ = "bytes follow the last record";
  }
  return false;
}

absl::Status RecordIterator::status() const {
  if (problem_ == nullptr) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat("record batch at offset ", base_offset_.value(), ": after ",
                                          records_read(), " of ", count_, " records, with ", in_.left(),
                                          " bytes left: ", problem_));
}

}  // namespace sluice::record
