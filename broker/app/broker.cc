#include "broker/app/broker.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/app/open_files.h"
#include "broker/app/storage_parts.h"
#include "broker/app/version.h"
#include "broker/group/group_coordinator.h"
#include "broker/grpc/grpc_server.h"
#include "broker/kafka/dispatch.h"
#include "broker/net/disk_pool.h"
#include "broker/net/server.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/disk/posix_disk.h"

namespace sluice::broker {
namespace {

NetOptions ToNetOptions(const BrokerConfig& config) {
  NetOptions options{
      .threads = static_cast<int>(config.Int("num.network.threads")),
      .frame_bytes_max = static_cast<uint32_t>(config.Int("socket.request.max.bytes")),
      .receive_budget_bytes = static_cast<uint64_t>(config.Int("sluice.receive.budget.bytes")),
      .response_bytes_max = static_cast<uint64_t>(config.Int("sluice.response.max.bytes")),
      .backlog = static_cast<int>(config.Int("socket.listen.backlog.size")),
      .connections_max = static_cast<uint32_t>(config.Int("max.connections")),
      .connections_per_address_max = static_cast<uint32_t>(config.Int("max.connections.per.ip")),
      .congestion_control = config.String("sluice.socket.congestion.control"),
      .idle_max = absl::Milliseconds(config.Int("connections.max.idle.ms"))};
  // The table of keys allows no other names.
  CHECK(ParseTransferMethod(config.String("sluice.transfer.method"), &options.transfer));
  return options;
}

std::vector<ListenAddress> ToAddresses(const std::vector<Endpoint>& endpoints) {
  std::vector<ListenAddress> addresses;
  for (const Endpoint& endpoint : endpoints) {
    addresses.push_back({.name = endpoint.name, .host = endpoint.host, .port = endpoint.port});
  }
  return addresses;
}

class BrokerImpl final : public Broker {
 public:
  BrokerImpl(BrokerConfig config, Logger& logger, BrokerSeams seams)
      : config_(std::move(config)), logger_(logger), seams_(std::move(seams)) {}

  ~BrokerImpl() override {
    if (const absl::Status stopped = Stop(absl::Seconds(5)); !stopped.ok()) {
      logger_.Error("broker", stopped.message());
    }
  }

  absl::Status Start(Announce announce) {
    announce(absl::StrCat("data   ", absl::StrJoin(config_.List("log.dirs"), ", ")));
    WarnOfIgnoredKeys();
    const int64_t open_files = seams_.open_files > 0 ? seams_.open_files : RaiseOpenFilesLimit();
    ASSIGN_OR_RETURN(storage_, StorageParts::Open({.config = config_,
                                                   .disk = seams_.disk != nullptr ? *seams_.disk : disk_,
                                                   .clock = Clock::System(),
                                                   .pool = pool_,
                                                   .logger = logger_,
                                                   .partitions_max = PartitionsWithin(open_files),
                                                   .wrap_index = seams_.wrap_index}));
    announce(storage_->Summary());
    WarnOfOpenFiles(open_files);
    RETURN_IF_ERROR(StartGroups());
    RETURN_IF_ERROR(StartKafka());
    RETURN_IF_ERROR(StartGrpc());
    AnnounceListeners(announce);
    return absl::OkStatus();
  }

  uint16_t kafka_port() const override { return server_->ports().front(); }
  uint16_t grpc_port() const override { return grpc_ == nullptr ? 0 : grpc_->port(); }

  absl::Status Stop(absl::Duration deadline) override {
    if (storage_ == nullptr || stopped_) {
      return absl::OkStatus();
    }
    stopped_ = true;
    if (server_ != nullptr) {
      server_->StopReading();
    }
    // A long poll must not keep its connection from draining; and not before the reading ends, or its client
    // would only poll again.
    storage_->catalog().EndLongPolls();
    if (groups_ != nullptr) {
      groups_->Stop();
    }
    if (grpc_ != nullptr) {
      grpc_->Shutdown(deadline / 4);
    }
    if (server_ != nullptr) {
      server_->Drain(deadline / 4);
      server_->Stop();
    }
    return storage_->Close();
  }

  bool log_dir_failed() const override { return storage_->log_dir_failed(); }

