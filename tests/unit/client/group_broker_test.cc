// Members of groups against a real Sluice broker in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "sluice/errors.h"
#include "tests/support/test_broker.h"
#include "tests/unit/client/group_members.h"

namespace sluice {
namespace {

using client_test::Member;
using client_test::PollUntil;
using client_test::Shares;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;
using namespace std::chrono_literals;

class GroupTest : public ::testing::Test {
 protected:
  GroupTest() { client_ = Connect(); }

  std::unique_ptr<Client> Connect() {
    return *Client::Connect({.bootstrap = absl::StrCat("127.0.0.1:", broker_.port())});
  }
  static ConsumerOptions Options() {
    return {.offset_reset = OffsetReset::kEarliest,
            .group_id = "g",
            .session_timeout = 6s,
            .heartbeat_interval = 50ms};
  }
  static ConsumerOptions Cooperative() {
    ConsumerOptions options = Options();
    options.assignors = {Assignor::kCooperativeSticky};
    return options;
  }
  std::unique_ptr<Member> Join(ConsumerOptions options = Options()) {
    auto member = std::make_unique<Member>(*client_, std::move(options));
    member->Subscribe({"t"});
    return member;
  }
  std::vector<std::string> Produce(int from, int to) {
    const auto producer = *client_->NewProducer();
    std::vector<std::string> sent;
    for (int i = from; i < to; ++i) {
      sent.push_back(absl::StrCat("value ", i));
      CHECK_OK(producer->Send({.topic = "t", .partition = i % 4, .value = BytesOf(sent.back())}));
    }
    CHECK_OK(producer->Flush(20s));
    return sent;
  }

