// Every message in every version: what is encoded decodes to the same, and to nothing but the same bytes.
#include <gtest/gtest.h>

#include <random>

#include "proto/kafka/gen/all_messages.h"
#include "proto/kafka/wire_reader.h"
#include "proto/kafka/wire_writer.h"
#include "tests/unit/kafka_wire/random_messages.h"
#include "tests/unit/kafka_wire/randomizer.h"

namespace sluice::kafka {
namespace {

constexpr int kRoundsPerVersion = 40;

// Calls check(message type, version) for all.
template <class Check>
void ForEachVersion(Check check) {
  VisitMessages([&](auto type) {
    using Message = typename decltype(type)::type;
    for (int16_t version = Message::kMinVersion; version <= Message::kMaxVersion; ++version) {
      SCOPED_TRACE(absl::StrCat(Message::kName, " version ", version));
      check(type, version);
    }
  });
}

TEST(RoundTripTest, RandomContentComesBackInEveryVersion) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  Randomizer random(seed);
  ForEachVersion([&](auto type, int16_t version) {
    using Message = typename decltype(type)::type;
    for (int round = 0; round < kRoundsPerVersion; ++round) {
      Message sent;
      Randomize(random, version, &sent);
      WireWriter out;
      sent.Encode(out, version);
      ASSERT_TRUE(out.ok()) << out.error();
      WireReader in(out.buffer());
      Message received;
      received.Decode(in, version);
      ASSERT_TRUE(in.ok()) << in.error();
      ASSERT_EQ(in.remaining(), 0u);
      ASSERT_TRUE(received == sent) << received.DebugText() << "\nbut sent\n" << sent.DebugText();
    }
  });
}

TEST(RoundTripTest, DecodingForgetsWhatTheMessageHeldBefore) {
  Randomizer random(1);
  ForEachVersion([&](auto type, int16_t version) {
    using Message = typename decltype(type)::type;
    Message sent;
    Randomize(random, version, &sent);
    WireWriter out;
    sent.Encode(out, version);
    Message received;
    Randomize(random, Message::kMaxVersion, &received);
    WireReader in(out.buffer());
    received.Decode(in, version);
    ASSERT_TRUE(received == sent) << received.DebugText() << "\nbut sent\n" << sent.DebugText();
  });
}

TEST(RoundTripTest, EveryProperPrefixIsAnError) {
  Randomizer random(2);
  ForEachVersion([&](auto type, int16_t version) {
    using Message = typename decltype(type)::type;
    Message sent;
    Randomize(random, version, &sent);
    WireWriter out;
    sent.Encode(out, version);
    for (size_t size = 0; size < out.buffer().size(); ++size) {
      WireReader in(out.buffer().first(size));
      Message received;
      received.Decode(in, version);
      ASSERT_FALSE(in.ok()) << "prefix of " << size << " bytes of " << out.buffer().size();
    }
  });
}

TEST(RoundTripTest, UnknownVersionsAreErrorsBothWays) {
  VisitMessages([](auto type) {
    using Message = typename decltype(type)::type;
    for (const int16_t version :
         {static_cast<int16_t>(Message::kMinVersion - 1), static_cast<int16_t>(Message::kMaxVersion + 1)}) {
      WireWriter out;
      Message().Encode(out, version);
      EXPECT_FALSE(out.ok());
      const Bytes bytes(100);
      WireReader in(bytes);
      Message message;
      message.Decode(in, version);
      EXPECT_FALSE(in.ok());
      EXPECT_EQ(in.position(), 0u);
    }
  });
}

}  // namespace
}  // namespace sluice::kafka
