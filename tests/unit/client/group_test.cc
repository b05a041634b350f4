// Members of groups against the fake cluster, with faults where a test wants one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "proto/record/batch_builder.h"
#include "sluice/errors.h"
#include "tests/unit/client/fake_cluster.h"
#include "tests/unit/client/group_members.h"

namespace sluice {
namespace {

using client_test::FakeCluster;
using client_test::Fault;
using client_test::Member;
using client_test::PollUntil;
using client_test::Shares;
using kafka::ApiKey;
using kafka::ErrorCode;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;

class GroupTest : public ::testing::Test {
 protected:
  explicit GroupTest(const FakeCluster::Options& options = {}) : cluster_(options) {
    cluster_.CreateTopic("t", 2);
    client_ = *Client::Connect(
        {.bootstrap = cluster_.bootstrap(), .request_timeout = 3s, .reconnect_backoff = 5ms});
  }

  static ConsumerOptions Options() {
    return {.offset_reset = OffsetReset::kEarliest,
            .fetch_wait_max = 20ms,
            .group_id = "g",
            .session_timeout = 6s,
            .heartbeat_interval = 10ms};
  }
  std::unique_ptr<Member> Join(ConsumerOptions options = Options()) {
    auto member = std::make_unique<Member>(*client_, std::move(options));
    member->Subscribe({"t"});
    return member;
  }
  std::unique_ptr<Member> JoinAlone(ConsumerOptions options = Options()) {
    auto member = Join(std::move(options));
    EXPECT_TRUE(PollUntil({member.get()}, [&] { return member->Owned() == "t-0 t-1"; }));
    return member;
  }
  void Append(int32_t partition, const std::string& value) {
    record::BatchBuilder builder;
    CHECK_OK(builder.Append(1000, std::nullopt, AsBytes(value)));
    cluster_.AppendRaw("t", partition, ToBytes(*builder.Build()));
  }
  // The first `count` requests of this kind are answered with `code`.
  void FailFirst(ApiKey key, int count, ErrorCode code) {
    FaultFirst(key, count, {.kind = Fault::Kind::kError, .code = code});
  }
  void FaultFirst(ApiKey key, int count, Fault fault) {
    cluster_.SetHook([left = std::make_shared<std::atomic<int>>(count), key, fault](int32_t, int16_t asked) {
      return asked == static_cast<int16_t>(key) && left->fetch_sub(1) > 0 ? fault : Fault{};
    });
  }

  FakeCluster cluster_;
  std::unique_ptr<Client> client_;
};

TEST_F(GroupTest, MemberIsAssignedReadsCommitsAndLeaves) {
  Append(0, "a");
  Append(1, "b");
  auto member = JoinAlone();
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return member->values.size() == 2; }));
  EXPECT_THAT(cluster_.MembersOf("g"), ElementsAre(member->consumer().membership().member_id));
  EXPECT_EQ(cluster_.CommittedOffset("g", "t", 0), -1);
  member->Close();
  EXPECT_EQ(cluster_.CommittedOffset("g", "t", 0), 1);
  EXPECT_EQ(cluster_.CommittedOffset("g", "t", 1), 1);
  EXPECT_THAT(cluster_.MembersOf("g"), IsEmpty());
  EXPECT_THAT(member->events, ElementsAre("+t-0 t-1", "-t-0 t-1"));
}

TEST_F(GroupTest, MemberLeavesAlsoWhileAHeartbeatIsUnderWay) {
  auto member = JoinAlone();
  auto under_way = std::make_shared<std::atomic<bool>>(false);
  cluster_.SetHook([under_way](int32_t, int16_t asked) {
    const bool silent = asked == static_cast<int16_t>(ApiKey::kHeartbeat) && !under_way->exchange(true);
    return Fault{.kind = silent ? Fault::Kind::kSilence : Fault::Kind::kNone};
  });
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return under_way->load(); }));
  member->Close();
  EXPECT_THAT(cluster_.MembersOf("g"), IsEmpty());
}

TEST_F(GroupTest, PollCommitsWhatEarlierOnesReturned) {
  ConsumerOptions options = Options();
  options.auto_commit_interval = 0ms;
  auto member = JoinAlone(options);
  Append(0, "a");
  EXPECT_TRUE(PollUntil({member.get()}, [&] { return cluster_.CommittedOffset("g", "t", 0) == 1; }));
}

