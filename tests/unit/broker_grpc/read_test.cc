#include <thread>

#include "absl/synchronization/notification.h"
#include "grpc_fixture.h"
#include "proto/record/batch_builder.h"

namespace sluice::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ReadTest : public GrpcTest {};

TEST_F(ReadTest, RecordComesBackAsItWent) {
  CreateTopic("t");
  v1::AppendRequest request;
  request.set_topic("t");
  v1::Record* full = request.add_records();
  full->set_key(std::string("k\0", 2));
  full->set_value("v");
  full->set_timestamp_ms(1'650'000'000'123);
  full->add_headers()->set_key("null");
  v1::Header* header = full->add_headers();
  header->set_key("h");
  header->set_value("");
  request.add_records();  // Neither key nor value.
  v1::AppendResponse response;
  ASSERT_TRUE(Append(request, &response).ok());

  std::vector<v1::Record> records;
  ASSERT_TRUE(Read(ToTheEnd("t"), &records).ok());
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].key(), std::string("k\0", 2));
  EXPECT_EQ(records[0].value(), "v");
  EXPECT_EQ(records[0].timestamp_ms(), 1'650'000'000'123);
  EXPECT_EQ(records[0].offset(), 0);
  ASSERT_EQ(records[0].headers_size(), 2);
  EXPECT_FALSE(records[0].headers(0).has_value());
  EXPECT_TRUE(records[0].headers(1).has_value());
  EXPECT_FALSE(records[1].has_key());
  EXPECT_FALSE(records[1].has_value());
  EXPECT_GT(records[1].timestamp_ms(), 1'650'000'000'123);
  EXPECT_EQ(records[1].offset(), 1);
}

TEST_F(ReadTest, EveryCodecIsOpened) {
  CreateTopic("t");
  for (int codec = 0; codec <= 4; ++codec) {
    v1::AppendRequest request = Values("t", {absl::StrCat("codec ", codec, std::string(500, 'x'))});
    request.set_codec(static_cast<v1::CompressionCodec>(codec));
    v1::AppendResponse response;
    ASSERT_TRUE(Append(request, &response).ok());
  }
  const std::vector<std::string> values = ReadValues(ToTheEnd("t"));
  ASSERT_EQ(values.size(), 5u);
  for (int codec = 0; codec <= 4; ++codec) {
    EXPECT_THAT(values[static_cast<size_t>(codec)], HasSubstr(absl::StrCat("codec ", codec, "x")));
  }
}

TEST_F(ReadTest, BeginsInTheMiddleOfABatch) {
  CreateTopic("t");
  AppendValues("t", {"a", "b", "c"});
  AppendValues("t", {"d"});
  v1::ReadRequest request = ToTheEnd("t");
  request.set_offset(1);
  EXPECT_THAT(ReadValues(request), ElementsAre("b", "c", "d"));
  request.set_max_records(2);
  EXPECT_THAT(ReadValues(request), ElementsAre("b", "c"));
  request.set_offset(4);
  EXPECT_THAT(ReadValues(request), IsEmpty());
}

TEST_F(ReadTest, BeginsAtATimestamp) {
  CreateTopic("t");
  for (const int64_t timestamp : {1000, 2000, 3000}) {
    v1::AppendRequest append = Values("t", {absl::StrCat(timestamp)});
    append.mutable_records(0)->set_timestamp_ms(timestamp);
    v1::AppendResponse response;
    ASSERT_TRUE(Append(append, &response).ok());
  }
  v1::ReadRequest request = ToTheEnd("t");
  request.set_timestamp_ms(1500);
  EXPECT_THAT(ReadValues(request), ElementsAre("2000", "3000"));
  request.set_timestamp_ms(4000);
  EXPECT_THAT(ReadValues(request), IsEmpty());
}

TEST_F(ReadTest, OffsetThatIsNotThereIsOutOfRange) {
  CreateTopic("t");
  AppendValues("t", {"a"});
  v1::ReadRequest request = ToTheEnd("t");
  request.set_offset(7);
  std::vector<v1::Record> records;
  const grpc::Status status = Read(request, &records);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(status.error_message(), HasSubstr("offset 7 is not there: partition 0 of \"t\" holds 0 to 1"));
}

