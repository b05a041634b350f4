#include "broker/grpc/read_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/grpc/status_map.h"
#include "broker/grpc/utf8.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

// Large enough to make the cost of a message small, small enough for the 4 MiB that clients take by default.
constexpr size_t kResponseBytesMax = 1 << 20;

}  // namespace

ReadStream* ReadStream::Start(Parts parts, const v1::ReadRequest& request) {
  std::shared_ptr<ReadStream> stream(new ReadStream(parts, request));
  stream->self_ = stream;
  if (const grpc::Status admitted = parts.streams.Admit(stream); !admitted.ok()) {
    absl::MutexLock lock(&stream->mu_);
    stream->state_ = State::kFinished;
    stream->Finish(admitted);
    return stream.get();
  }
  stream->PostWork();
  return stream.get();
}

void ReadStream::PostWork() {
  parts_.pool.Post([self = shared_from_this()] { self->Work(); });
}

void ReadStream::Work() {
  grpc::Status status;
  if (!reader_) {
    status = Open();
  }
  const Result result = status.ok() ? Fill(&status) : Result::kEnd;
  FinishWork(result, status);
}

void ReadStream::FinishWork(Result result, const grpc::Status& status) {
  if (result == Result::kWait && !WaitForMore()) {
    PostWork();
    return;
  }
  absl::MutexLock lock(&mu_);
  if (end_ || result == Result::kEnd) {
    state_ = State::kFinished;
    Finish(end_.value_or(status));
  } else if (result == Result::kResponse) {
    state_ = State::kWriting;
    StartWrite(&response_);
  } else if (woken_) {
    woken_ = false;
    PostWork();
  } else {
    state_ = State::kWaiting;
  }
}

grpc::Status ReadStream::Open() {
  topic_ = parts_.catalog.Find(request_.topic());
  if (topic_ == nullptr) {
    return NoSuchTopic(parts_.catalog, request_.topic());
  }
  partition_ = topic_->Share(PartitionId(request_.partition()));
  if (partition_ == nullptr) {
    return NoSuchPartition(*topic_, request_.partition());
  }
  if (request_.max_records() < 0) {
    return InvalidArgument("max_records is below 0: leave it out, or 0, to read without a limit");
  }
  if (grpc::Status health = HealthOf(*partition_); !health.ok()) {
    return health;
  }
  stop_at_ = partition_->high_watermark();
  const absl::StatusOr<Offset> first = FirstOffset();
  if (!first.ok()) {
    return ToGrpcStatus(first.status());
  }
  reader_.emplace(partition_, *first, static_cast<size_t>(topic_->config.decompressed_bytes_max()));
  return grpc::Status::OK;
}

absl::StatusOr<Offset> ReadStream::FirstOffset() {
  storage::Log& log = partition_->log();
  switch (request_.from_case()) {
    case v1::ReadRequest::kOffset:
      if (request_.offset() < log.start().value() || request_.offset() > log.end().value()) {
        return absl::OutOfRangeError(absl::StrCat("offset ", request_.offset(), " is not there: partition ",
                                                  request_.partition(), " of \"", topic_->name, "\" holds ",
                                                  log.start().value(), " to ", log.end().value(),
                                                  "; read from `start`, or from an offset "
                                                  "in between"));
      }
      return Offset(request_.offset());
    case v1::ReadRequest::kTimestampMs: {
      ASSIGN_OR_RETURN(const auto found, log.FindTimestamp(request_.timestamp_ms(), stop_at_));
      return found ? found->offset : stop_at_;
    }
    case v1::ReadRequest::kEnd:
      return stop_at_;
    case v1::ReadRequest::kStart:
    case v1::ReadRequest::FROM_NOT_SET:
      break;
  }
  return log.start();
}

