// Random events against a group of the consumer protocol, with members that behave as clients do and answers
// that get lost, and what must hold whatever happens. A failure prints its seed.
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/group/core/consumer/classic_bytes.h"
#include "broker/group/core/consumer/consumer_group.h"
#include "gtest/gtest.h"
#include "proto/base/random.h"
#include "tests/unit/broker_group/consumer_dump.h"
#include "tests/unit/broker_group/fake_topics.h"
#include "tests/unit/broker_group/subscription_bytes.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

constexpr int32_t kRebalanceMs = 20'000;

struct Client {
  std::string id;
  std::optional<std::string> instance;
  std::vector<std::string> topics;
  std::string regex;
  int32_t epoch = kJoinEpoch;
  std::set<TopicIdPartition> reads = {};
  std::optional<PartitionList> shall = {};  // As it was told last.
  bool must_tell_all = true;                // Something changed that the group does not know yet.
  bool missed_an_answer = false;
  bool is_classic = false;  // Speaks the classic protocol, as a consumer that gives up only what it must.
  bool must_join = true;

  PartitionList owned() const { return {reads.begin(), reads.end()}; }
  void GiveAllUp() {
    reads.clear();
    shall.reset();
    epoch = kJoinEpoch;
    must_tell_all = true;
    must_join = true;
  }
};

class ConsumerModel {
 public:
  explicit ConsumerModel(uint64_t seed) : random_(seed) {
    for (const char* name : {"a", "b"}) {
      topics_.Make(name, 1 + Below(6));
    }
  }

