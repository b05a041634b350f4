// A broker's domain on a real log dir, behind a real gRPC server, and a client of it.
#pragma once

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/grpc/grpc_server.h"
#include "broker/net/disk_pool.h"
#include "sluice/v1/admin.grpc.pb.h"
#include "sluice/v1/log.grpc.pb.h"
#include "storage/disk/posix_disk.h"
#include "storage/log/log_dir.h"
#include "storage/meta/memory_metadata_store.h"
#include "tests/support/fault_disk.h"
#include "tests/support/temp_dir.h"

namespace sluice::broker {

class GrpcTest : public testing::Test {
 protected:
  using Sets = std::vector<std::pair<std::string, std::string>>;

  explicit GrpcTest(Sets sets = {}) {
    auto loaded = BrokerConfig::Load({.sets = std::move(sets)});
    CHECK_OK(loaded.status());
    config = *std::move(loaded);
    auto opened = storage::LogDir::Open(
        {.path = dir / "log"}, Uuid::Generate(random),
        {.disk = disk, .clock = Clock::System(), .pool = pool, .on_fatal = [this](absl::Status status) {
           CHECK_OK(disk_may_fail ? absl::OkStatus() : status);
         }});
    CHECK_OK(opened.status());
    log_dir = *std::move(opened);
    auto catalogued = Catalog::Load({.metadata = *store,
                                     .log_dirs = {log_dir.get()},
                                     .config = config,
                                     .clock = Clock::System(),
                                     .leader_epoch = LeaderEpoch(3)});
    CHECK_OK(catalogued.status());
    catalog = *std::move(catalogued);
    auto started = Start("127.0.0.1:0");
    CHECK_OK(started.status());
    server = *std::move(started);
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(64 << 20);
    channel = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server->port()),
                                        grpc::InsecureChannelCredentials(), arguments);
    admin = v1::Admin::NewStub(channel);
    log = v1::Log::NewStub(channel);
  }
  ~GrpcTest() override {
    server.reset();
    catalog->Close();
    const absl::Status closed = log_dir->Close();
    CHECK_OK(disk_may_fail ? absl::OkStatus() : closed);
  }

  absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const std::string& listener) {
    return GrpcServer::Start(
        listener,
        {.catalog = *catalog,
         .config = config,
         .pool = pool,
         .clock = Clock::System(),
         .identity = {
             .cluster_id = "the-cluster", .node_id = NodeId(5), .version = "1.2.3", .kafka_port = 19092}});
  }

  // Every call of a test ends, one way or the other.
  static void Limit(grpc::ClientContext* context) {
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  }

  void CreateTopic(const std::string& name, int32_t partitions = 1,
                   std::map<std::string, std::string> configs = {}) {
    const TopicError error = catalog->Create(
        {.name = name, .partitions = partitions, .configs = std::move(configs)}, false, nullptr);
    ASSERT_TRUE(error.ok()) << error.message;
  }

  static v1::AppendRequest Values(const std::string& topic, const std::vector<std::string>& values) {
    v1::AppendRequest request;
    request.set_topic(topic);
    for (const std::string& value : values) {
      request.add_records()->set_value(value);
    }
    return request;
  }

  grpc::Status Append(const v1::AppendRequest& request, v1::AppendResponse* response) {
    grpc::ClientContext context;
    Limit(&context);
    return log->Append(&context, request, response);
  }
  int64_t AppendValues(const std::string& topic, const std::vector<std::string>& values) {
    v1::AppendResponse response;
    const grpc::Status status = Append(Values(topic, values), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.base_offset();
  }

  // All records of a read that ends by itself.
  grpc::Status Read(const v1::ReadRequest& request, std::vector<v1::Record>* records) {
    grpc::ClientContext context;
    Limit(&context);
    const auto reader = log->Read(&context, request);
    v1::ReadResponse response;
    while (reader->Read(&response)) {
      records->insert(records->end(), response.records().begin(), response.records().end());
    }
    return reader->Finish();
  }
  std::vector<std::string> ReadValues(const v1::ReadRequest& request) {
    std::vector<v1::Record> records;
    const grpc::Status status = Read(request, &records);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<std::string> values;
    for (const v1::Record& record : records) {
      values.push_back(record.value());
    }
    return values;
  }
  static v1::ReadRequest ToTheEnd(const std::string& topic) {
    v1::ReadRequest request;
    request.set_topic(topic);
    request.set_stop_at_end(true);
    return request;
  }

  TempDir dir;
  Random random{1};
  storage::PosixDisk posix;
  storage::FaultDisk disk{posix};
  std::atomic<bool> disk_may_fail = false;
  DiskPool pool{4};
  std::unique_ptr<storage::LocalMetadataStore> store = storage::NewMemoryMetadataStore();
  BrokerConfig config;
  std::unique_ptr<storage::LogDir> log_dir;
  std::unique_ptr<Catalog> catalog;
  std::unique_ptr<GrpcServer> server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Admin::Stub> admin;
  std::unique_ptr<v1::Log::Stub> log;
};

}  // namespace sluice::broker
