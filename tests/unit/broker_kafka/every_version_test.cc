// Every API in every version that the broker advertises is asked for once, in its simplest form, and answered
// in a way that decodes to its last byte. New keys are taken in as soon as they are in the table of APIs: a
// request that is nothing but defaults is a request, too. One that must say more to be served has an entry
// below.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "broker/kafka/api_table.h"
#include "proto/kafka/gen/all_messages.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"

namespace sluice {
namespace {

constexpr char kTopic[] = "orders";
constexpr int16_t kProduceTopicIdsFrom = 13;
constexpr int16_t kFetchTopicIdsFrom = 13;
constexpr int16_t kMetadataTopicIdsFrom = 12;

// What a request may have to name.
struct World {
  Uuid topic_id;
  std::string cluster_id;
  Bytes batch = MakeBatch({"value"});
};

// The simplest request that is served: of defaults, but where something follows below.
template <class Message>
void Fill(const World&, int16_t, Message*) {}

void Fill(const World& world, int16_t version, kafka::ProduceRequest* request) {
  *request = MakeProduce(kTopic, world.batch);
  if (version >= kProduceTopicIdsFrom) {
    request->topic_data[0].name.clear();
    request->topic_data[0].topic_id = world.topic_id;
  }
}

void Fill(const World& world, int16_t version, kafka::FetchRequest* request) {
  *request = MakeFetch(kTopic);
  if (version >= kFetchTopicIdsFrom) {
    request->topics[0].topic.clear();
    request->topics[0].topic_id = world.topic_id;
  }
}

void Fill(const World&, int16_t, kafka::ListOffsetsRequest* request) {
  auto& topic = request->topics.emplace_back();
  topic.name = kTopic;
  topic.partitions.emplace_back().timestamp = -1;
}

void Fill(const World& world, int16_t version, kafka::MetadataRequest* request) {
  auto& topic = request->topics.emplace().emplace_back();
  if (version >= kMetadataTopicIdsFrom) {
    topic.topic_id = world.topic_id;
  } else {
    topic.name = kTopic;
  }
}

void Fill(const World&, int16_t version, kafka::OffsetFetchRequest* request) {
  if (version >= 8) {
    request->groups.emplace_back().group_id = "group";
  } else {
    request->group_id = "group";
    request->topics.emplace().emplace_back().name = kTopic;
  }
}

void Fill(const World&, int16_t version, kafka::FindCoordinatorRequest* request) {
  if (version < 4) {
    request->key = "group";
  } else {
    request->coordinator_keys = {"group"};
  }
}

void Fill(const World& world, int16_t version, kafka::ApiVersionsRequest* request) {
  request->client_software_name = std::string("every-version");
  request->client_software_version = std::string("1");
  if (version >= 5) {
    request->cluster_id = world.cluster_id;
    request->node_id = 1;
  }
}

void Fill(const World&, int16_t version, kafka::CreateTopicsRequest* request) {
  auto& topic = request->topics.emplace_back();
  topic.name = absl::StrCat("made-by-version-", version);
  topic.num_partitions = 1;
  topic.replication_factor = 1;
}

void Fill(const World&, int16_t, kafka::OffsetForLeaderEpochRequest* request) {
  auto& topic = request->topics.emplace_back();
  topic.topic = kTopic;
  topic.partitions.emplace_back();
}

void Fill(const World&, int16_t, kafka::DescribeConfigsRequest* request) {
  auto& resource = request->resources.emplace_back();
  resource.resource_type = 2;
  resource.resource_name = kTopic;
}

void Fill(const World&, int16_t, kafka::DescribeQuorumRequest* request) {
  auto& topic = request->topics.emplace_back();
  topic.topic_name = "__cluster_metadata";
  topic.partitions.emplace_back();
}

void Fill(const World&, int16_t, kafka::DescribeProducersRequest* request) {
  auto& topic = request->topics.emplace_back();
  topic.name = kTopic;
  topic.partition_indexes = {0};
}

class EveryVersionTest : public KafkaTest {
 protected:
  EveryVersionTest() {
    world_.topic_id = broker_.CreateTopic(kTopic)->id;
    world_.cluster_id = broker_.cluster_id().ToString();
    for (const auto& api : client_.Call(kafka::ApiVersionsRequest{}, 0).api_keys) {
      for (int16_t version = api.min_version; version <= api.max_version; ++version) {
        advertised_.emplace(api.api_key, version);
      }
    }
  }

