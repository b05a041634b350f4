// One Read call: streams a partition's records, and waits for more where they end.
//
//   working --- nothing to read ---> waiting
//      ^  \                            |
//      |   \-- a response is ready --> writing
//      |____ change, or write done ____|
//
// Work runs on the pool, one piece at a time. Whoever ends the call while work or a write is under way leaves
// the end to it.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <optional>

#include "absl/synchronization/mutex.h"
#include "broker/grpc/open_streams.h"
#include "broker/grpc/record_reader.h"
#include "broker/topic/catalog.h"
#include "broker/topic/fetch_wait.h"
#include "sluice/v1/log.pb.h"
#include "storage/disk/executor.h"

namespace sluice::broker {

// Lives until OnDone and the last callback of a partition. What Parts refers to must outlive it.
class ReadStream final : public grpc::ServerWriteReactor<v1::ReadResponse>,
                         public StoppableStream,
                         public std::enable_shared_from_this<ReadStream> {
 public:
  struct Parts {
    Catalog& catalog;
    storage::Executor& pool;
    OpenStreams& streams;
  };
  // Owned by the call, as `request` is.
  static ReadStream* Start(Parts parts, const v1::ReadRequest& request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void Stop(const grpc::Status& status) override;

 private:
  enum class State { kWorking, kWriting, kWaiting, kFinished };

  // What a piece of work comes to.
  enum class Result { kResponse, kWait, kEnd };

  ReadStream(Parts parts, const v1::ReadRequest& request) : parts_(parts), request_(request) {}

  void Work();
  grpc::Status Open();
  absl::StatusOr<Offset> FirstOffset();
  Result Fill(grpc::Status* status);
  void AddRecord(const record::RecordView& record);
  bool IsComplete() const;
  bool WaitForMore();
  void Wake();
  void PostWork();
  void FinishWork(Result result, const grpc::Status& status);
  void End(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Parts parts_;
  const v1::ReadRequest& request_;
  std::shared_ptr<ReadStream> self_;  // Until OnDone.

  // Work's.
  TopicPtr topic_;
  std::shared_ptr<Partition> partition_;  // Shared with the catalog, which may drop the topic meanwhile.
  std::optional<RecordReader> reader_;
  Offset stop_at_;  // With stop_at_end.
  int64_t records_sent_ = 0;
  v1::ReadResponse response_;  // gRPC's while it is written.
  FetchWait wait_;

  absl::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_) = State::kWorking;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;  // While working: do not wait.
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::broker
