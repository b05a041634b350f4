#include "broker/grpc/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/grpc/admin_service.h"
#include "broker/grpc/log_service.h"
#include "broker/grpc/open_streams.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

std::string AddressOf(const Endpoint& endpoint, uint16_t port) {
  const std::string host = endpoint.host.empty() ? "::" : endpoint.host;
  return host.find(':') == std::string::npos ? absl::StrCat(host, ":", port)
                                             : absl::StrCat("[", host, "]:", port);
}

// Process-wide switches of gRPC: both must be thrown before a server is built.
void EnablePlugins() {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
}

class GrpcServerImpl final : public GrpcServer {
 public:
  explicit GrpcServerImpl(const GrpcParts& parts)
      : parts_(parts),
        streams_(static_cast<size_t>(parts.config.Int("sluice.grpc.max.streams"))),
        admin_service_(parts),
        log_service_(parts, streams_) {}
  ~GrpcServerImpl() override { Shutdown(absl::ZeroDuration()); }

  absl::Status Listen(const Endpoint& endpoint) {
    EnablePlugins();
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(AddressOf(endpoint, endpoint.port), grpc::InsecureServerCredentials(), &port);
    // Two brokers on one port would each get some of the calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                               static_cast<int>(parts_.config.Int("sluice.grpc.max.streams")));
    builder.SetMaxReceiveMessageSize(static_cast<int>(parts_.config.Int("sluice.grpc.max.message.bytes")));
    grpc::ResourceQuota quota("sluice");
    quota.Resize(static_cast<size_t>(parts_.config.Int("sluice.receive.budget.bytes")));
    builder.SetResourceQuota(quota);
    builder.RegisterService(&admin_service_);
    builder.RegisterService(&log_service_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      return absl::UnavailableError(absl::StrCat(
          "sluice.grpc.listener: cannot listen on ", AddressOf(endpoint, endpoint.port),
          ": the port is in use, or the address is not this machine's; free it or choose another"));
    }
    port_ = static_cast<uint16_t>(port);
    return absl::OkStatus();
  }

  uint16_t port() const override { return port_; }

  void Shutdown(absl::Duration deadline) override {
    if (server_ == nullptr) {
      return;
    }
    if (auto* health = server_->GetHealthCheckService()) {
      health->Shutdown();
    }
    streams_.StopAll();
    server_->Shutdown(absl::ToChronoTime(absl::Now() + deadline));
    server_.reset();
  }

 private:
  const GrpcParts parts_;
  OpenStreams streams_;
  AdminService admin_service_;
  LogService log_service_;
  std::unique_ptr<grpc::Server> server_;
  uint16_t port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(absl::string_view listener, GrpcParts parts) {
  const absl::StatusOr<Endpoint> endpoint = ParseHostPort(listener);
  if (!endpoint.ok()) {
    return WithContext(endpoint.status(), "sluice.grpc.listener");
  }
  auto server = std::make_unique<GrpcServerImpl>(parts);
  RETURN_IF_ERROR(server->Listen(*endpoint));
  return server;
}

}  // namespace sluice::broker
