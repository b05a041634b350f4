// Random events against a group, and what must hold whatever happens. A failure prints its seed.
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/group/core/classic_group.h"
#include "gtest/gtest.h"
#include "proto/base/random.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

class ClassicModel {
 public:
  explicit ClassicModel(uint64_t seed) : random_(seed) {}

  void Step() {
    now_ms_ += static_cast<int64_t>(random_.Below(2'000));
    ClassicEffects effects;
    switch (random_.Below(8)) {
      case 0:
        JoinNew(&effects);
        break;
      case 1:
      case 2:
        JoinAgain(&effects);
        break;
      case 3:
      case 4:
        Sync(&effects);
        break;
      case 5:
        Leave(&effects);
        break;
      case 6:
        Heartbeat();
        break;
      default:
        Commit();
    }
    Check(effects);
    PassTime();
  }

  void End() {
    ClassicEffects effects;
    group_.AbandonWaiting(ErrorCode::kNotCoordinator, &effects);
    Check(effects);
    EXPECT_TRUE(open_.empty()) << open_.size() << " requests were never answered";
  }

 private:
  std::string AnyMember() {
    if (known_.empty()) {
      return "nobody";
    }
    auto it = known_.begin();
    std::advance(it, static_cast<int64_t>(random_.Below(known_.size())));
    return *it;
  }

  JoinRequest NewRequest() {
    return {.client_id = "c",
            .session_timeout_ms = 6'000 + static_cast<int32_t>(random_.Below(10'000)),
            .rebalance_timeout_ms = 5'000 + static_cast<int32_t>(random_.Below(30'000)),
            .protocol_type = "consumer",
            .protocols = {{"range", absl::StrCat(random_.Below(3))}}};
  }

  AnswerToken Open(const std::string& member) {
    open_[++last_token_] = member;
    return last_token_;
  }

  void JoinNew(ClassicEffects* effects) {
    JoinRequest request = NewRequest();
    request.new_member_id = absl::StrCat("m", ++members_made_);
    known_.insert(request.new_member_id);
    if (random_.Below(3) == 0) {
      request.instance_id = absl::StrCat("i", random_.Below(3));
      instances_[request.new_member_id] = *request.instance_id;
    } else {
      request.must_know_its_id = random_.Below(2) == 0;
    }
    group_.Join(request, Open(request.new_member_id), now_ms_, effects);
  }

  std::optional<std::string> InstanceOf(const std::string& member) const {
    const auto found = instances_.find(member);
    return found == instances_.end() ? std::nullopt : std::optional(found->second);
  }

  void JoinAgain(ClassicEffects* effects) {
    JoinRequest request = NewRequest();
    request.member_id = AnyMember();
    request.instance_id = InstanceOf(request.member_id);
    group_.Join(request, Open(request.member_id), now_ms_, effects);
  }

  MemberClaim Claim() {
    const std::string member = AnyMember();
    const int32_t generation = group_.generation() - static_cast<int32_t>(random_.Below(2));
    return {.member_id = member, .instance_id = InstanceOf(member), .generation = generation};
  }

  void Sync(ClassicEffects* effects) {
    SyncRequest request{.member = Claim()};
    for (const auto& [id, member] : group_.members()) {
      request.assignments.emplace_back(id, absl::StrCat(group_.generation(), "/", id));
    }
    group_.Sync(request, Open(request.member.member_id), now_ms_, effects);
  }

  void Leave(ClassicEffects* effects) {
    const std::string member = AnyMember();
    if (group_.Leave({.member_id = member, .instance_id = InstanceOf(member)}, now_ms_, effects) ==
        ErrorCode::kNone) {
      EXPECT_FALSE(group_.members().contains(member));
    }
  }

  // Only who was told a generation may speak in it. (A static member that was away during a rebalance is a
  // member of it without having been told; only a guess would help it.)
  void ExpectEntitled(const MemberClaim& claim) {
    EXPECT_EQ(claim.generation, group_.generation());
    EXPECT_TRUE(claim.instance_id || told_[claim.member_id].contains(claim.generation))
        << claim.member_id << " " << claim.generation;
  }

  void Heartbeat() {
    const MemberClaim claim = Claim();
    if (group_.Heartbeat(claim, now_ms_) == ErrorCode::kNone &&
        group_.members().at(claim.member_id).is_new == false) {
      ExpectEntitled(claim);
    }
  }

  void Commit() {
    const MemberClaim claim = Claim();
    if (claim.generation >= 0 && group_.CheckCommit(claim, now_ms_) == ErrorCode::kNone &&
        !group_.members().at(claim.member_id).is_new) {
      ExpectEntitled(claim);
    }
  }

  // However far the clock goes, the group comes to rest: it never asks for the same moment again and again.
  void PassTime() {
    for (int rounds = 0; group_.next_deadline_ms() <= now_ms_; ++rounds) {
      ASSERT_LT(rounds, 20) << "the group does not come to rest at " << now_ms_;
      ClassicEffects effects;
      group_.OnTime(now_ms_, &effects);
      Check(effects);
    }
  }

  void Check(const ClassicEffects& effects) {
    int leaders = 0;
    for (const auto& [token, answer] : effects.joins) {
      ASSERT_EQ(open_.erase(token), 1u) << "a request was answered twice";
      if (answer.error != ErrorCode::kNone) {
        continue;
      }
      told_[answer.member_id].insert(answer.generation);
      leaders += answer.members.empty() ? 0 : 1;
      EXPECT_TRUE(group_.members().contains(answer.member_id));
      EXPECT_FALSE(answer.leader.empty());
    }
    EXPECT_LE(leaders, 1);
    for (const auto& [token, answer] : effects.syncs) {
      const std::string member = open_[token];
      ASSERT_EQ(open_.erase(token), 1u) << "a request was answered twice";
      if (answer.error == ErrorCode::kNone && !answer.assignment.empty()) {
        // A static member may have what its predecessor under the same name was given.
        EXPECT_TRUE(answer.assignment.starts_with(absl::StrCat(group_.generation(), "/")));
      }
    }
    if (effects.store) {
      ExpectRecordTellsAll();
    }
  }

  void ExpectRecordTellsAll() {
    ClassicGroup loaded("g", {});
    loaded.Load(group_.ToRecord(), now_ms_);
    EXPECT_EQ(loaded.state(), group_.state());
    EXPECT_EQ(loaded.generation(), group_.generation());
    EXPECT_EQ(loaded.leader(), group_.leader());
    ASSERT_EQ(loaded.members().size(), group_.members().size());
    for (const auto& [id, member] : group_.members()) {
      EXPECT_EQ(loaded.members().at(id).assignment, member.assignment);
      EXPECT_EQ(loaded.members().at(id).instance_id, member.instance_id);
    }
  }

  Random random_;
  ClassicGroup group_{"g", {.initial_rebalance_delay_ms = 1'000, .size_max = 6}};
  int64_t now_ms_ = 0;
  AnswerToken last_token_ = 0;
  int members_made_ = 0;
  std::set<std::string> known_;
  std::map<std::string, std::string> instances_;
  std::map<std::string, std::set<int32_t>> told_;  // The generations of each member's join answers.
  std::map<AnswerToken, std::string> open_;
};

TEST(ClassicModelTest, WhateverHappensEveryRequestIsAnsweredOnceAndNoOneSpeaksForAnotherGeneration) {
  const uint64_t first = Random::FromSystem().Next();
  for (uint64_t seed = first; seed < first + 300; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    ClassicModel model(seed);
    for (int i = 0; i < 400 && !::testing::Test::HasFailure(); ++i) {
      model.Step();
    }
    model.End();
    ASSERT_FALSE(::testing::Test::HasFailure());
  }
}

}  // namespace
}  // namespace sluice::broker