TEST_F(GroupTest, WithoutAutoCommitOnlyTheApplicationCommits) {
  ConsumerOptions options = Options();
  options.auto_commit = false;
  options.auto_commit_interval = 0ms;
  Append(0, "a");
  auto member = JoinAlone(options);
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return member->values.size() == 1; }));
  member->Poll();
  member->Close();
  EXPECT_EQ(cluster_.CommittedOffset("g", "t", 0), -1);
}

TEST_F(GroupTest, RebalanceCommitsBeforeItGivesBack) {
  auto a = JoinAlone();
  Append(0, "x");
  Append(1, "y");
  ASSERT_TRUE(PollUntil({a.get()}, [&] { return a->values.size() == 2; }));
  auto b = Join();
  ASSERT_TRUE(PollUntil({a.get(), b.get()}, [&] {
    return Shares({a.get(), b.get()}) == "t-0 | t-1" || Shares({a.get(), b.get()}) == "t-1 | t-0";
  }));
  EXPECT_EQ(cluster_.CommittedOffset("g", "t", 0), 1);
  EXPECT_EQ(cluster_.CommittedOffset("g", "t", 1), 1);
  Append(0, "x2");
  Append(1, "y2");
  ASSERT_TRUE(PollUntil({a.get(), b.get()}, [&] { return a->values.size() + b->values.size() == 4; }));
  EXPECT_EQ(b->values.size(), 1u);  // Nothing twice.
}

TEST_F(GroupTest, JoinsThroughEveryErrorThatTimeHeals) {
  for (const ApiKey key : {ApiKey::kFindCoordinator, ApiKey::kJoinGroup, ApiKey::kSyncGroup}) {
    for (const ErrorCode code : {ErrorCode::kCoordinatorLoadInProgress, ErrorCode::kCoordinatorNotAvailable,
                                 ErrorCode::kNotCoordinator}) {
      SCOPED_TRACE(absl::StrCat(static_cast<int>(key), " ", kafka::ErrorName(code)));
      FailFirst(key, 2, code);
      auto member = JoinAlone();
      EXPECT_THAT(member->errors, IsEmpty());
    }
  }
}

TEST_F(GroupTest, JoinsThroughConnectionsThatBreak) {
  for (const ApiKey key :
       {ApiKey::kFindCoordinator, ApiKey::kJoinGroup, ApiKey::kSyncGroup, ApiKey::kOffsetFetch}) {
    SCOPED_TRACE(static_cast<int>(key));
    FaultFirst(key, 1, {.kind = Fault::Kind::kDropBefore});
    auto member = JoinAlone();
    EXPECT_THAT(member->errors, IsEmpty());
  }
}

TEST_F(GroupTest, OffsetsThatCannotBeReadYetAreAskedForAgain) {
  FailFirst(ApiKey::kOffsetFetch, 2, ErrorCode::kUnstableOffsetCommit);
  Append(0, "a");
  auto member = JoinAlone();
  EXPECT_TRUE(PollUntil({member.get()}, [&] { return member->values.size() == 1; }));
}

TEST_F(GroupTest, ForgottenMemberLosesItsPartitionsAndComesBack) {
  auto member = JoinAlone();
  cluster_.DropMembers("g");
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return member->events.size() == 3; }));
  EXPECT_THAT(member->events, ElementsAre("+t-0 t-1", "!t-0 t-1", "+t-0 t-1"));
}

TEST_F(GroupTest, CommitOfAForgottenMemberFailsAndDoesNotOverwrite) {
  ConsumerOptions options = Options();
  options.heartbeat_interval = 2s;  // The commit finds out first.
  auto member = JoinAlone(options);
  cluster_.DropMembers("g");
  const absl::Status status = member->consumer().CommitSync({{.topic = "t", .partition = 0, .offset = 7}});
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(KafkaErrorCode(status), 25);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Poll joins it again"));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      member->consumer().CommitSync({{.topic = "t", .partition = 0, .offset = 7}})));
  EXPECT_EQ(cluster_.CommittedOffset("g", "t", 0), -1);
  EXPECT_TRUE(PollUntil({member.get()}, [&] { return member->events.size() == 3; }));
}

