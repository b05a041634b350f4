// A broker and clients that are members of groups, request by request.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "proto/kafka/gen/all_messages.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {

inline kafka::JoinGroupRequest MakeJoin(const std::string& group, const std::string& member = "") {
  kafka::JoinGroupRequest request;
  request.group_id = group;
  request.session_timeout_ms = 10'000;
  request.rebalance_timeout_ms = 30'000;
  request.member_id = member;
  request.protocol_type = "consumer";
  auto& protocol = request.protocols.emplace_back();
  protocol.name = "range";
  protocol.metadata = AsBytes("metadata");
  return request;
}

// A subscription of a consumer to one topic, as clients encode it.
inline std::string SubscriptionTo(const std::string& topic) {
  kafka::WireWriter out;
  out.WriteInt16(0);
  kafka::ConsumerProtocolSubscription subscription;
  subscription.topics = {topic};
  subscription.Encode(out, 0);
  return std::string(AsText(out.buffer()));
}

struct Commit {
  std::string group;
  int64_t offset = 0;
  std::string member = {};
  int32_t generation = -1;
  std::string topic = "orders";
  int32_t partition = 0;
  std::string metadata = {};
};

inline kafka::OffsetCommitRequest MakeCommit(const Commit& commit) {
  kafka::OffsetCommitRequest request;
  request.group_id = commit.group;
  request.member_id = commit.member;
  request.generation_id_or_member_epoch = commit.generation;
  auto& topic = request.topics.emplace_back();
  topic.name = commit.topic;
  auto& partition = topic.partitions.emplace_back();
  partition.partition_index = commit.partition;
  partition.committed_offset = commit.offset;
  partition.committed_metadata = commit.metadata;
  return request;
}

inline kafka::OffsetFetchRequest MakeOffsetFetch(const std::string& group, const std::string& topic,
                                                 std::vector<int32_t> partitions) {
  kafka::OffsetFetchRequest request;
  auto& asked = request.groups.emplace_back();
  asked.group_id = group;
  auto& of_topic = asked.topics.emplace().emplace_back();
  of_topic.name = topic;
  of_topic.partition_indexes = std::move(partitions);
  return request;
}

class GroupTest : public ::testing::Test {
 protected:
  explicit GroupTest(TestBroker::Options options = {}) : broker_(WithoutDelay(std::move(options))) {
    broker_.CreateTopic("orders", 4);
    FindCoordinator();
  }

  static TestBroker::Options WithoutDelay(TestBroker::Options options) {
    options.configs.emplace("group.initial.rebalance.delay.ms", "0");
    options.configs.emplace("offsets.topic.num.partitions", "4");
    return options;
  }

  // Makes __consumer_offsets and waits until the shards have read it.
  void FindCoordinator() {
    kafka::FindCoordinatorRequest request;
    request.coordinator_keys = {"g"};
    ASSERT_EQ(Name(client_.Call(request, 6).coordinators.at(0).error_code), "NONE");
    for (int i = 0; i < 1000 && Name(client_.Call(kafka::ListGroupsRequest(), 5).error_code) != "NONE"; ++i) {
    }
  }
  void Restart() {
    broker_.Restart();
    client_ = broker_.Connect();
    FindCoordinator();
  }

  static std::string Name(int16_t code) {
    return std::string(kafka::ErrorName(static_cast<kafka::ErrorCode>(code)));
  }
  std::string CommitCode(const Commit& commit, int16_t version = 9) {
    return Name(client_.Call(MakeCommit(commit), version).topics.at(0).partitions.at(0).error_code);
  }
  int64_t Committed(const std::string& group, const std::string& topic = "orders", int32_t partition = 0) {
    const auto response = client_.Call(MakeOffsetFetch(group, topic, {partition}), 9);
    return response.groups.at(0).topics.at(0).partitions.at(0).committed_offset;
  }
  std::string StateOf(const std::string& group) {
    kafka::DescribeGroupsRequest request;
    request.groups = {group};
    return client_.Call(request, 5).groups.at(0).group_state;
  }
  // Another connection's request may not have come in yet: asks until it shows. False: it did not, for long.
  bool AwaitState(const std::string& group, const std::string& state) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (StateOf(group) != state) {
      if (absl::Now() > deadline) {
        return false;
      }
    }
    return true;
  }
  // Alone in its group, through join and sync.
  std::pair<std::string, int32_t> JoinAlone(const std::string& group,
                                            const std::string& metadata = "metadata") {
    auto join = MakeJoin(group);
    join.protocols[0].metadata = AsBytes(metadata);
    const auto joined = client_.Call(join, 3);
    EXPECT_EQ(Name(joined.error_code), "NONE");
    kafka::SyncGroupRequest sync;
    sync.group_id = group;
    sync.member_id = joined.member_id;
    sync.generation_id = joined.generation_id;
    auto& assigned = sync.assignments.emplace_back();
    assigned.member_id = joined.member_id;
    assigned.assignment = AsBytes("assignment");
    EXPECT_EQ(Name(client_.Call(sync, 3).error_code), "NONE");
    return {joined.member_id, joined.generation_id};
  }

  TestBroker broker_;
  RawClient client_ = broker_.Connect();
};

}  // namespace sluice