TEST_F(ReadTest, UnknownTopicAndPartitionAreNotFound) {
  CreateTopic("t");
  std::vector<v1::Record> records;
  EXPECT_EQ(Read(ToTheEnd("x"), &records).error_code(), grpc::StatusCode::NOT_FOUND);
  v1::ReadRequest request = ToTheEnd("t");
  request.set_partition(1);
  EXPECT_EQ(Read(request, &records).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ReadTest, MuchDataComesInMessagesThatClientsTake) {
  CreateTopic("t");
  std::string value(200'000, 'x');
  for (int i = 0; i < 40; ++i) {
    v1::AppendRequest request = Values("t", {value, value});
    request.set_codec(i % 2 == 0 ? v1::COMPRESSION_CODEC_NONE : v1::COMPRESSION_CODEC_ZSTD);
    v1::AppendResponse response;
    ASSERT_TRUE(Append(request, &response).ok());
  }
  grpc::ClientContext context;
  Limit(&context);
  const auto reader = log->Read(&context, ToTheEnd("t"));
  v1::ReadResponse response;
  int64_t records = 0;
  while (reader->Read(&response)) {
    EXPECT_LT(response.ByteSizeLong(), 2u << 20);
    EXPECT_EQ(response.high_watermark(), 80);
    for (const v1::Record& record : response.records()) {
      EXPECT_EQ(record.offset(), records++);
    }
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(records, 80);
}

TEST_F(ReadTest, WaitsForWhatIsAppendedLater) {
  CreateTopic("t");
  grpc::ClientContext context;
  Limit(&context);
  v1::ReadRequest request;
  request.set_topic("t");
  request.set_max_records(100);
  const auto reader = log->Read(&context, request);
  std::thread writer([&] {
    for (int i = 0; i < 100; ++i) {
      AppendValues("t", {absl::StrCat(i)});
    }
  });
  v1::ReadResponse response;
  int64_t records = 0;
  while (reader->Read(&response)) {
    records += response.records_size();
  }
  writer.join();
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(records, 100);
}

TEST_F(ReadTest, DeletedTopicAbortsTheReadersThatWait) {
  CreateTopic("t");
  AppendValues("t", {"a"});
  grpc::ClientContext context;
  Limit(&context);
  v1::ReadRequest request;
  request.set_topic("t");
  const auto reader = log->Read(&context, request);
  v1::ReadResponse response;
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_TRUE(catalog->Delete("t").ok());
  EXPECT_FALSE(reader->Read(&response));
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED) << status.error_message();
}

TEST_F(ReadTest, CancelledReaderIsForgotten) {
  CreateTopic("t");
  AppendValues("t", {"a"});
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    Limit(&context);
    v1::ReadRequest request;
    request.set_topic("t");
    const auto reader = log->Read(&context, request);
    v1::ReadResponse response;
    EXPECT_TRUE(i % 2 == 0 || reader->Read(&response));
    context.TryCancel();
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
}

TEST_F(ReadTest, HeaderThatIsNoTextDoesNotStopTheReader) {
  CreateTopic("t");
  record::BatchBuilder builder;
  const record::Header header = {.key = "\xff", .value = AsBytes("v")};
  ASSERT_TRUE(builder.Append(1, std::nullopt, AsBytes("a"), {&header, 1}).ok());
  Partition* partition = catalog->Find("t")->Find(PartitionId(0));
  const auto outcome = partition->log().Append(record::BatchView(*builder.Build()), {.now_ms = 1});
  ASSERT_EQ(outcome.code, storage::AppendCode::kOk);
  absl::Notification committed;
  partition->AwaitCommitted(Offset(1), [&](const absl::Status&) { committed.Notify(); });
  committed.WaitForNotification();

  std::vector<v1::Record> records;
  ASSERT_TRUE(Read(ToTheEnd("t"), &records).ok());
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].headers(0).key(), "\xef\xbf\xbd");
}

TEST_F(ReadTest, OffsetsAreListed) {
  CreateTopic("t", 2);
  v1::AppendRequest append = Values("t", {"a", "b"});
  append.set_partition(1);
  append.mutable_records(0)->set_timestamp_ms(1000);
  append.mutable_records(1)->set_timestamp_ms(2000);
  v1::AppendResponse appended;
  ASSERT_TRUE(Append(append, &appended).ok());

  const auto list = [&](const v1::ListOffsetsRequest& request) {
    grpc::ClientContext context;
    Limit(&context);
    v1::ListOffsetsResponse response;
    const grpc::Status status = log->ListOffsets(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<std::pair<int64_t, int64_t>> offsets;
    for (const v1::PartitionOffset& offset : response.offsets()) {
      offsets.emplace_back(offset.offset(), offset.timestamp_ms());
    }
    return offsets;
  };
  using Pair = std::pair<int64_t, int64_t>;
  v1::ListOffsetsRequest request;
  request.set_topic("t");
  EXPECT_THAT(list(request), ElementsAre(Pair(0, -1), Pair(2, -1)));
  request.mutable_start();
  EXPECT_THAT(list(request), ElementsAre(Pair(0, -1), Pair(0, -1)));
  request.set_timestamp_ms(1500);
  EXPECT_THAT(list(request), ElementsAre(Pair(-1, -1), Pair(1, 2000)));
  request.add_partitions(1);
  EXPECT_THAT(list(request), ElementsAre(Pair(1, 2000)));
}

}  // namespace
}  // namespace sluice::broker
