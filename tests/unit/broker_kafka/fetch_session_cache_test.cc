// Which fetch sessions are kept, and which make room for others.
#include "broker/kafka/fetch_session_cache.h"

#include <gtest/gtest.h>

#include <limits>

#include "proto/base/clock.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Rank = FetchSessionCache::Rank;

constexpr int16_t kByName = 12;
constexpr int16_t kById = 13;

kafka::FetchRequest MakeRequest(int32_t partitions, const std::string& topic = "orders") {
  kafka::FetchRequest request;
  auto& asked = request.topics.emplace_back();
  asked.topic = topic;
  for (int32_t i = 0; i < partitions; ++i) {
    asked.partitions.emplace_back().partition = i;
  }
  return request;
}

kafka::FetchResponse AnswerTo(const kafka::FetchRequest& request) {
  kafka::FetchResponse response;
  for (const auto& topic : request.topics) {
    response.responses.emplace_back().partitions.resize(topic.partitions.size());
  }
  return response;
}

class FetchSessionCacheTest : public testing::Test {
 protected:
  int32_t Open(int32_t partitions, Rank rank = Rank::kConsumer, int16_t version = kByName) {
    const kafka::FetchRequest request = MakeRequest(partitions);
    return cache_.Open(request, AnswerTo(request), version, rank);
  }
  // The next incremental request, which changes nothing.
  ErrorCode Use(int32_t id, int32_t epoch, int16_t version = kByName) {
    kafka::FetchRequest request;
    request.session_id = id;
    request.session_epoch = epoch;
    return cache_.Resume(request, version).error;
  }

  ManualClock clock_;
  FetchSessionCache cache_{{.slots = 2, .bytes_max = 1 << 20}, clock_, Random(7)};
};

TEST(SessionEpochTest, EpochsGoRoundFromTheLargestToOne) {
  EXPECT_EQ(NextSessionEpoch(1), 2);
  EXPECT_EQ(NextSessionEpoch(std::numeric_limits<int32_t>::max()), 1);
}

TEST(SessionEpochTest, ASessionGoesOnAfterTheLargestEpoch) {
  const auto session =
      std::make_shared<FetchSession>(5, FetchSession::Naming::kByName, std::numeric_limits<int32_t>::max());
  kafka::FetchRequest request;
  request.session_epoch = std::numeric_limits<int32_t>::max();
  EXPECT_EQ(session->Begin(request, kByName), ErrorCode::kNone);
  EXPECT_EQ(session->Begin(request, kByName), ErrorCode::kInvalidFetchSessionEpoch);
  request.session_epoch = 1;
  EXPECT_EQ(session->Begin(request, kByName), ErrorCode::kNone);
}

TEST_F(FetchSessionCacheTest, IdsArePositiveAndDiffer) {
  const int32_t first = Open(1);
  const int32_t second = Open(1);
  EXPECT_GT(first, 0);
  EXPECT_GT(second, 0);
  EXPECT_NE(first, second);
}

