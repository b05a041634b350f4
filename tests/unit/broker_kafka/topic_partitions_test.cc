// DescribeTopicPartitions: topics a page at a time.
#include <gmock/gmock.h>

#include "proto/kafka/gen/describe_topic_partitions.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Request = kafka::DescribeTopicPartitionsRequest;
using Response = kafka::DescribeTopicPartitionsResponse;

class TopicPartitionsTest : public KafkaTest {
 protected:
  explicit TopicPartitionsTest(TestBroker::Options options = {}) : KafkaTest(std::move(options)) {
    broker_.CreateTopic("b", 3);
    broker_.CreateTopic("a", 2);
  }

  Response Describe(const Request& request) { return client_.Call(request, 0); }

  static Request Ask(std::vector<std::string> names, int32_t limit = 2000) {
    Request request;
    request.response_partition_limit = limit;
    for (std::string& name : names) {
      request.topics.emplace_back().name = std::move(name);
    }
    return request;
  }
  static Request From(Request request, const std::string& topic, int32_t partition) {
    auto& cursor = request.cursor.emplace();
    cursor.topic_name = topic;
    cursor.partition_index = partition;
    return request;
  }
  // "a-0", "b-1" ...; an error instead of the partitions: "c NAME".
  static std::vector<std::string> Told(const Response& response) {
    std::vector<std::string> told;
    for (const auto& topic : response.topics) {
      if (topic.error_code != 0) {
        told.push_back(absl::StrCat(topic.name.value_or(""), " ", Name(topic.error_code)));
      }
      for (const auto& partition : topic.partitions) {
        told.push_back(absl::StrCat(topic.name.value_or(""), "-", partition.partition_index));
      }
    }
    return told;
  }
  static std::string NextOf(const Response& response) {
    return response.next_cursor.has_value()
               ? absl::StrCat(response.next_cursor->topic_name, "-", response.next_cursor->partition_index)
               : "none";
  }
};

TEST_F(TopicPartitionsTest, TopicIsDescribedWhole) {
  const auto topic = Describe(Ask({"b"})).topics.at(0);
  const broker::TopicPtr made = broker_.catalog().Find("b");
  EXPECT_EQ(Name(topic.error_code), "NONE");
  EXPECT_EQ(topic.topic_id, made->id);
  EXPECT_FALSE(topic.is_internal);
  EXPECT_EQ(topic.topic_authorized_operations, 3576);
  ASSERT_EQ(topic.partitions.size(), 3u);
  const auto& last = topic.partitions[2];
  EXPECT_EQ(last.leader_id, 1);
  EXPECT_EQ(last.leader_epoch, made->partitions[2]->leader_epoch().value());
  EXPECT_THAT(last.replica_nodes, ElementsAre(1));
  EXPECT_THAT(last.isr_nodes, ElementsAre(1));
  EXPECT_THAT(last.offline_replicas, IsEmpty());
  EXPECT_THAT(last.eligible_leader_replicas, testing::Optional(IsEmpty()));
  EXPECT_THAT(last.last_known_elr, testing::Optional(IsEmpty()));
}

TEST_F(TopicPartitionsTest, NoNamesAskForAllTopicsInOrder) {
  const Response all = Describe(Ask({}));
  EXPECT_THAT(Told(all), ElementsAre("a-0", "a-1", "b-0", "b-1", "b-2"));
  EXPECT_EQ(NextOf(all), "none");
}

TEST_F(TopicPartitionsTest, PagesTogetherAreEverythingOnce) {
  for (int32_t limit = 1; limit <= 6; ++limit) {
    std::vector<std::string> told;
    Request request = Ask({}, limit);
    for (int pages = 0; pages < 10; ++pages) {
      const Response page = Describe(request);
      const std::vector<std::string> on_page = Told(page);
      EXPECT_LE(on_page.size(), static_cast<size_t>(limit));
      told.insert(told.end(), on_page.begin(), on_page.end());
      if (!page.next_cursor.has_value()) {
        break;
      }
      request = From(Ask({}, limit), page.next_cursor->topic_name, page.next_cursor->partition_index);
    }
    EXPECT_THAT(told, ElementsAre("a-0", "a-1", "b-0", "b-1", "b-2")) << "limit " << limit;
  }
}

TEST_F(TopicPartitionsTest, PageEndsBetweenTopicsOrWithinOne) {
  EXPECT_EQ(NextOf(Describe(Ask({}, 2))), "b-0");
  EXPECT_EQ(NextOf(Describe(Ask({}, 3))), "b-1");
  EXPECT_EQ(NextOf(Describe(Ask({}, 5))), "none");
}

TEST_F(TopicPartitionsTest, ALimitOfNothingIsOne) {
  EXPECT_THAT(Told(Describe(Ask({}, 0))), ElementsAre("a-0"));
  EXPECT_THAT(Told(Describe(Ask({}, -5))), ElementsAre("a-0"));
}

TEST_F(TopicPartitionsTest, UnknownNamesHaveTheirErrorsAndTwiceIsOnce) {
  EXPECT_THAT(
      Told(Describe(Ask({"nowhere", "a", "bad name", "a"}))),
      ElementsAre("a-0", "a-1", "bad name INVALID_TOPIC_EXCEPTION", "nowhere UNKNOWN_TOPIC_OR_PARTITION"));
}

TEST_F(TopicPartitionsTest, CursorMustBeOneOfTheTopicsAskedFor) {
  EXPECT_THAT(Told(Describe(From(Ask({"a"}), "b", 0))), ElementsAre("a INVALID_REQUEST"));
  EXPECT_THAT(Told(Describe(From(Ask({"a"}), "a", -1))), ElementsAre("a INVALID_REQUEST"));
  EXPECT_THAT(Told(Describe(From(Ask({"a", "b"}), "b", 2))), ElementsAre("b-2"));
}

TEST_F(TopicPartitionsTest, TopicThatIsGoneMeanwhileIsPassedOver) {
  EXPECT_THAT(Told(Describe(From(Ask({}), "aa", 1))), ElementsAre("b-0", "b-1", "b-2"));
  EXPECT_THAT(Told(Describe(From(Ask({}), "a", 9))), ElementsAre("b-0", "b-1", "b-2"));
}

class SmallPagesTest : public TopicPartitionsTest {
 protected:
  SmallPagesTest() : TopicPartitionsTest({.configs = {{"max.request.partition.size.limit", "4"}}}) {}
};

TEST_F(SmallPagesTest, TheBrokersLimitHoldsToo) {
  const Response page = Describe(Ask({}, 2000));
  EXPECT_EQ(Told(page).size(), 4u);
  EXPECT_EQ(NextOf(page), "b-2");
}

}  // namespace
}  // namespace sluice
