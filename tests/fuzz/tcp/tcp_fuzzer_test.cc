// The fuzzer itself: what it sends, and that it notices.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "proto/kafka/gen/fetch.h"
#include "proto/kafka/gen/join_group.h"
#include "proto/kafka/gen/offset_commit.h"
#include "proto/kafka/gen/produce.h"
#include "proto/record/batch_builder.h"
#include "tests/fuzz/tcp/broker_process.h"
#include "tests/fuzz/tcp/connection.h"
#include "tests/fuzz/tcp/fuzz_run.h"
#include "tests/fuzz/tcp/known_data.h"
#include "tests/fuzz/tcp/mutator.h"
#include "tests/fuzz/tcp/request_kind.h"
#include "tests/support/test_broker.h"

namespace sluice::fuzz {
namespace {

using testing::HasSubstr;

template <class Request>
Bytes Encode(const Request& request, int16_t version) {
  kafka::WireWriter out;
  request.Encode(out, version);
  CHECK(out.ok());
  return out.Take();
}

TEST(MutatorTest, DamageIsTheSameForTheSameNumbersAndRarelyNone) {
  const Bytes body(200, std::byte{5});
  const Bytes other(100, std::byte{9});
  int changed = 0;
  for (uint64_t seed = 0; seed < 1'000; ++seed) {
    Random first(seed);
    Random second(seed);
    const Bytes damaged = Mutate(body, other, first);
    EXPECT_EQ(damaged, Mutate(body, other, second));
    changed += damaged != body ? 1 : 0;
  }
  EXPECT_GT(changed, 950);
}

TEST(MutatorTest, NothingAtAllCanBeDamagedToo) {
  for (uint64_t seed = 0; seed < 1'000; ++seed) {
    Random random(seed);
    EXPECT_LT(Mutate({}, {}, random).size(), 1'000u);
  }
}

TEST(RequestKindTest, WhatIsMadeIsSoundInEveryVersion) {
  kafka::Randomizer randomizer(1);
  for (const RequestKind& kind : RequestKinds()) {
    for (int16_t version = kind.min_version; version <= kind.max_version; ++version) {
      Bytes body = kind.make_body(randomizer, version);
      EXPECT_TRUE(kind.read(body, version).has_value()) << kind.name << " version " << version;
      const bool is_empty = body.empty();
      body.push_back(std::byte{0});  // Behind the last field: not read.
      EXPECT_TRUE(kind.read(body, version).has_value()) << kind.name << " version " << version;
      if (!is_empty) {
        body.resize(body.size() - 2);
        EXPECT_FALSE(kind.read(body, version).has_value()) << kind.name << " version " << version;
      }
    }
  }
}

TEST(RequestKindTest, LongWaitsAreMadeShort) {
  kafka::FetchRequest fetch;
  fetch.max_wait_ms = 1'000'000;
  kafka::JoinGroupRequest join;
  join.session_timeout_ms = 1'000'000;
  join.rebalance_timeout_ms = 1'000'000;
  const Bytes fetch_body = Encode(fetch, 12);
  const Bytes join_body = Encode(join, 5);
  EXPECT_NE(FindKind(1)->read(fetch_body, 12)->body, fetch_body);
  EXPECT_NE(FindKind(11)->read(join_body, 5)->body, join_body);
}

TEST(RequestKindTest, AnAnswerThatIsNoneIsNoticed) {
  kafka::WireWriter out;
  kafka::EncodeResponseHeader(out, kafka::FetchRequest::kApiKey, 12, 1);
  kafka::FetchResponse().Encode(out, 12);
  EXPECT_EQ(FindKind(1)->check_answer(out.buffer(), 12), "");
  EXPECT_NE(FindKind(1)->check_answer(out.buffer().first(out.buffer().size() - 1), 12), "");
  out.WriteInt8(0);
  EXPECT_NE(FindKind(1)->check_answer(out.buffer(), 12), "");
}

class KnownDataTest : public testing::Test {
 protected:
  KnownDataTest() { CHECK_OK(known_.Create(connection_)); }

  // Appends to steady-0-0 as a client would; returns the whole answer.
  Bytes Produce() {
    record::BatchBuilder builder;
    CHECK_OK(builder.Append(Clock::System().NowMs(), AsBytes("key"), AsBytes("value")));
    kafka::ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 10'000;
    auto& topic = request.topic_data.emplace_back();
    topic.name = "steady-0";
    topic.partition_data.emplace_back().records = kafka::Records{.bytes = *builder.Build()};
    connection_.Send(MakeFrame(kafka::ProduceRequest::kApiKey, 9, 1, Encode(request, 9)));
    Bytes answer;
    EXPECT_EQ(connection_.Receive(&answer), Connection::Event::kFrame);
    return answer;
  }

  TestBroker broker_;
  Connection connection_{broker_.port()};
  KnownData known_;
};

TEST_F(KnownDataTest, WhatIsAsItWasIsGood) {
  EXPECT_EQ(known_.CheckWire(connection_), absl::OkStatus());
  EXPECT_EQ(known_.CheckAppended(connection_), absl::OkStatus());
  EXPECT_EQ(known_.CheckFiles(broker_.directory() + "/logs"), absl::OkStatus());
}

TEST_F(KnownDataTest, OnlyWhatWasAcceptedMayBeThereBesides) {
  const Bytes answer = Produce();
  EXPECT_THAT(known_.CheckAppended(connection_).ToString(), HasSubstr("steady-0-0"));
  known_.NoteAnswer(answer, 9);
  EXPECT_EQ(known_.CheckAppended(connection_), absl::OkStatus());
  EXPECT_EQ(known_.CheckWire(connection_), absl::OkStatus());
}

TEST_F(KnownDataTest, RecordsThatAreGoneAreMissed) {
  CHECK_OK(broker_.log("steady-1", 1).AdvanceStart(Offset(3)));
  EXPECT_THAT(known_.CheckWire(connection_).ToString(), HasSubstr("steady-1-1"));
}

TEST_F(KnownDataTest, AByteThatChangedInAFileIsNoticed) {
  const std::string logs = broker_.directory() + "/logs";
  {
    std::fstream file(logs + "/steady-0-1/00000000000000000000.log", std::ios::in | std::ios::out);
    file.seekp(100);
    file.put('\x7f');
  }
  EXPECT_THAT(known_.CheckFiles(logs).ToString(), HasSubstr("steady-0-1: byte 100"));
}

TEST_F(KnownDataTest, AnOffsetThatMovedIsNoticed) {
  kafka::OffsetCommitRequest request;
  request.group_id = "steady-group";
  auto& topic = request.topics.emplace_back();
  topic.name = "steady-0";
  topic.partitions.emplace_back().committed_offset = 8;
  ASSERT_TRUE(connection_.Call(request, 8).has_value());
  EXPECT_THAT(known_.CheckWire(connection_).ToString(), HasSubstr("committed offset"));
}

TEST_F(KnownDataTest, RequestsThatMayChangeThemInSilenceAreKnown) {
  EXPECT_TRUE(known_.MayBeChangedBy(20, AsBytes("..steady-0.."), false)) << "DeleteTopics";
  EXPECT_FALSE(known_.MayBeChangedBy(20, AsBytes("..prey-0.."), false));
  EXPECT_FALSE(known_.MayBeChangedBy(1, AsBytes("..steady-0.."), false)) << "Fetch";
  EXPECT_FALSE(known_.MayBeChangedBy(0, AsBytes("..steady-0.."), false)) << "Produce: its answer tells";
  EXPECT_TRUE(known_.MayBeChangedBy(0, AsBytes("..steady-0.."), true)) << "acks=0";
}

TEST_F(KnownDataTest, EveryVersionThatIsAdvertisedIsATarget) {
  const auto targets = FindTargets(connection_);
  ASSERT_EQ(targets.status(), absl::OkStatus());
  EXPECT_GT(targets->size(), 150u);
}

TEST(BrokerProcessTest, AProgramThatEndsIsNoticed) {
  BrokerProcess process("/bin/false", {});
  EXPECT_THAT(process.Start().ToString(), HasSubstr("the broker ended with 1"));
  EXPECT_FALSE(process.CheckAlive().ok());
}

}  // namespace
}  // namespace sluice::fuzz
