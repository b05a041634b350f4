#include "client/internal/group_state.h"

#include <gtest/gtest.h>

namespace sluice::client_internal {
namespace {

using kafka::ErrorCode;
using Phase = GroupState::Phase;
using Send = GroupState::Send;

class GroupStateTest : public ::testing::Test {
 protected:
  explicit GroupStateTest(bool is_static = false)
      : state_({.heartbeat_interval = absl::Seconds(3), .is_static = is_static}) {}

  // The application gives back what it has, if it is asked to.
  void Prepare(bool owns = false) { state_.Prepared(state_.task(), owns); }
  void JoinAndSync(int32_t generation = 1, bool owns = false) {
    state_.WantJoin();
    Prepare(owns);
    ASSERT_EQ(state_.Next(now_), Send::kJoin);
    state_.OnJoined(now_, ErrorCode::kNone, "m", generation);
    ASSERT_EQ(state_.Next(now_), Send::kSync);
    state_.OnSynced(now_, ErrorCode::kNone);
    ASSERT_EQ(state_.phase(), Phase::kStable);
  }
  void Heartbeat(ErrorCode code) {
    now_ = state_.NextAt();
    ASSERT_EQ(state_.Next(now_), Send::kHeartbeat);
    state_.OnHeartbeat(now_, code);
  }