TEST_F(GroupTest, FencedMemberIsToldAtEveryPollUntilItSubscribesAgain) {
  ConsumerOptions options = Options();
  options.group_instance_id = "i";
  auto member = JoinAlone(options);
  FailFirst(ApiKey::kHeartbeat, 1, ErrorCode::kFencedInstanceId);
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return member->errors.size() == 2; }));
  for (const absl::Status& error : member->errors) {
    EXPECT_TRUE(absl::IsFailedPrecondition(error)) << error;
    EXPECT_THAT(std::string(error.message()), HasSubstr("FENCED_INSTANCE_ID"));
    EXPECT_THAT(std::string(error.message()),
                HasSubstr("another consumer came with the same group_instance_id"));
  }
  EXPECT_THAT(member->events, ElementsAre("+t-0 t-1", "!t-0 t-1"));
  member->Subscribe({"t"});
  EXPECT_TRUE(PollUntil({member.get()}, [&] { return member->Owned() == "t-0 t-1"; }));
}

TEST_F(GroupTest, StaticMemberDoesNotLeaveWhenItCloses) {
  ConsumerOptions options = Options();
  options.group_instance_id = "i";
  auto member = JoinAlone(options);
  member->Close();
  EXPECT_EQ(cluster_.MembersOf("g").size(), 1u);
  EXPECT_EQ(cluster_.CountRequests(static_cast<int16_t>(ApiKey::kLeaveGroup)), 0);
}

TEST_F(GroupTest, ApplicationThatHangsLosesItsPartitions) {
  ConsumerOptions options = Options();
  options.poll_interval_max = 100ms;
  auto member = JoinAlone(options);
  ASSERT_TRUE(cluster_.WaitUntilNobodyIsIn("g"));  // Nobody polls.
  EXPECT_TRUE(absl::IsFailedPrecondition(member->consumer().CommitSync()));
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return member->events.size() == 3; }));
  EXPECT_THAT(member->events, ElementsAre("+t-0 t-1", "!t-0 t-1", "+t-0 t-1"));
}

TEST_F(GroupTest, LongPollIsNoHang) {
  ConsumerOptions options = Options();
  options.poll_interval_max = 50ms;
  auto member = JoinAlone(options);
  member->Poll(300ms);
  EXPECT_THAT(member->events, ElementsAre("+t-0 t-1"));
  EXPECT_EQ(cluster_.CountRequests(static_cast<int16_t>(ApiKey::kLeaveGroup)), 0);
}

TEST_F(GroupTest, WithoutACommittedOffsetThePolicySaysWhereToBegin) {
  Append(0, "old");
  ConsumerOptions options = Options();
  options.offset_reset = OffsetReset::kLatest;
  auto latest = JoinAlone(options);
  ASSERT_TRUE(PollUntil({latest.get()}, [&] { return latest->consumer().NextOffset("t", 0).ok(); }));
  EXPECT_EQ(*latest->consumer().NextOffset("t", 0), 1);
  options.group_id = "strict";
  options.offset_reset = OffsetReset::kError;
  auto strict = JoinAlone(options);
  ASSERT_TRUE(PollUntil({strict.get()}, [&] { return strict->errors.size() == 2; }));
  EXPECT_TRUE(absl::IsNotFound(strict->errors[0])) << strict->errors[0];
  EXPECT_THAT(std::string(strict->errors[0].message()),
              HasSubstr("group \"strict\" has committed no offset in t-0"));
  ASSERT_TRUE(strict->consumer().Seek("t", 0, Position::Beginning()).ok());
  EXPECT_TRUE(PollUntil({strict.get()}, [&] { return strict->values.size() == 1; }));
}

TEST_F(GroupTest, SeekInTheListenerWins) {
  Append(0, "0");
  Append(0, "1");
  Member member(*client_, Options());
  RebalanceListener listener = member.listener();
  listener.assigned = [&](const std::vector<TopicPartition>&) {
    EXPECT_TRUE(member.consumer().Seek("t", 0, Position::At(1)).ok());
    EXPECT_TRUE(absl::IsFailedPrecondition(member.consumer().Poll(0ms).status()));
    EXPECT_TRUE(absl::IsFailedPrecondition(member.consumer().Close(1s)));
  };
  ASSERT_TRUE(member.consumer().Subscribe({"t"}, listener).ok());
  ASSERT_TRUE(PollUntil({&member}, [&] { return !member.values.empty(); }));
  EXPECT_THAT(member.values, ElementsAre("1"));
}

