// sluice.v1.Log: appends, reads and offsets. Each call is a file of its own; this one hands over to them.
#pragma once

#include "broker/grpc/appender.h"
#include "broker/grpc/grpc_server.h"
#include "broker/grpc/open_streams.h"
#include "sluice/v1/log.grpc.pb.h"

namespace sluice::broker {

// Threads: gRPC's own, concurrently.
class LogService final : public v1::Log::CallbackService {
 public:
  LogService(const GrpcParts& parts, OpenStreams& streams)
      : catalog_(parts.catalog),
        pool_(parts.pool),
        streams_(streams),
        appender_(parts.catalog, parts.pool, parts.clock) {}

  grpc::ServerUnaryReactor* Append(grpc::CallbackServerContext* context, const v1::AppendRequest* request,
                                   v1::AppendResponse* response) override;
  grpc::ServerBidiReactor<v1::AppendRequest, v1::AppendResponse>* AppendStream(
      grpc::CallbackServerContext* context) override;
  grpc::ServerWriteReactor<v1::ReadResponse>* Read(grpc::CallbackServerContext* context,
                                                   const v1::ReadRequest* request) override;
  grpc::ServerUnaryReactor* ListOffsets(grpc::CallbackServerContext* context,
                                        const v1::ListOffsetsRequest* request,
                                        v1::ListOffsetsResponse* response) override;

 private:
  Catalog& catalog_;
  storage::Executor& pool_;
  OpenStreams& streams_;
  Appender appender_;
};

}  // namespace sluice::broker
