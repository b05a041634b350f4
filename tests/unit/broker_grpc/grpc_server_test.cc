#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include "grpc_fixture.h"

namespace sluice::broker {
namespace {

using ::testing::HasSubstr;

class GrpcServerTest : public GrpcTest {
 protected:
  GrpcServerTest()
      : GrpcTest({{"sluice.grpc.max.streams", "2"}, {"sluice.grpc.max.message.bytes", "64KiB"}}) {}
};

TEST_F(GrpcServerTest, HealthIsServed) {
  grpc::ClientContext context;
  Limit(&context);
  // Check(HealthCheckRequest{}) by hand: the health protocol has no generated code here.
  grpc::GenericStub stub(channel);
  const grpc::ByteBuffer empty(nullptr, 0);
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", empty, &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_TRUE(status.ok()) << status.error_message();
  grpc::Slice slice;
  ASSERT_TRUE(response.DumpToSingleSlice(&slice).ok());
  // HealthCheckResponse{status: SERVING}.
  EXPECT_EQ(std::string(slice.begin(), slice.end()), std::string("\x08\x01"));
}

TEST_F(GrpcServerTest, PortInUseIsAnErrorThatNamesIt) {
  const auto second = Start(absl::StrCat("127.0.0.1:", server->port()));
  EXPECT_TRUE(absl::IsUnavailable(second.status())) << second.status();
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(absl::StrCat("127.0.0.1:", server->port())));
}

TEST_F(GrpcServerTest, StreamsAreBounded) {
  CreateTopic("t");
  AppendValues("t", {"a"});
  v1::ReadRequest request;
  request.set_topic("t");
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::ReadResponse>>> readers;
  v1::ReadResponse response;
  for (int i = 0; i < 2; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    Limit(contexts.back().get());
    readers.push_back(log->Read(contexts.back().get(), request));
    ASSERT_TRUE(readers.back()->Read(&response));
  }
  // Another connection: one connection's own calls already wait for their turn.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto other = v1::Log::NewStub(grpc::CreateCustomChannel(
      absl::StrCat("127.0.0.1:", server->port()), grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  Limit(&context);
  const grpc::Status status = other->Read(&context, request)->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("sluice.grpc.max.streams"));
}

TEST_F(GrpcServerTest, LargeMessagesAreRefused) {
  CreateTopic("t");
  v1::AppendResponse response;
  EXPECT_EQ(Append(Values("t", {std::string(100'000, 'x')}), &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(GrpcServerTest, ShutdownEndsStreamsAndAnswersWhatWasAppended) {
  CreateTopic("t");
  grpc::ClientContext append_context;
  Limit(&append_context);
  const auto append = log->AppendStream(&append_context);
  ASSERT_TRUE(append->Write(Values("t", {"a"})));
  v1::AppendResponse appended;
  ASSERT_TRUE(append->Read(&appended));
  grpc::ClientContext read_context;
  Limit(&read_context);
  v1::ReadRequest request;
  request.set_topic("t");
  const auto read = log->Read(&read_context, request);
  v1::ReadResponse response;
  ASSERT_TRUE(read->Read(&response));

  server->Shutdown(absl::Seconds(20));
  EXPECT_FALSE(read->Read(&response));
  EXPECT_EQ(read->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_FALSE(append->Read(&appended));
  EXPECT_EQ(append->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace sluice::broker
