#include "broker/grpc/log_service.h"

#include <utility>

#include "broker/grpc/append_stream.h"
#include "broker/grpc/list_offsets.h"
#include "broker/grpc/on_pool.h"
#include "broker/grpc/read_stream.h"

namespace sluice::broker {

grpc::ServerUnaryReactor* LogService::Append(grpc::CallbackServerContext* context,
                                             const v1::AppendRequest* request, v1::AppendResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  appender_.Append(*request, {.on_done = [reactor, response](grpc::Status status, v1::AppendResponse answer) {
    *response = std::move(answer);
    reactor->Finish(std::move(status));
  }});
  return reactor;
}

grpc::ServerBidiReactor<v1::AppendRequest, v1::AppendResponse>* LogService::AppendStream(
    grpc::CallbackServerContext* /*context*/) {
  return broker::AppendStream::Start(appender_, streams_);
}

grpc::ServerWriteReactor<v1::ReadResponse>* LogService::Read(grpc::CallbackServerContext* /*context*/,
                                                             const v1::ReadRequest* request) {
  return ReadStream::Start({.catalog = catalog_, .pool = pool_, .streams = streams_}, *request);
}

grpc::ServerUnaryReactor* LogService::ListOffsets(grpc::CallbackServerContext* context,
                                                  const v1::ListOffsetsRequest* request,
                                                  v1::ListOffsetsResponse* response) {
  return AnswerOnPool(context, pool_, [this, request, response] {
    return broker::ListOffsets(catalog_, *request, response);
  });
}

}  // namespace sluice::broker