  template <class Request>
  void Ask(int16_t version) {
    SCOPED_TRACE(absl::StrCat(Request::kName, " version ", version));
    Request request;
    Fill(world_, version, &request);
    RawClient client = broker_.Connect();
    // Fails when the answer is none, or none that this version has.
    const typename Request::Response response = client.Call(request, version);
    if constexpr (requires { response.throttle_time_ms; }) {
      EXPECT_EQ(response.throttle_time_ms, 0) << "nobody is throttled";
    }
    kafka::ApiVersionsRequest next;
    client.Call(next, 0);  // What was not asked for would be taken for the answer to this.
  }

  World world_;
  std::set<std::pair<int16_t, int16_t>> advertised_;
};

TEST_F(EveryVersionTest, IsAnsweredAndDecodesToItsLastByte) {
  std::set<std::pair<int16_t, int16_t>> asked;
  kafka::VisitMessages([&](auto type) {
    using Message = typename decltype(type)::type;
    if constexpr (requires { typename Message::Response; }) {
      for (int16_t version = Message::kMinVersion; version <= Message::kMaxVersion; ++version) {
        if (advertised_.contains({Message::kApiKey, version})) {
          Ask<Message>(version);
          asked.emplace(Message::kApiKey, version);
        }
      }
    }
  });
  // Named and refused, for old librdkafka's sake: api_table.h.
  const std::set<std::pair<int16_t, int16_t>> refused = {{0, 0}, {0, 1}, {0, 2}};
  for (const auto& [key, version] : refused) {
    EXPECT_FALSE(broker::FindApiRow(key)->Serves(version));
    asked.emplace(key, version);
  }
  EXPECT_EQ(asked, advertised_);
}

// What is advertised is what the table says, and no key that the table lacks is.
TEST_F(EveryVersionTest, TableIsAdvertisedAsItIs) {
  std::set<std::pair<int16_t, int16_t>> table;
  for (const broker::ApiRow& row : broker::ApiTable()) {
    for (int16_t version = row.min_advertised; version <= row.max_version; ++version) {
      table.emplace(static_cast<int16_t>(row.key), version);
    }
  }
  EXPECT_EQ(advertised_, table);
}

// The first and the last version of an API are where clients begin and where they end up: their answers must
// be good.
TEST_F(EveryVersionTest, OldestAndNewestOfWhatClientsBeginWithSucceed) {
  const auto error = [](const auto& response) { return Name(response.error_code); };
  const auto call = [this](auto request, int16_t version) {
    Fill(world_, version, &request);
    return client_.Call(request, version);
  };
  for (const int16_t version : {int16_t{0}, broker::FindApiRow(18)->max_version}) {
    EXPECT_EQ(error(call(kafka::ApiVersionsRequest{}, version)), "NONE");
  }
  for (const int16_t version : {int16_t{3}, broker::FindApiRow(0)->max_version}) {
    EXPECT_EQ(error(OnlyPartition(call(kafka::ProduceRequest{}, version))), "NONE");
  }
  for (const int16_t version : {int16_t{4}, broker::FindApiRow(1)->max_version}) {
    EXPECT_EQ(error(OnlyPartition(call(kafka::FetchRequest{}, version))), "NONE");
  }
  for (const int16_t version : {int16_t{1}, broker::FindApiRow(2)->max_version}) {
    EXPECT_EQ(error(call(kafka::ListOffsetsRequest{}, version).topics.at(0).partitions.at(0)), "NONE");
  }
  for (const int16_t version : {int16_t{0}, broker::FindApiRow(3)->max_version}) {
    EXPECT_EQ(error(call(kafka::MetadataRequest{}, version).topics.at(0)), "NONE");
  }
}

}  // namespace
}  // namespace sluice
