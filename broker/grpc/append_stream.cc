#include "broker/grpc/append_stream.h"

#include <utility>

namespace sluice::broker {

AppendStream* AppendStream::Start(Appender& appender, OpenStreams& streams) {
  std::shared_ptr<AppendStream> stream(new AppendStream(appender, streams));
  stream->self_ = stream;
  const grpc::Status admitted = streams.Admit(stream);
  absl::MutexLock lock(&stream->mu_);
  if (admitted.ok()) {
    stream->ReadMore();
  } else {
    stream->End(admitted);
  }
  return stream.get();
}

void AppendStream::OnReadDone(bool ok) {
  uint64_t number = 0;
  {
    absl::MutexLock lock(&mu_);
    reading_ = false;
    if (!ok || no_more_requests_) {
      no_more_requests_ = true;
      Pump();
      return;
    }
    number = first_slot_ + slots_.size();
    slots_.emplace_back();
    appending_ = true;
  }
  appender_.Append(request_, {.on_appended = [self = self_](bool appended) { self->Appended(appended); },
                              .on_done =
                                  [self = self_, number](grpc::Status status, v1::AppendResponse response) {
                                    self->Answered(number, std::move(status), std::move(response));
                                  }});
}

void AppendStream::Appended(bool ok) {
  absl::MutexLock lock(&mu_);
  appending_ = false;
  if (!ok) {
    no_more_requests_ = true;  // Nothing may be appended after what failed.
  }
  ReadMore();
}

void AppendStream::Answered(uint64_t number, grpc::Status status, v1::AppendResponse response) {
  absl::MutexLock lock(&mu_);
  if (ending_) {
    return;
  }
  Slot& slot = slots_[number - first_slot_];
  slot.done = true;
  slot.status = std::move(status);
  slot.response = std::move(response);
  Pump();
}

void AppendStream::ReadMore() {
  // One at a time: the next batch of a producer is appended after the last.
  if (!reading_ && !appending_ && !no_more_requests_ && slots_.size() < kSlotsMax) {
    reading_ = true;
    StartRead(&request_);
  }
}

void AppendStream::Pump() {
  if (writing_ || ending_) {
    return;
  }
  if (slots_.empty()) {
    if (no_more_requests_ && (!reading_ || stopping_)) {
      End(stop_status_);
    }
    return;
  }
  Slot& front = slots_.front();
  if (!front.done) {
    return;
  }
  if (!front.status.ok()) {
    End(front.status);
    return;
  }
  writing_response_ = std::move(front.response);
  slots_.pop_front();
  ++first_slot_;
  writing_ = true;
  StartWrite(&writing_response_);
}

void AppendStream::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mu_);
  writing_ = false;
  if (ending_) {
    Finish(end_status_);
    return;
  }
  if (!ok) {
    End({grpc::StatusCode::CANCELLED, "the client is gone"});
    return;
  }
  Pump();
  ReadMore();
}

void AppendStream::End(const grpc::Status& status) {
  if (ending_) {
    return;
  }
  ending_ = true;
  no_more_requests_ = true;
  end_status_ = status;
  // A status may not overtake a write.
  if (!writing_) {
    Finish(end_status_);
  }
}

void AppendStream::OnCancel() {
  absl::MutexLock lock(&mu_);
  End({grpc::StatusCode::CANCELLED, "the client is gone"});
}

void AppendStream::Stop(const grpc::Status& status) {
  absl::MutexLock lock(&mu_);
  // What was appended is still answered.
  no_more_requests_ = true;
  stopping_ = true;
  stop_status_ = status;
  Pump();
}

void AppendStream::OnDone() {
  streams_.Leave(this);
  self_.reset();
}

}  // namespace sluice::broker
