// A unary call whose answer may block: it is made on the pool, never on gRPC's threads.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <utility>

#include "storage/disk/executor.h"

namespace sluice::broker {

// `work` returns the grpc::Status. Request and response live until then.
template <class Work>
grpc::ServerUnaryReactor* AnswerOnPool(grpc::CallbackServerContext* context, storage::Executor& pool,
                                       Work work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  pool.Post([reactor, work = std::move(work)]() mutable { reactor->Finish(work()); });
  return reactor;
}

}  // namespace sluice::broker
