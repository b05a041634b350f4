// A whole broker but for main() and gRPC, in this process: real log dir, metadata store, catalog, Kafka
// service and server, on a free port of 127.0.0.1, in a directory of its own.
//
//   TestBroker broker;                                   // Or TestBroker broker({.configs =
//   {{"num.partitions", "3"}}}); broker.CreateTopic("orders", 2); RawClient client = broker.Connect();
//   broker.Restart();                                    // A clean stop, and a start on the same directory.
//
// Errors fail the test with a CHECK: a test broker that does not start is nothing to go on with.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "broker/config/broker_config.h"
#include "broker/group/group_coordinator.h"
#include "broker/kafka/dispatch.h"
#include "broker/net/disk_pool.h"
#include "broker/net/net_stats.h"
#include "broker/net/server.h"
#include "broker/topic/catalog.h"
#include "broker/topic/identity.h"
#include "broker/topic/producer_ids.h"
#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/logger.h"
#include "proto/base/random.h"
#include "storage/disk/posix_disk.h"
#include "storage/log/log_dir.h"
#include "storage/meta/rocks_metadata_store.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_dir.h"

namespace sluice {

// Keeps what was said. Thread-safe.
class RecordingLogger final : public Logger {
 public:
  void Log(LogLevel, absl::string_view component, absl::string_view message) override {
    absl::MutexLock lock(&mu_);
    lines_.push_back(absl::StrCat(component, ": ", message));
  }
  std::vector<std::string> lines() const {
    absl::MutexLock lock(&mu_);
    return lines_;
  }

 private:
  mutable absl::Mutex mu_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mu_);
};

class TestBroker {
 public:
  struct Options {
    std::map<std::string, std::string> configs = {};  // Over the defaults, as --set would.
    std::vector<broker::Endpoint> advertised = {};
    Clock* clock = &Clock::System();
    storage::Disk* disk = nullptr;         // Under the logs; null: the machine's own.
    storage::LogDir* log_dir = nullptr;    // In place of a real one.
    storage::Disk* second_disk = nullptr;  // Under a second log dir; null: there is none.
    broker::NetOptions net = {};
  };

  explicit TestBroker(Options options) : options_(std::move(options)), random_(Random::FromSystem()) {
    Start();
  }
  TestBroker() : TestBroker(Options{}) {}
  ~TestBroker() { Stop(); }
  TestBroker(const TestBroker&) = delete;
  TestBroker& operator=(const TestBroker&) = delete;

  uint16_t port() const { return server_->ports().front(); }
  RawClient Connect() const { return RawClient(port()); }

  broker::TopicPtr CreateTopic(const std::string& name, int32_t partitions = 1,
                               const std::map<std::string, std::string>& configs = {}) {
    broker::TopicPtr topic;
    const broker::TopicError error = catalog_->Create(
        {.name = name, .partitions = partitions, .configs = configs}, /*validate_only=*/false, &topic);
    CHECK_OK(error.ok() ? absl::OkStatus() : absl::InternalError(error.message));
    return topic;
  }

  broker::Catalog& catalog() { return *catalog_; }
  broker::GroupCoordinator& groups() { return *groups_; }
  broker::Partition& partition(const std::string& topic, int32_t index = 0) {
    const broker::TopicPtr found = catalog_->Find(topic);
    CHECK(found != nullptr);
    broker::Partition* const partition = found->Find(PartitionId(index));
    CHECK(partition != nullptr);
    return *partition;
  }
  storage::Log& log(const std::string& topic, int32_t index = 0) { return partition(topic, index).log(); }

  const broker::BrokerConfig& config() const { return *config_; }
  const broker::NetStats& net_stats() const { return net_stats_; }
  broker::FetchSessionCache::Stats fetch_session_stats() const { return service_->fetch_session_stats(); }
  std::vector<std::string> log_lines() const { return logger_.lines(); }
  const Uuid& cluster_id() const { return cluster_id_; }
  const std::string& directory() const { return directory_.path(); }
  NodeId node_id() const { return NodeId(static_cast<int32_t>(config_->Int("node.id"))); }

  // One round of the logs' maintenance, besides those that come by themselves each second.
  void Tick() { log_dir_->Tick(); }
  // Compacts the logs that are due, and returns how many.
  size_t Compact() { return log_dir_->CompactDue(); }

  void Restart() {
    Stop();
    Start();
  }
  // As after kill -9: nothing is synced, written or marked, and the page cache keeps what was appended.
  // `while_down` may spoil the files.
  void KillAndRestart(absl::FunctionRef<void()> while_down = [] {}) {
    StopServing();
    Destroy();
    while_down();
    Start();
  }

 private:
  template <class T>
  static T Require(absl::StatusOr<T> value) {
    CHECK_OK(value.status());
    return *std::move(value);
  }