TEST_F(FetchSessionCacheTest, AnUnknownIdIsNotFoundAndAWrongEpochInvalid) {
  const int32_t id = Open(1);
  EXPECT_EQ(Use(id + 1, 1), ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(Use(id, 2), ErrorCode::kInvalidFetchSessionEpoch);
  EXPECT_EQ(Use(id, -2), ErrorCode::kInvalidFetchSessionEpoch);
  EXPECT_EQ(Use(id, 1), ErrorCode::kNone);
  EXPECT_EQ(Use(id, 1), ErrorCode::kInvalidFetchSessionEpoch) << "sent twice";
  EXPECT_EQ(Use(id, 2), ErrorCode::kNone);
}

TEST_F(FetchSessionCacheTest, ASessionKeepsToNamesOrToIds) {
  const int32_t by_name = Open(1);
  EXPECT_EQ(Use(by_name, 1, kById), ErrorCode::kFetchSessionTopicIdError);
  EXPECT_EQ(Use(by_name, 1, kByName), ErrorCode::kNone) << "the refused request took no epoch";
  const int32_t by_id = Open(1, Rank::kConsumer, kById);
  EXPECT_EQ(Use(by_id, 1, kByName), ErrorCode::kFetchSessionTopicIdError);
  EXPECT_EQ(Use(by_id, 1, kById), ErrorCode::kNone);
}

TEST_F(FetchSessionCacheTest, AClosedSessionIsGone) {
  const int32_t id = Open(1);
  cache_.Close(id);
  EXPECT_EQ(Use(id, 1), ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(cache_.stats().sessions, 0u);
}

TEST_F(FetchSessionCacheTest, ASessionWithoutPartitionsIsClosed) {
  const int32_t id = Open(2);
  kafka::FetchRequest request;
  request.session_id = id;
  request.session_epoch = 1;
  auto& forgotten = request.forgotten_topics_data.emplace_back();
  forgotten.topic = "orders";
  forgotten.partitions = {0, 1};
  const auto resumed = cache_.Resume(request, kByName);
  EXPECT_EQ(resumed.error, ErrorCode::kNone);
  EXPECT_EQ(resumed.session, nullptr);
  EXPECT_EQ(Use(id, 2), ErrorCode::kFetchSessionIdNotFound);
}

TEST_F(FetchSessionCacheTest, WithoutAFreeSlotNoSessionIsOpened) {
  Open(10);
  Open(10);
  EXPECT_EQ(Open(1'000), 0);
  EXPECT_EQ(cache_.stats().evictions, 0u);
}

TEST_F(FetchSessionCacheTest, WithoutSlotsThereAreNoSessions) {
  FetchSessionCache none({.slots = 0, .bytes_max = 1 << 20}, clock_, Random(7));
  const kafka::FetchRequest request = MakeRequest(1);
  EXPECT_EQ(none.Open(request, AnswerTo(request), kByName), 0);
}

TEST_F(FetchSessionCacheTest, OneUnusedForMoreThanTwoMinutesIsReplacedWhateverItsSize) {
  const int32_t idle = Open(1'000);
  clock_.Advance(absl::Seconds(1));
  const int32_t used = Open(1);
  clock_.Advance(absl::Minutes(2) - absl::Seconds(1));
  EXPECT_EQ(Open(1), 0) << "two minutes are not more than two minutes";
  clock_.Advance(absl::Milliseconds(1));
  const int32_t newcomer = Open(1);
  EXPECT_GT(newcomer, 0);
  EXPECT_EQ(Use(idle, 1), ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(Use(used, 1), ErrorCode::kNone);
  EXPECT_EQ(cache_.stats().evictions, 1u);
}

TEST_F(FetchSessionCacheTest, OfOldOnesInUseTheSmallestIsReplacedByALargerOne) {
  const int32_t large = Open(20);
  const int32_t small = Open(10);
  clock_.Advance(absl::Minutes(2) + absl::Seconds(1));
  EXPECT_EQ(Use(large, 1), ErrorCode::kNone);
  EXPECT_EQ(Use(small, 1), ErrorCode::kNone);
  EXPECT_EQ(Open(10), 0) << "not larger than the smallest";
  EXPECT_GT(Open(11), 0);
  EXPECT_EQ(Use(small, 2), ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(Use(large, 2), ErrorCode::kNone);
}

TEST_F(FetchSessionCacheTest, ConsumersDoNotReplaceAFollowerAndAFollowerReplacesConsumersAtAnyAge) {
  const int32_t follower = Open(1, Rank::kFollower);
  const int32_t consumer = Open(100);
  EXPECT_EQ(Open(1'000), 0);
  EXPECT_GT(Open(1, Rank::kFollower), 0);
  EXPECT_EQ(Use(consumer, 1), ErrorCode::kFetchSessionIdNotFound);
  clock_.Advance(absl::Minutes(2) + absl::Seconds(1));
  EXPECT_EQ(Use(follower, 1), ErrorCode::kNone);
}

TEST_F(FetchSessionCacheTest, CountsWhatItKeeps) {
  EXPECT_EQ(cache_.stats().bytes, 0u);
  const int32_t id = Open(3);
  EXPECT_EQ(cache_.stats().sessions, 1u);
  EXPECT_EQ(cache_.stats().partitions, 3u);
  const uint64_t bytes = cache_.stats().bytes;
  EXPECT_GT(bytes, 3 * 100u);
  kafka::FetchRequest more = MakeRequest(2, std::string(200, 'x'));
  more.session_id = id;
  more.session_epoch = 1;
  cache_.Resume(more, kByName);
  EXPECT_EQ(cache_.stats().partitions, 5u);
  EXPECT_GT(cache_.stats().bytes, bytes + 2 * 200);
  kafka::FetchRequest less;
  less.session_id = id;
  less.session_epoch = 2;
  auto& forgotten = less.forgotten_topics_data.emplace_back();
  forgotten.topic = std::string(200, 'x');
  forgotten.partitions = {0, 1, 2};
  cache_.Resume(less, kByName);
  EXPECT_EQ(cache_.stats().bytes, bytes);
  cache_.Close(id);
  EXPECT_EQ(cache_.stats().partitions, 0u);
  EXPECT_EQ(cache_.stats().bytes, 0u);
}

TEST_F(FetchSessionCacheTest, ASessionThatFindsNoBytesIsNotOpened) {
  EXPECT_EQ(Open(10'000), 0);
  EXPECT_EQ(cache_.stats().bytes, 0u);
}

TEST_F(FetchSessionCacheTest, ASessionThatOutgrowsTheBytesIsLost) {
  const int32_t id = Open(1);
  for (int32_t epoch = 1; epoch < 100; ++epoch) {
    kafka::FetchRequest more = MakeRequest(1'000, absl::StrCat("topic-", epoch));
    more.session_id = id;
    more.session_epoch = epoch;
    if (cache_.Resume(more, kByName).error != ErrorCode::kNone) {
      EXPECT_EQ(Use(id, epoch + 1), ErrorCode::kFetchSessionIdNotFound);
      EXPECT_EQ(cache_.stats().bytes, 0u);
      return;
    }
    EXPECT_LE(cache_.stats().bytes, 1u << 20);
  }
  FAIL() << "it grew without end";
}

}  // namespace
}  // namespace sluice::broker
