// Calls on a broker that stops, before its gRPC server does.

#include "grpc_fixture.h"

namespace sluice::broker {
namespace {

class ClosedBrokerTest : public GrpcTest {};

TEST_F(ClosedBrokerTest, StoppingBrokerIsUnavailable) {
  CreateTopic("t");
  catalog->Close();
  v1::AppendRequest request = Values("t", {"a"});
  grpc::ClientContext context;
  Limit(&context);
  v1::CreateTopicRequest create;
  create.set_name("a");
  v1::CreateTopicResponse created;
  EXPECT_EQ(admin->CreateTopic(&context, create, &created).error_code(), grpc::StatusCode::UNAVAILABLE);
  std::vector<v1::Record> records;
  v1::ReadRequest read;
  read.set_topic("t");
  EXPECT_EQ(Read(read, &records).error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace sluice::broker