  Traffic traffic() const override {
    return {.bytes_in = stats_.bytes_in.value(),
            .bytes_by_sendfile = stats_.bytes_out_transferred.value(),
            .bytes_copied = stats_.bytes_out_copied.value()};
  }

 private:
  void WarnOfIgnoredKeys() {
    if (!config_.ignored().empty()) {
      logger_.Warning("config", absl::StrCat("ignored, a broker that stands alone has no use for them: ",
                                             absl::StrJoin(config_.ignored(), ", ")));
    }
  }

  void WarnOfOpenFiles(int64_t open_files) {
    const std::string warning =
        OpenFilesWarning(open_files, static_cast<int64_t>(storage_->catalog().partition_count()),
                         config_.Int("max.connections"));
    if (!warning.empty()) {
      logger_.Warning("broker", warning);
    }
  }

  absl::Status StartGroups() {
    groups_ = std::make_unique<GroupCoordinator>(GroupCoordinator::Parts{.catalog = storage_->catalog(),
                                                                         .metadata = storage_->metadata(),
                                                                         .config = config_,
                                                                         .pool = pool_,
                                                                         .clock = Clock::System(),
                                                                         .logger = &logger_});
    storage_->catalog().SetOnDeleted([this](const std::string& topic) { groups_->OnTopicDeleted(topic); });
    return groups_->Start();
  }

  absl::Status StartKafka() {
    service_ = std::make_unique<KafkaService>(Services{.catalog = storage_->catalog(),
                                                       .config = config_,
                                                       .pool = pool_,
                                                       .clock = Clock::System(),
                                                       .producer_ids = storage_->producer_ids(),
                                                       .groups = *groups_,
                                                       .cluster_id = storage_->cluster_id().ToString(),
                                                       .node_id = storage_->node_id(),
                                                       .advertised = AdvertisedListenersOf(config_)});
    ASSIGN_OR_RETURN(server_, Server::Start(ToNetOptions(config_), ToAddresses(ListenersOf(config_)),
                                            NetParts{.handler = *service_,
                                                     .disk_pool = pool_,
                                                     .stats = stats_,
                                                     .logger = logger_,
                                                     .clock = Clock::System()}));
    return absl::OkStatus();
  }

  absl::Status StartGrpc() {
    const std::string& listener = config_.String("sluice.grpc.listener");
    if (listener.empty()) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(
        grpc_, GrpcServer::Start(listener, {.catalog = storage_->catalog(),
                                            .config = config_,
                                            .pool = pool_,
                                            .clock = Clock::System(),
                                            .identity = {.cluster_id = storage_->cluster_id().ToString(),
                                                         .node_id = storage_->node_id(),
                                                         .version = kVersion,
                                                         .kafka_port = kafka_port()}}));
    return absl::OkStatus();
  }

  void AnnounceListeners(Announce& announce) const {
    const std::vector<Endpoint> endpoints = ListenersOf(config_);
    const std::vector<uint16_t> ports = server_->ports();
    for (size_t i = 0; i < ports.size(); ++i) {
      announce(absl::StrCat("kafka  ", endpoints[i].name, "://", endpoints[i].host, ":", ports[i]));
    }
    if (grpc_ != nullptr) {
      announce(absl::StrCat("grpc   ", ParseHostPort(config_.String("sluice.grpc.listener"))->host, ":",
                            grpc_->port()));
    }
  }

  // Later members use earlier ones and go first.
  const BrokerConfig config_;
  Logger& logger_;
  const BrokerSeams seams_;
  storage::PosixDisk disk_;
  NetStats stats_;
  DiskPool pool_{static_cast<int>(config_.Int("sluice.disk.pool.threads"))};
  std::unique_ptr<StorageParts> storage_;
  std::unique_ptr<GroupCoordinator> groups_;
  std::unique_ptr<KafkaService> service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<GrpcServer> grpc_;
  bool stopped_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Broker>> Broker::Start(BrokerConfig config, Logger& logger, Announce announce,
                                                      BrokerSeams seams) {
  auto broker = std::make_unique<BrokerImpl>(std::move(config), logger, std::move(seams));
  RETURN_IF_ERROR(broker->Start(std::move(announce)));
  return broker;
}

}  // namespace sluice::broker
