#include "client/internal/fetched.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/status.h"
#include "proto/base/check.h"
#include "proto/record/cursor.h"

namespace sluice {
namespace client_internal {
namespace {

// How many records of the batch have this offset or a higher one. Reads them all: only needed where a fetch
// begins in the middle of a batch.
size_t CountFrom(record::BatchView batch, ByteView records, int64_t first_offset) {
  record::RecordIterator it(batch, records);
  record::RecordView record;
  size_t count = 0;
  while (it.Next(&record)) {
    count += record.offset.value() >= first_offset ? 1 : 0;
  }
  return count;
}

}  // namespace

absl::Status FetchedData::Add(const FetchedSlice& slice, const OpenOptions& options,
                              record::Decompressor& decompressor, Progress* progress) {
  *progress = {.next_offset = slice.first_offset};
  ByteView rest = slice.bytes;
  for (record::BatchParse parse = record::ParseBatch(rest); !rest.empty(); parse = record::ParseBatch(rest)) {
    absl::Status status = parse.ok() ? AddBatch(slice, parse.batch, options, decompressor)
                                     : absl::DataLossError("the batch has no valid length or format");
    if (!status.ok()) {
      return Annotated(status,
                       absl::StrCat("partition ", *slice.topic, "-", slice.partition, ": batch at offset ",
                                    parse.ok() ? parse.batch.base_offset().value() : progress->next_offset));
    }
    progress->next_offset = std::max(progress->next_offset, parse.batch.next_offset().value());
    progress->leader_epoch = parse.batch.leader_epoch().value();
    rest = rest.subspan(parse.batch.size_bytes());
  }
  return absl::OkStatus();
}

absl::Status FetchedData::AddBatch(const FetchedSlice& slice, record::BatchView batch,
                                   const OpenOptions& options, record::Decompressor& decompressor) {
  if (options.check_crcs) {
    RETURN_IF_ERROR(record::VerifyCrc(batch));
  }
  if (batch.is_control() || batch.record_count() <= 0 || batch.next_offset().value() <= slice.first_offset) {
    return absl::OkStatus();
  }
  ByteView records = batch.records();
  if (batch.is_compressed()) {
    Bytes memory;
    ASSIGN_OR_RETURN(records, decompressor.DecompressRecords(batch, options.decompressed_bytes_max, &memory));
    decompressed_.push_back(std::move(memory));  // Moving a vector leaves its bytes where they are.
  }
  const size_t count = batch.base_offset().value() >= slice.first_offset
                           ? static_cast<size_t>(batch.record_count())
                           : CountFrom(batch, records, slice.first_offset);
  if (count > 0) {
    chunks_.push_back({slice.topic, slice.partition, slice.first_offset, batch, records});
    record_count_ += count;
    size_bytes_ += batch.size_bytes();
  }
  return absl::OkStatus();
}

bool FetchedCursor::Next(RecordView* record) {
  record::RecordView found;
  for (;;) {
    while (records_.has_value() && records_->Next(&found)) {
      const FetchedData::Chunk& chunk = data_.chunks_[next_chunk_ - 1];
      if (found.offset.value() < chunk.first_offset) {
        continue;
      }
      record->topic = *chunk.topic;
      record->partition = chunk.partition;
      record->offset = found.offset.value();
      record->timestamp_ms = found.timestamp_ms;
      record->key = found.key;
      record->value = found.value;
      record->headers = HeaderList(found.headers.bytes(), found.headers.size());
      return true;
    }
    if (next_chunk_ == data_.chunks_.size()) {
      return false;
    }
    const FetchedData::Chunk& chunk = data_.chunks_[next_chunk_++];
    records_.emplace(chunk.batch, chunk.records);
  }
}

}  // namespace client_internal

void HeaderList::Iterator::Read() {
  if (remaining_ == 0) {
    return;
  }
  record::Cursor in(bytes_);
  int32_t key_length = 0;
  ByteView key;
  // FetchedCursor's RecordIterator has walked over these bytes before.
  CHECK(in.ReadInt32(&key_length) && key_length >= 0 && in.ReadBytes(static_cast<size_t>(key_length), &key) &&
        in.ReadNullable(&header_.value));
  header_.key = ToStd(AsText(key));
  bytes_ = ByteView(in.at, in.end);
}

FetchedRecords::FetchedRecords() = default;
FetchedRecords::FetchedRecords(std::unique_ptr<const client_internal::FetchedData> data)
    : data_(std::move(data)) {}
FetchedRecords::FetchedRecords(FetchedRecords&&) noexcept = default;
FetchedRecords& FetchedRecords::operator=(FetchedRecords&&) noexcept = default;
FetchedRecords::~FetchedRecords() = default;

size_t FetchedRecords::size() const {
  return data_ == nullptr ? 0 : data_->record_count();
}

size_t FetchedRecords::size_bytes() const {
  return data_ == nullptr ? 0 : data_->size_bytes();
}

FetchedRecords::Iterator FetchedRecords::begin() const {
  return data_ == nullptr ? end() : Iterator(std::make_shared<client_internal::FetchedCursor>(*data_));
}

FetchedRecords::Iterator::Iterator(std::shared_ptr<client_internal::FetchedCursor> cursor)
    : cursor_(std::move(cursor)) {
  ++*this;
}

FetchedRecords::Iterator& FetchedRecords::Iterator::operator++() {
  if (!cursor_->Next(&record_)) {
    cursor_ = nullptr;
  }
  return *this;
}

}  // namespace sluice