TEST_F(GroupTest, PauseHoldsWhileThePositionIsLookedUp) {
  Append(0, "0");
  Member member(*client_, Options());
  RebalanceListener listener = member.listener();
  listener.assigned = [&](const std::vector<TopicPartition>&) {
    EXPECT_TRUE(member.consumer().Pause("t", 0).ok());
  };
  ASSERT_TRUE(member.consumer().Subscribe({"t"}, listener).ok());
  ASSERT_TRUE(PollUntil({&member}, [&] { return member.consumer().NextOffset("t", 0).ok(); }));
  EXPECT_THAT(member.values, IsEmpty());
  ASSERT_TRUE(member.consumer().Resume("t", 0).ok());
  EXPECT_TRUE(PollUntil({&member}, [&] { return member.values.size() == 1; }));
}

TEST_F(GroupTest, CommitsKeepTheirOrder) {
  ConsumerOptions options = Options();
  options.auto_commit = false;
  auto member = JoinAlone(options);
  std::atomic<int> done = 0;
  for (int64_t offset = 1; offset <= 50; ++offset) {
    member->consumer().CommitAsync({{.topic = "t", .partition = 0, .offset = offset}},
                                   [&](const absl::Status& status) { done += status.ok() ? 1 : 0; });
  }
  EXPECT_TRUE(member->consumer().CommitSync({{.topic = "t", .partition = 1, .offset = 3}}).ok());
  EXPECT_EQ(done, 50);
  EXPECT_EQ(cluster_.CommittedOffset("g", "t", 0), 50);
}

TEST_F(GroupTest, FloodOfCommitsIsRefused) {
  std::atomic<int> refused = 0;  // Outlives the member, whose last commits are answered when it closes.
  auto member = JoinAlone();
  FaultFirst(ApiKey::kOffsetCommit, 1, {.kind = Fault::Kind::kSilence});
  for (int i = 0; i < 1'100; ++i) {
    member->consumer().CommitAsync(
        {{.topic = "t", .partition = 0, .offset = i}},
        [&](const absl::Status& status) { refused += absl::IsResourceExhausted(status) ? 1 : 0; });
  }
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return refused == 100; }));
}