  void Step() {
    now_.monotonic_ms += static_cast<int64_t>(random_.Below(1'500));
    now_.wall_ms = now_.monotonic_ms;
    PassTime();
    switch (random_.Below(16)) {
      case 0:
        AddClient();
        break;
      case 1:
        Leave();
        break;
      case 2:
        ChangeTopics();
        break;
      case 3:
        if (Client* client = AnyClient(); client != nullptr) {
          Subscribe(client);
        }
        break;
      case 4:
        Reload();
        break;
      default:
        if (Client* client = AnyClient(); client != nullptr) {
          Talk(client, /*may_lose=*/true);
          if (random_.Below(2) == 0) {
            Reconcile(client);
          }
        }
    }
    Check();
  }

  // Nothing happens any more but heartbeats.
  void ExpectComesToRest() {
    for (int round = 0; round < 60; ++round) {
      now_.monotonic_ms += 1'500;
      now_.wall_ms = now_.monotonic_ms;
      PassTime();
      for (auto& [id, client] : clients_) {
        Talk(&client, /*may_lose=*/false);
        Reconcile(&client);
        Check();
      }
    }
    EXPECT_EQ(group_.state(), clients_.empty() ? ConsumerGroupState::kEmpty : ConsumerGroupState::kStable)
        << Dump(group_);
    for (const auto& [name, shape] : topics_.all()) {
      const bool is_read = std::any_of(clients_.begin(), clients_.end(),
                                       [&](const auto& entry) { return Wants(entry.second, name); });
      for (int32_t partition = 0; is_read && partition < shape.partitions; ++partition) {
        const Client* reader = ReaderOf(topics_.At(name, partition));
        ASSERT_NE(reader, nullptr) << name << "-" << partition << " is read by nobody\n" << Dump(group_);
        EXPECT_TRUE(Wants(*reader, name));
      }
    }
  }

 private:
  int32_t Below(uint64_t bound) { return static_cast<int32_t>(random_.Below(bound)); }

  Client* AnyClient() {
    if (clients_.empty()) {
      return nullptr;
    }
    auto it = clients_.begin();
    std::advance(it, Below(clients_.size()));
    return &it->second;
  }

  static bool Wants(const Client& client, const std::string& topic) {
    return std::find(client.topics.begin(), client.topics.end(), topic) != client.topics.end() ||
           client.regex == ".*" || (client.regex == "[ab]" && (topic == "a" || topic == "b"));
  }

  void Subscribe(Client* client) {
    static const std::vector<std::vector<std::string>> kTopics = {{"a"}, {"a", "b"}, {"b", "c"}, {"c"}};
    client->topics = kTopics[random_.Below(kTopics.size())];
    client->regex =
        std::vector<std::string>{"", "", "", "[ab]", ".*"}[client->is_classic ? 0 : random_.Below(5)];
    client->must_tell_all = true;
    client->must_join = true;
  }

  void AddClient() {
    if (clients_.size() >= 5) {
      return;
    }
    Client client{.id = absl::StrCat("m", ++last_id_)};
    if (!away_.empty() && random_.Below(2) == 0) {  // In the place of one that left for a while.
      client.instance = *away_.begin();
      away_.erase(away_.begin());
    } else if (random_.Below(3) == 0) {
      client.instance = absl::StrCat("i", last_id_);
    }
    client.is_classic = !client.instance && random_.Below(4) == 0;
    Subscribe(&client);
    clients_.emplace(client.id, client);
  }

  void Leave() {
    Client* const client = AnyClient();
    if (client == nullptr) {
      return;
    }
    const bool is_known = client->epoch > 0 && group_.members().contains(client->id);
    const bool for_a_while = client->instance && is_known && random_.Below(2) == 0;
    if (client->is_classic) {
      ConsumerEffects effects;
      group_.Leave(std::vector<LeaveRequest>{{.member_id = client->id}}, topics_, now_, &effects);
      Keep(effects);
    } else if (for_a_while || random_.Below(2) == 0) {  // Else it ends without a word.
      ConsumerEffects effects;
      const auto answer = group_.Heartbeat({.member_id = client->id,
                                            .epoch = for_a_while ? kStaticLeaveEpoch : kLeaveEpoch,
                                            .instance_id = client->instance},
                                           topics_, now_, &effects);
      EXPECT_EQ(answer.error == ErrorCode::kNone, effects.records.size() > 0);
      if (for_a_while) {
        EXPECT_EQ(answer.error, ErrorCode::kNone);
        away_.insert(*client->instance);
      }
      Keep(effects);
    }
    clients_.erase(client->id);
  }

  void ChangeTopics() {
    const std::string name = std::vector<std::string>{"a", "b", "c", "d"}[random_.Below(4)];
    const auto shape = topics_.Find(name);
    if (shape && random_.Below(4) == 0) {
      topics_.Delete(name);
    } else {
      topics_.Make(name, (shape ? shape->partitions : 0) + 1 + Below(3));
    }
  }

  void Talk(Client* client, bool may_lose) {
    if (!client->is_classic) {
      Heartbeat(client, may_lose);
    } else if (client->must_join) {
      JoinAndSync(client);
    } else {
      ClassicHeartbeat(client);
    }
  }

  void ClassicHeartbeat(Client* client) {
    ConsumerEffects effects;
    const ErrorCode error = group_.ClassicHeartbeat(ClaimOf(*client), topics_, now_, &effects);
    Keep(effects);
    if (error == ErrorCode::kRebalanceInProgress) {
      client->must_join = true;
    } else if (error != ErrorCode::kNone) {
      EXPECT_EQ(error, ErrorCode::kUnknownMemberId);
      client->GiveAllUp();
    }
  }

  static MemberClaim ClaimOf(const Client& client) {
    return {.member_id = client.id, .generation = client.epoch};
  }

  void JoinAndSync(Client* client) {
    const std::string subscription = SubscriptionBytes(client->topics, client->owned(), topics_);
    ConsumerEffects effects;
    const JoinAnswer joined = group_.Join({.member_id = client->id,
                                           .session_timeout_ms = 10'000,
                                           .rebalance_timeout_ms = kRebalanceMs,
                                           .protocol_type = "consumer",
                                           .protocols = {{"cooperative-sticky", subscription}}},
                                          topics_, now_, &effects);
    Keep(effects);
    ASSERT_EQ(joined.error, ErrorCode::kNone);
    EXPECT_GE(joined.generation, client->epoch);
    client->epoch = joined.generation;
    const SyncAnswer synced = group_.Sync({.member = ClaimOf(*client)}, topics_, now_);
    if (synced.error != ErrorCode::kNone) {
      EXPECT_EQ(synced.error, ErrorCode::kRebalanceInProgress);
      return;
    }
    const PartitionList shall = DecodeAssignment(synced.assignment, topics_).value();
    client->must_join =
        std::erase_if(client->reads, [&](const auto& at) { return !Contains(shall, at); }) > 0;
    client->reads.insert(shall.begin(), shall.end());
  }

  void Heartbeat(Client* client, bool may_lose) {
    ConsumerHeartbeat request{
        .member_id = client->id, .epoch = client->epoch, .instance_id = client->instance};
    if (client->must_tell_all || random_.Below(4) == 0) {
      request.rebalance_timeout_ms = kRebalanceMs;
      request.topics = client->topics;
      request.regex = client->regex;
      request.owned = client->owned();
    }
    ConsumerEffects effects;
    const auto answer = group_.Heartbeat(request, topics_, now_, &effects);
    Keep(effects);
    client->missed_an_answer = may_lose && random_.Below(8) == 0;
    client->must_tell_all = client->missed_an_answer;
    if (!client->missed_an_answer) {
      OnAnswer(client, answer);
    }
  }

  void OnAnswer(Client* client, const ConsumerHeartbeatAnswer& answer) {
    if (answer.error != ErrorCode::kNone) {
      EXPECT_TRUE(answer.error == ErrorCode::kFencedMemberEpoch ||
                  answer.error == ErrorCode::kUnknownMemberId)
          << kafka::ErrorName(answer.error) << " " << answer.message;
      return client->GiveAllUp();
    }
    EXPECT_GE(answer.epoch, client->epoch);
    client->epoch = answer.epoch;
    if (answer.assignment) {
      client->shall = answer.assignment;
    }
  }

  // As clients do: what goes first, what comes when the group has heard that it went. Not towards an
  // assignment that may have been taken back: the group goes by what a member says that it owns, so between a
  // lost answer and the next one the protocol cannot keep a client from taking what it was offered before.
  void Reconcile(Client* client) {
    if (!client->shall || client->missed_an_answer) {
      return;
    }
    const size_t before = client->reads.size();
    std::erase_if(client->reads, [&](const auto& at) { return !Contains(*client->shall, at); });
    if (client->reads.size() == before) {
      client->reads.insert(client->shall->begin(), client->shall->end());
    }
    client->must_tell_all |= client->reads.size() != before;
  }

  const Client* ReaderOf(const TopicIdPartition& at) const {
    for (const auto& [id, client] : clients_) {
      if (client.reads.contains(at)) {
        return &client;
      }
    }
    return nullptr;
  }

  // Who is put out of the group is taken to notice at the same time.
  void PassTime() {
    for (int rounds = 0; group_.next_deadline_ms() <= now_.monotonic_ms; ++rounds) {
      ASSERT_LT(rounds, 5) << "the group does not come to rest";
      ConsumerEffects effects;
      group_.OnTime(topics_, now_, &effects);
      Keep(effects);
    }
    for (auto& [id, client] : clients_) {
      if (!group_.members().contains(id)) {
        client.GiveAllUp();
      }
    }
    std::erase_if(away_, [this](const std::string& instance) {
      return std::none_of(group_.members().begin(), group_.members().end(), [&](const auto& entry) {
        return entry.second.subscription->instance_id == instance;
      });
    });
  }

  void Keep(const ConsumerEffects& effects) {
    log_.insert(log_.end(), effects.records.begin(), effects.records.end());
  }

  ConsumerGroup Replayed(const std::vector<ConsumerRecord>& log) const {
    ConsumerGroup group("g", kLimits);
    for (const ConsumerRecord& record : log) {
      group.Apply(record);
    }
    group.FinishLoading(now_);
    return group;
  }

  void Reload() {
    EXPECT_EQ(Dump(Replayed(log_)), Dump(group_));
    EXPECT_EQ(Dump(Replayed(Compacted(log_))), Dump(group_));
    log_ = Compacted(log_);
    group_ = Replayed(log_);
  }

  void Check() {
    EXPECT_GE(group_.epoch(), last_epoch_);
    EXPECT_GE(group_.target_epoch(), last_target_epoch_);
    EXPECT_LE(group_.target_epoch(), group_.epoch());
    last_epoch_ = group_.epoch();
    last_target_epoch_ = group_.target_epoch();
    std::map<TopicIdPartition, std::string> owners;
    std::map<TopicIdPartition, std::string> targets;
    for (const auto& [id, member] : group_.members()) {
      EXPECT_LE(member.current.epoch, group_.target_epoch());
      for (const auto* partitions : {&member.current.assigned, &member.current.revoking}) {
        for (const auto& [at, since] : *partitions) {
          EXPECT_TRUE(owners.emplace(at, id).second) << "two members have one partition\n" << Dump(group_);
        }
      }
      for (const TopicIdPartition& at : member.target) {
        EXPECT_TRUE(targets.emplace(at, id).second) << "two members shall have one partition";
      }
    }
    std::map<TopicIdPartition, std::string> readers;
    for (const auto& [id, client] : clients_) {
      for (const TopicIdPartition& at : client.reads) {
        EXPECT_TRUE(readers.emplace(at, id).second) << id << " and " << readers[at] << " read one partition\n"
                                                    << Dump(group_);
      }
    }
  }

  static const inline ConsumerLimits kLimits = {.session_timeout_ms = 10'000, .may_downgrade = false};
  Random random_;
  FakeTopics topics_;
  ConsumerGroup group_{"g", kLimits};
  std::vector<ConsumerRecord> log_;
  GroupTime now_;
  int last_id_ = 0;
  int32_t last_epoch_ = 0;
  int32_t last_target_epoch_ = 0;
  std::map<std::string, Client> clients_;
  std::set<std::string> away_;  // Instance ids of members that left for a while.
};

TEST(ConsumerModelTest, WhateverHappensNoPartitionHasTwoReadersAndInTheEndEachHasOne) {
  const uint64_t first = Random::FromSystem().Next();
  for (uint64_t seed = first; seed < first + 300; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    ConsumerModel model(seed);
    for (int i = 0; i < 300 && !::testing::Test::HasFailure(); ++i) {
      model.Step();
    }
    model.ExpectComesToRest();
    ASSERT_FALSE(::testing::Test::HasFailure());
  }
}

}  // namespace
}  // namespace sluice::broker