  TestBroker broker_{{.configs = {{"group.initial.rebalance.delay.ms", "0"},
                                  {"offsets.topic.num.partitions", "1"},
                                  {"group.min.session.timeout.ms", "100"}}}};
  std::unique_ptr<Client> client_;
};

TEST_F(GroupTest, OneMemberReadsAllAndGoesOnFromWhereItCommitted) {
  broker_.CreateTopic("t", 4);
  const std::vector<std::string> first = Produce(0, 100);
  auto member = Join();
  ASSERT_TRUE(PollUntil({member.get()}, [&] { return member->values.size() >= 100; }));
  EXPECT_THAT(member->values, UnorderedElementsAreArray(first));
  EXPECT_THAT(member->events, ElementsAre("+t-0 t-1 t-2 t-3"));
  EXPECT_EQ(member->consumer().membership().generation, 1);
  member->Close();  // Commits.
  EXPECT_THAT(member->events, ElementsAre("+t-0 t-1 t-2 t-3", "-t-0 t-1 t-2 t-3"));
  const std::vector<std::string> second = Produce(100, 200);
  auto next = Join();
  ASSERT_TRUE(PollUntil({next.get()}, [&] { return next->values.size() >= 100; }));
  EXPECT_THAT(next->values, UnorderedElementsAreArray(second));
}

TEST_F(GroupTest, MembersShareAndTakeOverWhatOneLeaves) {
  broker_.CreateTopic("t", 4);
  auto a = Join();
  auto b = Join();
  ASSERT_TRUE(
      PollUntil({a.get(), b.get()}, [&] { return a->Owned().size() == 7 && b->Owned().size() == 7; }));
  const std::vector<std::string> sent = Produce(0, 100);
  ASSERT_TRUE(PollUntil({a.get(), b.get()}, [&] { return a->values.size() + b->values.size() >= 100; }));
  a->Close();
  ASSERT_TRUE(PollUntil({b.get()}, [&] { return b->Owned() == "t-0 t-1 t-2 t-3"; }));
  const std::vector<std::string> more = Produce(100, 200);
  ASSERT_TRUE(PollUntil({b.get()}, [&] { return a->values.size() + b->values.size() >= 200; }));
  std::set<std::string> all(a->values.begin(), a->values.end());
  all.insert(b->values.begin(), b->values.end());
  EXPECT_EQ(all.size(), 200u);
  EXPECT_EQ(a->values.size() + b->values.size(), 200u);
}

TEST_F(GroupTest, CooperativeMembersKeepReadingWhatTheyKeep) {
  broker_.CreateTopic("t", 4);
  auto a = Join(Cooperative());
  ASSERT_TRUE(PollUntil({a.get()}, [&] { return a->Owned() == "t-0 t-1 t-2 t-3"; }));
  auto b = Join(Cooperative());
  ASSERT_TRUE(PollUntil({a.get(), b.get()}, [&] {
    return Shares({a.get(), b.get()}) == "t-0 t-1 | t-2 t-3";
  })) << Shares({a.get(), b.get()});
  EXPECT_THAT(a->events, ::testing::Contains("-t-2 t-3"));
  EXPECT_THAT(a->events, ::testing::Not(::testing::Contains("-t-0 t-1 t-2 t-3")));
}

TEST_F(GroupTest, SuccessorOfAStaticMemberHasItsPartitionsWithoutARebalance) {
  broker_.CreateTopic("t", 4);
  ConsumerOptions options = Options();
  options.group_instance_id = "i";
  auto a = Join(options);
  auto b = Join();
  ASSERT_TRUE(PollUntil({a.get(), b.get()}, [&] {
    return Shares({a.get(), b.get()}) == "t-0 t-1 | t-2 t-3";
  })) << Shares({a.get(), b.get()});
  const size_t events = b->events.size();
  a->Close();
  auto successor = Join(options);
  ASSERT_TRUE(PollUntil({successor.get(), b.get()}, [&] { return successor->Owned() == "t-0 t-1"; }));
  EXPECT_EQ(b->events.size(), events);
  EXPECT_EQ(b->Owned(), "t-2 t-3");
}

TEST_F(GroupTest, NewPartitionsAreSharedOut) {
  broker_.CreateTopic("t", 1);
  client_ =
      *Client::Connect({.bootstrap = absl::StrCat("127.0.0.1:", broker_.port()), .metadata_max_age = 50ms});
  auto a = Join();
  ASSERT_TRUE(PollUntil({a.get()}, [&] { return a->Owned() == "t-0"; }));
  ASSERT_TRUE(client_->admin().AddPartitions("t", 3).ok());
  EXPECT_TRUE(PollUntil({a.get()}, [&] { return a->Owned() == "t-0 t-1 t-2"; }));
}

TEST_F(GroupTest, PatternTakesTopicsThatMatchNowAndLater) {
  broker_.CreateTopic("log-a");
  broker_.CreateTopic("other");
  client_ =
      *Client::Connect({.bootstrap = absl::StrCat("127.0.0.1:", broker_.port()), .metadata_max_age = 50ms});
  Member a(*client_, Options());
  ASSERT_TRUE(a.consumer().SubscribePattern("log-.*", a.listener()).ok());
  ASSERT_TRUE(PollUntil({&a}, [&] { return a.Owned() == "log-a-0"; }));
  broker_.CreateTopic("log-b");
  EXPECT_TRUE(PollUntil({&a}, [&] { return a.Owned() == "log-a-0 log-b-0"; }));
  ASSERT_TRUE(client_->admin().DeleteTopic("log-a").ok());
  EXPECT_TRUE(PollUntil({&a}, [&] { return a.Owned() == "log-b-0"; }));
  EXPECT_THAT(a.errors, IsEmpty());
  EXPECT_TRUE(absl::IsInvalidArgument(a.consumer().SubscribePattern("(")));
}

TEST_F(GroupTest, CommitsCarryTheirPartsThere) {
  broker_.CreateTopic("t", 4);
  Produce(0, 8);
  auto a = Join();
  ASSERT_TRUE(PollUntil({a.get()}, [&] { return a->values.size() >= 8; }));
  ASSERT_TRUE(a->consumer().CommitSync().ok());
  auto found = *a->consumer().Committed({{"t", 3}, {"t", 0}});
  EXPECT_EQ(found[0].offset, 2);
  EXPECT_EQ(found[0].partition, 3);
  EXPECT_GE(found[0].leader_epoch, 0);
  const GroupOffset back{.topic = "t", .partition = 0, .offset = 1, .leader_epoch = 0, .metadata = "why"};
  ASSERT_TRUE(a->consumer().CommitSync({back}).ok());
  found = *a->consumer().Committed({{"t", 0}, {"t", 9}});
  EXPECT_EQ(found[0], back);
  EXPECT_EQ(found[1].offset, -1);
}

}  // namespace
}  // namespace sluice