TEST_F(GroupTest, CommitSyncTriesAgainAndAsyncDoesNot) {
  std::atomic<bool> failed = false;
  auto member = JoinAlone();
  FailFirst(ApiKey::kOffsetCommit, 2, ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_TRUE(member->consumer().CommitSync({{.topic = "t", .partition = 0, .offset = 5}}).ok());
  FailFirst(ApiKey::kOffsetCommit, 1, ErrorCode::kCoordinatorLoadInProgress);
  member->consumer().CommitAsync({{.topic = "t", .partition = 0, .offset = 6}},
                                 [&](const absl::Status& status) { failed = absl::IsUnavailable(status); });
  EXPECT_TRUE(member->consumer().CommitSync({{.topic = "t", .partition = 1, .offset = 1}}).ok());
  EXPECT_TRUE(failed);
  EXPECT_EQ(cluster_.CommittedOffset("g", "t", 0), 5);
}

TEST_F(GroupTest, ConsumerWithoutMembershipCommitsToo) {
  Append(0, "a");
  const auto consumer = *client_->NewConsumer(Options());
  ASSERT_TRUE(consumer->AssignTopic("t", Position::Beginning()).ok());
  ASSERT_TRUE(consumer->Poll(5s).ok());
  ASSERT_TRUE(consumer->CommitSync().ok());
  EXPECT_EQ(cluster_.CommittedOffset("g", "t", 0), 1);
  EXPECT_EQ((*consumer->Committed({{"t", 0}}))[0].offset, 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(consumer->Subscribe({"t"})));
}

TEST_F(GroupTest, WhatNeedsAGroupSaysSo) {
  const auto consumer = *client_->NewConsumer();
  EXPECT_TRUE(absl::IsFailedPrecondition(consumer->Subscribe({"t"})));
  EXPECT_TRUE(absl::IsFailedPrecondition(consumer->CommitSync()));
  EXPECT_TRUE(absl::IsFailedPrecondition(consumer->Committed({{"t", 0}}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(client_->NewConsumer({.group_instance_id = "i"}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      client_->NewConsumer({.group_id = "g", .session_timeout = 1s, .heartbeat_interval = 1s}).status()));
}

TEST_F(GroupTest, MemberMayNotAssignByItself) {
  auto member = JoinAlone();
  EXPECT_TRUE(absl::IsFailedPrecondition(member->consumer().Assign({{"t", 0, Position::Beginning()}})));
  ASSERT_TRUE(member->consumer().Unsubscribe().ok());
  EXPECT_THAT(cluster_.MembersOf("g"), IsEmpty());
  EXPECT_TRUE(member->consumer().Assign({{"t", 0, Position::Beginning()}}).ok());
}

TEST_F(GroupTest, NewSubscriptionChangesThePartitions) {
  cluster_.CreateTopic("u", 1);
  auto member = JoinAlone();
  member->Subscribe({"u"});
  EXPECT_TRUE(PollUntil({member.get()}, [&] { return member->Owned() == "u-0"; }));
  EXPECT_THAT(member->events, ElementsAre("+t-0 t-1", "-t-0 t-1", "+u-0"));
}

TEST_F(GroupTest, TopicThatComesLaterIsReadThen) {
  Member member(*client_, Options());
  member.Subscribe({"later"});
  ASSERT_TRUE(PollUntil({&member}, [&] { return !member.events.empty(); }));
  EXPECT_THAT(member.events, ElementsAre("+"));
  EXPECT_TRUE(member.consumer().AtEnd());
  cluster_.CreateTopic("later", 1);
  EXPECT_TRUE(PollUntil({&member}, [&] { return member.Owned() == "later-0"; }));
  EXPECT_THAT(member.errors, IsEmpty());
}

TEST_F(GroupTest, EverythingAfterCloseIsCancelled) {
  auto member = JoinAlone();
  Consumer& consumer = member->consumer();
  EXPECT_TRUE(consumer.Close(5s).ok());
  EXPECT_TRUE(consumer.Close(5s).ok());
  EXPECT_TRUE(absl::IsCancelled(consumer.Poll(0ms).status()));
  EXPECT_TRUE(absl::IsCancelled(consumer.Subscribe({"t"})));
  EXPECT_TRUE(absl::IsCancelled(consumer.CommitSync()));
  EXPECT_TRUE(absl::IsCancelled(consumer.Committed({{"t", 0}}).status()));
}

TEST_F(GroupTest, CloseIsBoundedWhenTheBrokerIsGone) {
  Append(0, "a");
  auto member = JoinAlone();
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return member->values.size() == 1; }));
  cluster_.StopNode(0);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(member->consumer().Close(300ms).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
}

TEST_F(GroupTest, CooperativeMembersAreToldOnlyOfWhatMoves) {
  ConsumerOptions options = Options();
  options.assignors = {Assignor::kCooperativeSticky};
  auto a = JoinAlone(options);
  auto b = Join(options);
  ASSERT_TRUE(PollUntil({a.get(), b.get()}, [&] { return Shares({a.get(), b.get()}) == "t-0 | t-1"; }));
  EXPECT_THAT(a->events, Contains("-t-1"));
  EXPECT_THAT(a->events, Not(Contains("-t-0 t-1")));
  cluster_.StartRebalance("g");  // And nothing moves.
  const auto generation = [&] { return a->consumer().membership().generation; };
  const int before = generation();
  ASSERT_TRUE(PollUntil({a.get(), b.get()}, [&] { return generation() > before && b->events.size() >= 2; }));
  EXPECT_EQ(Shares({a.get(), b.get()}), "t-0 | t-1");
}

class TwoCoordinatorsTest : public GroupTest {
 protected:
  TwoCoordinatorsTest() : GroupTest({.nodes = 2}) {}
};

TEST_F(TwoCoordinatorsTest, MemberFollowsItsCoordinator) {
  auto member = JoinAlone();
  cluster_.MoveCoordinator(1);
  const int asked = cluster_.CountRequests(static_cast<int16_t>(ApiKey::kFindCoordinator));
  ASSERT_TRUE(cluster_.WaitForRequests(static_cast<int16_t>(ApiKey::kFindCoordinator), asked + 1));
  EXPECT_TRUE(member->consumer().CommitSync({{.topic = "t", .partition = 0, .offset = 3}}).ok());
  EXPECT_EQ(cluster_.CommittedOffset("g", "t", 0), 3);
  EXPECT_THAT(member->events, ElementsAre("+t-0 t-1"));  // It noticed nothing.
}

}  // namespace
}  // namespace sluice
