// One AppendStream call: batches are appended one after the other, their syncs overlap, and the answers go
// out in the order of the requests.
//
//   requests   r1 r2 r3 r4 | r5 (read when a place is free)
//   slots      [done][done][waits for the disk][being appended]
//   answers    a1 ->
//
// The first failure ends the stream: what was answered before was appended, and nothing after it is.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <deque>
#include <memory>

#include "absl/synchronization/mutex.h"
#include "broker/grpc/appender.h"
#include "broker/grpc/open_streams.h"
#include "sluice/v1/log.pb.h"

namespace sluice::broker {

// Lives until OnDone and until the last callback of the appender is over. `appender` and `streams` must
// outlive it. Everything under one lock: gRPC does not call back from within a Start... or Finish.
class AppendStream final : public grpc::ServerBidiReactor<v1::AppendRequest, v1::AppendResponse>,
                           public StoppableStream,
                           public std::enable_shared_from_this<AppendStream> {
 public:
  // Owned by the call.
  static AppendStream* Start(Appender& appender, OpenStreams& streams);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void Stop(const grpc::Status& status) override;

 private:
  static constexpr size_t kSlotsMax = 256;

  struct Slot {
    bool done = false;
    grpc::Status status;
    v1::AppendResponse response;
  };

  AppendStream(Appender& appender, OpenStreams& streams) : appender_(appender), streams_(streams) {}

  void Appended(bool ok);
  void Answered(uint64_t number, grpc::Status status, v1::AppendResponse response);
  void ReadMore() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Sends the next answer if it is ready, or ends the stream when there will be no more.
  void Pump() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void End(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Appender& appender_;
  OpenStreams& streams_;
  std::shared_ptr<AppendStream> self_;  // Until OnDone.
  v1::AppendRequest request_;           // gRPC's while a read is under way, the appender's in Append.

  absl::Mutex mu_;
  std::deque<Slot> slots_ ABSL_GUARDED_BY(mu_);
  uint64_t first_slot_ ABSL_GUARDED_BY(mu_) = 0;  // Number of slots_.front(), counted from the first request.
  v1::AppendResponse writing_response_ ABSL_GUARDED_BY(mu_);
  bool reading_ ABSL_GUARDED_BY(mu_) = false;
  bool appending_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool no_more_requests_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  grpc::Status stop_status_ ABSL_GUARDED_BY(mu_);
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  grpc::Status end_status_ ABSL_GUARDED_BY(mu_);  // For the end of the write that is under way.
};

}  // namespace sluice::broker
