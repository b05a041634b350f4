#include <unistd.h>

#include <set>
#include <thread>

#include "grpc_fixture.h"
#include "proto/base/murmur2.h"

namespace sluice::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AppendTest : public GrpcTest {};

TEST_F(AppendTest, RecordsGetConsecutiveOffsets) {
  CreateTopic("t");
  v1::AppendResponse response;
  ASSERT_TRUE(Append(Values("t", {"a", "b", "c"}), &response).ok());
  EXPECT_EQ(response.base_offset(), 0);
  EXPECT_EQ(response.last_offset(), 2);
  EXPECT_EQ(response.log_append_time_ms(), -1);
  EXPECT_EQ(AppendValues("t", {"d"}), 3);
}

TEST_F(AppendTest, AcknowledgedRecordsMayBeReadAtOnce) {
  CreateTopic("t");
  AppendValues("t", {"a"});
  EXPECT_EQ(catalog->Find("t")->Find(PartitionId(0))->high_watermark(), Offset(1));
}

TEST_F(AppendTest, KeyChoosesThePartitionThatKafkaClientsChoose) {
  CreateTopic("t", 8);
  for (const std::string key : {"a", "order-17", "", "\xff"}) {
    v1::AppendRequest request = Values("t", {"v"});
    request.mutable_records(0)->set_key(key);
    v1::AppendResponse response;
    ASSERT_TRUE(Append(request, &response).ok());
    EXPECT_EQ(response.partition(), PartitionOfKey(AsBytes(key), 8));
  }
}

TEST_F(AppendTest, RecordsWithoutAKeyAreSpread) {
  CreateTopic("t", 3);
  std::set<int32_t> partitions;
  for (int i = 0; i < 3; ++i) {
    v1::AppendResponse response;
    ASSERT_TRUE(Append(Values("t", {"v"}), &response).ok());
    partitions.insert(response.partition());
  }
  EXPECT_EQ(partitions.size(), 3u);
}

TEST_F(AppendTest, LeaderAckIsEnoughWhenAskedFor) {
  CreateTopic("t");
  v1::AppendRequest request = Values("t", {"a"});
  request.set_acks(v1::ACKS_LEADER);
  v1::AppendResponse response;
  EXPECT_TRUE(Append(request, &response).ok());
}

TEST_F(AppendTest, BrokersTimeIsTold) {
  CreateTopic("t", 1, {{"message.timestamp.type", "LogAppendTime"}});
  v1::AppendResponse response;
  ASSERT_TRUE(Append(Values("t", {"a"}), &response).ok());
  EXPECT_GT(response.log_append_time_ms(), 1'600'000'000'000);
}

TEST_F(AppendTest, WhatIsWrongIsSaid) {
  CreateTopic("orders", 2, {{"max.message.bytes", "1000"}});
  v1::AppendResponse response;
  const auto status = [&](const v1::AppendRequest& request) { return Append(request, &response); };

  EXPECT_EQ(status(Values("", {"a"})).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status(Values("orders", {})).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status(Values("ordres", {"a"})).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status(Values("ordres", {"a"})).error_message(), HasSubstr("did you mean \"orders\"?"));
  EXPECT_EQ(status(Values("orders", {std::string(2000, 'x')})).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);

  v1::AppendRequest request = Values("orders", {"a"});
  request.set_partition(2);
  EXPECT_EQ(status(request).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status(request).error_message(), HasSubstr("has no partition 2: it has 2, numbered from 0"));
  request.set_partition(-1);
  EXPECT_EQ(status(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_partition(0);
  request.mutable_records(0)->set_timestamp_ms(-5);
  EXPECT_EQ(status(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.mutable_records(0)->set_timestamp_ms(int64_t{1} << 60);
  EXPECT_EQ(status(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.mutable_records(0)->set_timestamp_ms(0);
  request.set_codec(static_cast<v1::CompressionCodec>(7));
  EXPECT_EQ(status(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AppendTest, StreamAnswersInOrder) {
  CreateTopic("t");
  grpc::ClientContext context;
  Limit(&context);
  const auto stream = log->AppendStream(&context);
  constexpr int kRequests = 1000;  // More than may be in flight.
  std::thread writer([&] {
    for (int i = 0; i < kRequests; ++i) {
      ASSERT_TRUE(stream->Write(Values("t", {absl::StrCat(i), "x"})));
    }
    stream->WritesDone();
  });
  v1::AppendResponse response;
  int64_t answered = 0;
  while (stream->Read(&response)) {
    EXPECT_EQ(response.base_offset(), answered * 2);
    ++answered;
  }
  writer.join();
  const grpc::Status status = stream->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answered, kRequests);
}

TEST_F(AppendTest, FirstFailureEndsTheStreamAndNothingIsAppendedAfterIt) {
  CreateTopic("t");
  grpc::ClientContext context;
  Limit(&context);
  const auto stream = log->AppendStream(&context);
  stream->Write(Values("t", {"a"}));
  stream->Write(Values("nowhere", {"b"}));
  stream->Write(Values("t", {"c"}));
  v1::AppendResponse response;
  EXPECT_TRUE(stream->Read(&response));
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(ReadValues(ToTheEnd("t")), ElementsAre("a"));
}

TEST_F(AppendTest, StreamThatTheClientCancelsIsForgotten) {
  CreateTopic("t");
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    Limit(&context);
    const auto stream = log->AppendStream(&context);
    stream->Write(Values("t", {"a"}));
    context.TryCancel();
    EXPECT_FALSE(stream->Finish().ok());
  }
}

TEST_F(AppendTest, TheTopicsCodecIsUsedWhateverTheRequestSays) {
  TopicPtr topic;
  ASSERT_TRUE(catalog
                  ->Create({.name = "t", .partitions = 1, .configs = {{"compression.type", "gzip"}}},
                           /*validate_only=*/false, &topic)
                  .ok());
  v1::AppendRequest request = Values("t", {"a", "b"});
  request.set_codec(v1::COMPRESSION_CODEC_ZSTD);
  v1::AppendResponse response;
  ASSERT_TRUE(Append(request, &response).ok());
  const storage::ReadOutcome read = topic->partitions[0]->log().Read(
      {.offset = Offset(0), .limit = Offset(2), .max_bytes = 1 << 20, .at_least_one_batch = true}, nullptr);
  Bytes bytes(read.range.size);
  ASSERT_EQ(::pread(read.range.file->fd(), bytes.data(), bytes.size(), static_cast<off_t>(read.range.position)),
            static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(record::BatchView(bytes).codec(), record::Codec::kGzip);
}

}  // namespace
}  // namespace sluice::broker
