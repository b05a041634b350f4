// Responses with file ranges in them.
#include <thread>

#include "broker/net/residency.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net_testing.h"

namespace sluice::broker {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMiB = 1024 * 1024;

// Answers every request with the same response.
FunctionHandler::Function Always(const std::vector<Part>& parts) {
  return [parts](ByteView, const ConnectionInfo&, ResponseSlot slot) -> asio::awaitable<void> {
    slot.Send(Compose(parts));
    co_return;
  };
}

class ServerFiles : public ::testing::TestWithParam<TransferMethod> {
 protected:
  NetOptions Options() { return {.transfer = GetParam()}; }
};

TEST_P(ServerFiles, PartsArriveInTheirPlacesThroughASlowReader) {
  const std::string first = Pattern(3 * kMiB, 1);
  const std::string second = Pattern(100'000, 2);
  const std::vector<Part> parts = {
      {"head", {}},
      {"between", {MakeFile(first), 12345, 2 * kMiB + 1}},
      {"", {MakeFile(second), 1, 99'999}},  // Two ranges in a row.
      {"tail", {MakeFile("tiny range"), 0, 4}},
      {"", {MakeFile("x"), 0, 0}},
  };
  const std::string expected =
      absl::StrCat("head", first.substr(12345, 2 * kMiB + 1), "between", second.substr(1), "tiny", "tail");
  TestServer test(Always(parts), Options());
  Client client(test.port(), /*receive_buffer=*/4096);
  for (int round = 0; round < 3; ++round) {
    client.Request("a");
    client.Request("b");
    // The text of a part follows its range, as Compose() lays it out.
    const std::string a = client.Response();
    ASSERT_EQ(a.size(), expected.size());
    EXPECT_TRUE(a.substr(0, 4) == "head");
    EXPECT_TRUE(client.Response() == a);
    EXPECT_TRUE(a == expected);
  }
}

TEST_P(ServerFiles, ColdRangeIsReadByTheDiskPoolAndServed) {
  const std::string content = Pattern(6 * kMiB);
  auto file = MakeFile(content);
  MakeCold(*file);
  ASSERT_FALSE(IsResident({file, 0, kMiB}));
  TestServer test(Always({{"<", {}}, {">", {file, 1000, 5 * kMiB}}}), Options());
  Client client(test.port());
  client.Request("x");
  EXPECT_TRUE(client.Response() == absl::StrCat("<", content.substr(1000, 5 * kMiB), ">"));
  EXPECT_GT(test.stats.cold_reads.value(), 0u);
  EXPECT_GT(test.stats.bytes_cold.value(), 0u);
}

TEST_P(ServerFiles, TruncatedFileClosesTheConnectionAndSaysWhich) {
  auto file = MakeFile(Pattern(2 * kMiB));
  TestServer test(Always({{"<", {}}, {">", {file, 0, 2 * kMiB}}}), Options());
  ASSERT_EQ(::ftruncate(file->fd(), kMiB + 5), 0);
  Client client(test.port());
  client.Request("x");
  EXPECT_LT(client.Read(4 + 2 + 2 * kMiB).size(), 4 + 2 + 2 * kMiB);
  EXPECT_TRUE(Eventually([&] { return test.server->connections() == 0; }));
  EXPECT_THAT(test.logger.text(), HasSubstr("segment.log"));
  EXPECT_EQ(test.stats.closed_disk_error.value(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Methods, ServerFiles,
                         ::testing::Values(TransferMethod::kSendfile, TransferMethod::kReadWrite,
                                           TransferMethod::kMmapWrite, TransferMethod::kSplice),
                         [](const auto& info) {
                           std::string name(TransferMethodName(info.param));
                           std::erase(name, '-');
                           return name;
                         });

TEST(ServerSmallFiles, AreCopiedWithTheHeaderWhateverTheirNumber) {
  const std::string content = Pattern(100'000);
  auto file = MakeFile(content);
  std::vector<Part> parts;
  std::string expected;
  for (uint64_t i = 0; i < 700; ++i) {  // More than one writev takes.
    parts.push_back({absl::StrCat("|", i), {file, i * 7, i}});
    absl::StrAppend(&expected, content.substr(i * 7, i), "|", i);
  }
  TestServer test(Always(parts));
  Client client(test.port());
  client.Request("x");
  EXPECT_TRUE(client.Response() == expected);
  EXPECT_EQ(test.stats.bytes_out_transferred.value(), 0u);
}

TEST(ServerSmallFiles, ColdOnesAreReadByTheDiskPool) {
  const std::string content = Pattern(kMiB);
  auto file = MakeFile(content);
  MakeCold(*file);
  TestServer test(Always({{"<", {}}, {">", {file, 5000, 100}}}));
  Client client(test.port());
  client.Request("x");
  EXPECT_EQ(client.Response(), absl::StrCat("<", content.substr(5000, 100), ">"));
  EXPECT_EQ(test.stats.cold_reads.value(), 1u);
}

TEST(ServerSmallFiles, TruncatedOneClosesTheConnection) {
  TestServer test(Always({{"<", {}}, {">", {MakeFile("12345"), 0, 6}}}));
  Client client(test.port());
  client.Request("x");
  EXPECT_LT(client.Read(100).size(), 4u + 2 + 6);
  EXPECT_TRUE(Eventually([&] { return test.server->connections() == 0; }));
  EXPECT_THAT(test.logger.text(), HasSubstr("the file is shorter"));
}

TEST(ServerFilesCache, CatchUpReaderLeavesNothingBehind) {
  auto file = MakeFile(Pattern(32 * kMiB));
  MakeCold(*file);
  TestServer test(Always({{"<", {}}, {">", {file, 0, 32 * kMiB}}}));
  Client client(test.port());
  client.Request("x");
  ASSERT_EQ(client.Response().size(), 32 * kMiB + 2);
  // What a socket still referred to when it was to be dropped may stay: no more than it can hold.
  EXPECT_TRUE(Eventually([&] {
    int resident = 0;
    for (uint64_t at = 0; at < 32; ++at) {
      resident += IsResident({file, at * kMiB, kMiB}) ? 1 : 0;
    }
    return resident <= 12;
  }));
}

TEST(ServerFilesCache, WhatWasResidentBeforeStays) {
  auto file = MakeFile(Pattern(16 * kMiB));
  ASSERT_EQ(::fdatasync(file->fd()), 0);
  TestServer test(Always({{"<", {}}, {">", {file, 0, 16 * kMiB}}}));
  Client client(test.port());
  client.Request("x");
  ASSERT_EQ(client.Response().size(), 16 * kMiB + 2);
  EXPECT_TRUE(IsResident({file, 0, 16 * kMiB}));
  EXPECT_EQ(test.stats.cold_reads.value(), 0u);
}

TEST(ServerFilesPeer, ThatVanishesMidResponseIsForgotten) {
  auto file = MakeFile(Pattern(32 * kMiB));
  TestServer test(Always({{"<", {}}, {">", {file, 0, 32 * kMiB}}}));
  Client client(test.port(), 4096);
  client.Request("x");
  ASSERT_EQ(client.Read(10'000).size(), 10'000u);
  client.Vanish();
  EXPECT_TRUE(Eventually([&] { return test.server->connections() == 0; }));
  EXPECT_EQ(file.use_count(), 2) << "ours and the handler's: the response let go of the file";
}

TEST(ServerFilesPeer, ThatReadsNothingIsClosedAfterTheDeadline) {
  auto file = MakeFile(Pattern(32 * kMiB));
  TestServer test(Always({{"<", {}}, {">", {file, 0, 32 * kMiB}}}));
  Client client(test.port(), 4096);
  client.Request("x");
  // Blocked once a few bytes went out and no more do.
  ASSERT_TRUE(Eventually([&] {
    const uint64_t before = test.stats.bytes_out_transferred.value();
    ::poll(nullptr, 0, 20);
    return before > 0 && before == test.stats.bytes_out_transferred.value();
  }));
  test.clock.Advance(absl::Seconds(61));
  EXPECT_TRUE(Eventually([&] { return test.server->connections() == 0; }));
  EXPECT_EQ(test.stats.closed_write_stall.value(), 1u);
}

}  // namespace
}  // namespace sluice::broker