  void Start() {
    broker::BrokerConfig::Sources sources;
    sources.sets.assign(options_.configs.begin(), options_.configs.end());
    config_ = std::make_unique<broker::BrokerConfig>(Require(broker::BrokerConfig::Load(sources)));
    pool_ = std::make_unique<broker::DiskPool>(2);
    metadata_ = Require(storage::OpenRocksMetadataStore(directory_ / "metadata"));
    cluster_id_ = Require(broker::ClusterId(*metadata_, random_));
    log_dir_ = OpenLogDir("logs", options_.disk != nullptr ? *options_.disk : disk_);
    std::vector<storage::LogDir*> log_dirs = {options_.log_dir != nullptr ? options_.log_dir
                                                                          : log_dir_.get()};
    if (options_.second_disk != nullptr) {
      second_log_dir_ = OpenLogDir("logs-2", *options_.second_disk);
      log_dirs.push_back(second_log_dir_.get());
    }
    catalog_ = Require(
        broker::Catalog::Load({.metadata = *metadata_,
                               .log_dirs = log_dirs,
                               .config = *config_,
                               .clock = *options_.clock,
                               .leader_epoch = Require(broker::NextBootEpoch(*metadata_, node_id()))}));
    producer_ids_ = std::make_unique<broker::ProducerIdAllocator>(*metadata_);
    // On a clock that a test moves, the test says when it is time, too: groups().OnTime().
    groups_ = std::make_unique<broker::GroupCoordinator>(
        broker::GroupCoordinator::Parts{.catalog = *catalog_,
                                        .metadata = *metadata_,
                                        .config = *config_,
                                        .pool = *pool_,
                                        .clock = *options_.clock,
                                        .logger = &logger_,
                                        .has_thread = options_.clock == &Clock::System()});
    catalog_->SetOnDeleted([this](const std::string& topic) { groups_->OnTopicDeleted(topic); });
    CHECK_OK(groups_->Start());
    service_ = std::make_unique<broker::KafkaService>(broker::Services{.catalog = *catalog_,
                                                                       .config = *config_,
                                                                       .pool = *pool_,
                                                                       .clock = *options_.clock,
                                                                       .producer_ids = *producer_ids_,
                                                                       .groups = *groups_,
                                                                       .cluster_id = cluster_id_.ToString(),
                                                                       .node_id = node_id(),
                                                                       .advertised = options_.advertised});
    server_ =
        Require(broker::Server::Start(options_.net, {{.name = "PLAINTEXT", .host = "127.0.0.1", .port = 0}},
                                      {.handler = *service_,
                                       .disk_pool = *pool_,
                                       .stats = net_stats_,
                                       .logger = logger_,
                                       .clock = Clock::System()}));
  }

  // With a second one, a log dir may fail: then it goes offline and the other serves.
  std::unique_ptr<storage::LogDir> OpenLogDir(const std::string& name, storage::Disk& disk) {
    return Require(storage::LogDir::Open(
        {.path = directory_ / name,
         .node_id = node_id(),
         .producer_id_expiration_ms = config_->Int("producer.id.expiration.ms")},
        cluster_id_,
        {.disk = disk,
         .clock = *options_.clock,
         .pool = *pool_,
         .on_fatal = [alone = options_.second_disk == nullptr](const absl::Status& status) {
           CHECK_OK(alone ? status : absl::OkStatus());
         }}));
  }
  static void CloseLogDir(storage::LogDir* log_dir) {
    if (log_dir == nullptr) {
      return;
    }
    const absl::Status closed = log_dir->Close();
    CHECK_OK(log_dir->health().ok() ? closed : absl::OkStatus());
  }

  // In the broker's own order.
  void Stop() {
    StopServing();
    CloseLogDir(log_dir_.get());
    CloseLogDir(second_log_dir_.get());
    Destroy();
  }
  void StopServing() {
    server_->StopReading();
    catalog_->EndLongPolls();
    groups_->Stop();
    server_->Drain(absl::Seconds(5));
    server_->Stop();
    server_.reset();
    service_.reset();
    groups_.reset();
    catalog_->Close();
  }
  void Destroy() {
    catalog_.reset();
    log_dir_.reset();
    second_log_dir_.reset();
    producer_ids_.reset();
    metadata_.reset();
    pool_.reset();
  }

  const Options options_;
  Random random_;
  TempDir directory_;
  storage::PosixDisk disk_;
  RecordingLogger logger_;
  broker::NetStats net_stats_;
  Uuid cluster_id_;

  std::unique_ptr<broker::BrokerConfig> config_;
  std::unique_ptr<broker::DiskPool> pool_;
  std::unique_ptr<storage::MetadataStore> metadata_;
  std::unique_ptr<storage::LogDir> log_dir_;
  std::unique_ptr<storage::LogDir> second_log_dir_;
  std::unique_ptr<broker::Catalog> catalog_;
  std::unique_ptr<broker::ProducerIdAllocator> producer_ids_;
  std::unique_ptr<broker::GroupCoordinator> groups_;
  std::unique_ptr<broker::KafkaService> service_;
  std::unique_ptr<broker::Server> server_;
};

}  // namespace sluice
