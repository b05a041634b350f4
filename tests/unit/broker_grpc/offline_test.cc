// What gRPC clients are told of a partition whose log dir failed.
#include <gmock/gmock.h>

#include "grpc_fixture.h"

namespace sluice::broker {
namespace {

using ::testing::HasSubstr;

class OfflineTest : public GrpcTest {
 protected:
  OfflineTest() {
    CreateTopic("orders");
    AppendValues("orders", {"a"});
    disk_may_fail = true;
    disk.FailNth(storage::DiskCall::kSync, 1, absl::DataLossError("fdatasync: Input/output error"));
  }
  void Fail() {
    v1::AppendResponse response;
    ExpectOffline(Append(Values("orders", {"b"}), &response));
  }
  static void ExpectOffline(const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("Input/output error"));
  }
};

TEST_F(OfflineTest, AppendsReadsAndOffsetsAreRefusedInWords) {
  Fail();
  v1::AppendResponse response;
  ExpectOffline(Append(Values("orders", {"c"}), &response));
  v1::AppendRequest unsynced = Values("orders", {"d"});
  unsynced.set_acks(v1::ACKS_LEADER);
  ExpectOffline(Append(unsynced, &response));
  std::vector<v1::Record> records;
  ExpectOffline(Read(ToTheEnd("orders"), &records));
  EXPECT_TRUE(records.empty());

  grpc::ClientContext context;
  Limit(&context);
  v1::ListOffsetsRequest request;
  request.set_topic("orders");
  v1::ListOffsetsResponse offsets;
  ExpectOffline(log->ListOffsets(&context, request, &offsets));
}

TEST_F(OfflineTest, AReadThatWaitsEndsWhenItsPartitionGoesOffline) {
  grpc::ClientContext context;
  Limit(&context);
  v1::ReadRequest request;
  request.set_topic("orders");
  const auto reader = log->Read(&context, request);
  v1::ReadResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.records(0).value(), "a");
  Fail();
  while (reader->Read(&response)) {
    EXPECT_EQ(response.records_size(), 0);
  }
  ExpectOffline(reader->Finish());
}

TEST_F(OfflineTest, TheAdminServiceShowsWhatIsOfflineAndWhy) {
  Fail();
  grpc::ClientContext topic_context;
  v1::DescribeTopicRequest topic_request;
  topic_request.set_name("orders");
  v1::DescribeTopicResponse topic;
  ASSERT_TRUE(admin->DescribeTopic(&topic_context, topic_request, &topic).ok());
  EXPECT_EQ(topic.partitions(0).leader(), -1);
  EXPECT_THAT(topic.partitions(0).offline_reason(), HasSubstr("Input/output error"));
  grpc::ClientContext cluster_context;
  v1::DescribeClusterResponse cluster;
  ASSERT_TRUE(admin->DescribeCluster(&cluster_context, {}, &cluster).ok());
  ASSERT_EQ(cluster.offline_log_dirs_size(), 1);
  EXPECT_EQ(cluster.offline_log_dirs(0).path(), dir / "log");
  EXPECT_THAT(cluster.offline_log_dirs(0).reason(), HasSubstr("Input/output error"));
}

}  // namespace
}  // namespace sluice::broker