  GroupState state_;
  absl::Duration now_ = absl::Seconds(100);
};

TEST_F(GroupStateTest, NothingIsSentBeforeTheApplicationHasPrepared) {
  EXPECT_EQ(state_.Next(now_), Send::kNothing);
  state_.WantJoin();
  EXPECT_EQ(state_.phase(), Phase::kPreparing);
  EXPECT_EQ(state_.Next(now_), Send::kNothing);
  Prepare();
  EXPECT_EQ(state_.Next(now_), Send::kJoin);
  EXPECT_EQ(state_.Next(now_), Send::kNothing);  // It is under way.
}

TEST_F(GroupStateTest, FirstJoinComesAgainWithTheIdThatItIsGiven) {
  state_.WantJoin();
  Prepare();
  ASSERT_EQ(state_.Next(now_), Send::kJoin);
  state_.OnJoined(now_, ErrorCode::kMemberIdRequired, "m", -1);
  EXPECT_EQ(state_.member_id(), "m");
  EXPECT_FALSE(state_.is_member());
  EXPECT_EQ(state_.Next(now_), Send::kJoin);
}

TEST_F(GroupStateTest, StableMemberBeatsAtItsInterval) {
  JoinAndSync();
  EXPECT_EQ(state_.Next(now_), Send::kNothing);
  EXPECT_EQ(state_.NextAt(), now_ + absl::Seconds(3));
  Heartbeat(ErrorCode::kNone);
  EXPECT_EQ(state_.NextAt(), now_ + absl::Seconds(3));
}

TEST_F(GroupStateTest, HeartbeatsGoOnWhileTheApplicationPrepares) {
  JoinAndSync();
  Heartbeat(ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(state_.phase(), Phase::kPreparing);
  EXPECT_FALSE(state_.lost());
  const int64_t task = state_.task();
  Heartbeat(ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(state_.task(), task);  // The same rebalance: the application is told once.
  Prepare();
  EXPECT_EQ(state_.Next(now_), Send::kJoin);
}

TEST_F(GroupStateTest, ForgottenMemberHasLostItsPartitionsAndJoinsAsANewOne) {
  for (const ErrorCode code : {ErrorCode::kUnknownMemberId, ErrorCode::kIllegalGeneration}) {
    state_.Stop();
    now_ += absl::Seconds(10);  // Behind the pause that the last failure asked for.
    JoinAndSync(1, true);
    Heartbeat(code);
    EXPECT_EQ(state_.phase(), Phase::kPreparing);
    EXPECT_TRUE(state_.lost());
    EXPECT_EQ(state_.member_id(), "");
    EXPECT_EQ(state_.Next(state_.NextAt()), Send::kNothing);
    Prepare();
    EXPECT_FALSE(state_.lost());
    now_ += absl::Seconds(1);
    EXPECT_EQ(state_.Next(now_), Send::kJoin);
    state_.OnNoAnswer(now_);
  }
}

TEST_F(GroupStateTest, AnswerOfAnOlderTaskIsNotHeard) {
  JoinAndSync();
  Heartbeat(ErrorCode::kRebalanceInProgress);
  const int64_t task = state_.task();
  Heartbeat(ErrorCode::kUnknownMemberId);  // While the application was giving back.
  state_.Prepared(task, true);
  EXPECT_EQ(state_.phase(), Phase::kPreparing);
  EXPECT_TRUE(state_.lost());
}

TEST_F(GroupStateTest, UnknownIdWhileJoiningNeedsNoApplicationWhenNothingIsOwned) {
  state_.WantJoin();
  Prepare(false);
  ASSERT_EQ(state_.Next(now_), Send::kJoin);
  state_.OnJoined(now_, ErrorCode::kUnknownMemberId, "", -1);
  EXPECT_EQ(state_.phase(), Phase::kJoining);
  EXPECT_EQ(state_.Next(now_), Send::kNothing);  // Not at once: the broker may say so for ever.
  EXPECT_EQ(state_.Next(state_.NextAt()), Send::kJoin);
}

TEST_F(GroupStateTest, UnknownIdWhileJoiningTakesWhatACooperativeMemberKept) {
  state_.WantJoin();
  Prepare(true);
  ASSERT_EQ(state_.Next(now_), Send::kJoin);
  state_.OnJoined(now_, ErrorCode::kUnknownMemberId, "", -1);
  EXPECT_EQ(state_.phase(), Phase::kPreparing);
  EXPECT_TRUE(state_.lost());
}

TEST_F(GroupStateTest, SyncThatComesTooLateJoinsAgain) {
  state_.WantJoin();
  Prepare();
  ASSERT_EQ(state_.Next(now_), Send::kJoin);
  state_.OnJoined(now_, ErrorCode::kNone, "m", 1);
  ASSERT_EQ(state_.Next(now_), Send::kSync);
  state_.OnSynced(now_, ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(state_.Next(now_), Send::kJoin);
  EXPECT_EQ(state_.member_id(), "m");
}

TEST_F(GroupStateTest, RetriesWaitLongerAndLongerUpToASecond) {
  state_.WantJoin();
  Prepare();
  std::vector<absl::Duration> waits;
  for (int i = 0; i < 6; ++i) {
    ASSERT_EQ(state_.Next(now_), Send::kJoin);
    state_.OnJoined(now_, ErrorCode::kCoordinatorLoadInProgress, "", -1);
    waits.push_back(state_.NextAt() - now_);
    now_ = state_.NextAt();
  }
  EXPECT_EQ(waits.front(), absl::Milliseconds(100));
  EXPECT_EQ(waits[1], absl::Milliseconds(200));
  EXPECT_EQ(waits.back(), absl::Seconds(1));
}

TEST_F(GroupStateTest, HeartbeatWithoutAnAnswerIsSentAgainSoon) {
  JoinAndSync();
  now_ = state_.NextAt();
  ASSERT_EQ(state_.Next(now_), Send::kHeartbeat);
  state_.OnNoAnswer(now_);
  EXPECT_EQ(state_.phase(), Phase::kStable);
  EXPECT_EQ(state_.NextAt(), now_ + absl::Milliseconds(100));
}

TEST_F(GroupStateTest, CommitsAnswerMayTellOfTheRebalance) {
  JoinAndSync();
  state_.OnCommitted(ErrorCode::kRebalanceInProgress);
  EXPECT_EQ(state_.phase(), Phase::kPreparing);
  EXPECT_FALSE(state_.lost());
  state_.OnCommitted(ErrorCode::kUnknownMemberId);
  EXPECT_TRUE(state_.lost());
}

TEST_F(GroupStateTest, CommitsOtherErrorsAreNotTheMembershipsBusiness) {
  JoinAndSync();
  state_.OnCommitted(ErrorCode::kOffsetMetadataTooLarge);
  state_.OnCommitted(ErrorCode::kGroupAuthorizationFailed);
  EXPECT_EQ(state_.phase(), Phase::kStable);
}

TEST_F(GroupStateTest, FencedMemberIsOutUntilItSubscribesAgain) {
  JoinAndSync();
  Heartbeat(ErrorCode::kFencedInstanceId);
  EXPECT_EQ(state_.phase(), Phase::kFailed);
  EXPECT_EQ(state_.NextAt(), absl::InfiniteDuration());
  state_.WantJoin();
  EXPECT_EQ(state_.phase(), Phase::kPreparing);
}

TEST_F(GroupStateTest, ApplicationThatHangsLeaves) {
  JoinAndSync();
  state_.OnPollTooLate();
  EXPECT_TRUE(state_.lost());
  EXPECT_EQ(state_.Next(now_), Send::kLeave);
  EXPECT_EQ(state_.leaving_id(), "m");
  EXPECT_EQ(state_.Next(now_ + absl::Hours(1)), Send::kNothing);  // It joins when it polls.
}

class StaticGroupStateTest : public GroupStateTest {
 protected:
  StaticGroupStateTest() : GroupStateTest(true) {}
};

TEST_F(StaticGroupStateTest, StaticMemberThatHangsOnlyFallsSilent) {
  JoinAndSync();
  state_.OnPollTooLate();
  EXPECT_TRUE(state_.lost());
  EXPECT_EQ(state_.Next(now_ + absl::Hours(1)), Send::kNothing);
}

TEST_F(GroupStateTest, SecondRoundIsANewTask) {
  JoinAndSync();
  const int64_t task = state_.task();
  state_.WantJoin();
  EXPECT_GT(state_.task(), task);
  EXPECT_EQ(state_.phase(), Phase::kPreparing);
  EXPECT_TRUE(state_.is_member());
}

}  // namespace
}  // namespace sluice::client_internal