ReadStream::Result ReadStream::Fill(grpc::Status* status) {
  response_.Clear();
  if (*status = HealthOf(*partition_); !status->ok()) {
    return Result::kEnd;
  }
  const Offset high_watermark = partition_->high_watermark();
  const Offset limit = request_.stop_at_end() ? std::min(stop_at_, high_watermark) : high_watermark;
  size_t bytes = 0;
  RecordReader::Step step = RecordReader::Step::kRecord;
  while (bytes < kResponseBytesMax && !IsComplete()) {
    record::RecordView record;
    const absl::StatusOr<RecordReader::Step> next = reader_->Next(limit, &record);
    if (!next.ok()) {
      *status = ToGrpcStatus(next.status());
      // What was read before the damage is still sent; the next piece of work comes to the error again.
      return response_.records().empty() ? Result::kEnd : Result::kResponse;
    }
    step = *next;
    if (step != RecordReader::Step::kRecord) {
      break;
    }
    AddRecord(record);
    bytes += response_.records(response_.records_size() - 1).ByteSizeLong();
  }
  if (!response_.records().empty()) {
    response_.set_high_watermark(high_watermark.value());
    return Result::kResponse;
  }
  if (step == RecordReader::Step::kClosed || partition_->closed()) {
    *status = PartitionClosed(parts_.catalog, *topic_);
    return Result::kEnd;
  }
  return IsComplete() ? Result::kEnd : Result::kWait;
}

void ReadStream::AddRecord(const record::RecordView& record) {
  v1::Record* added = response_.add_records();
  added->set_offset(record.offset.value());
  added->set_timestamp_ms(record.timestamp_ms);
  if (record.key) {
    added->set_key(record.key->data(), record.key->size());
  }
  if (record.value) {
    added->set_value(record.value->data(), record.value->size());
  }
  for (const record::HeaderView& header : record.headers) {
    v1::Header* to = added->add_headers();
    to->set_key(ToValidUtf8(header.key));
    if (header.value) {
      to->set_value(header.value->data(), header.value->size());
    }
  }
  ++records_sent_;
}

bool ReadStream::IsComplete() const {
  return (request_.max_records() > 0 && records_sent_ >= request_.max_records()) ||
         (request_.stop_at_end() && reader_->next_offset() >= stop_at_);
}

// False when something came in the meantime: do not wait.
bool ReadStream::WaitForMore() {
  reader_->ReleaseMemory();
  {
    absl::MutexLock lock(&mu_);
    woken_ = false;
  }
  const Offset seen = reader_->next_offset();
  wait_.Arm({partition_}, [self = shared_from_this()] { self->Wake(); });
  const bool missed = partition_->high_watermark() > seen || partition_->offline();
  return !missed || !wait_.Cancel();
}

void ReadStream::Wake() {
  absl::MutexLock lock(&mu_);
  if (state_ == State::kWaiting) {
    state_ = State::kWorking;
    PostWork();
  } else {
    woken_ = true;
  }
}

void ReadStream::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mu_);
  if (!ok && !end_) {
    end_ = {grpc::StatusCode::CANCELLED, "the client is gone"};
  }
  if (end_) {
    state_ = State::kFinished;
    Finish(*end_);
    return;
  }
  state_ = State::kWorking;
  PostWork();
}

void ReadStream::End(const grpc::Status& status) {
  if (end_ || state_ == State::kFinished) {
    return;
  }
  end_ = status;
  // While work or a write is under way, its end is the call's end.
  if (state_ == State::kWaiting) {
    state_ = State::kFinished;
    Finish(status);
  }
}

void ReadStream::OnCancel() {
  absl::MutexLock lock(&mu_);
  End({grpc::StatusCode::CANCELLED, "the client is gone"});
}

void ReadStream::Stop(const grpc::Status& status) {
  absl::MutexLock lock(&mu_);
  End(status);
}

void ReadStream::OnDone() {
  // No work is under way, so the wait is nobody else's.
  wait_.Cancel();
  parts_.streams.Leave(this);
  self_.reset();
}

}  // namespace sluice::broker
