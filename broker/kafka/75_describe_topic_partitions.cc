// DescribeTopicPartitions (75), v0: topics and their partitions, a page at a time (KIP-966): what Java's
// Admin prefers to Metadata for describeTopics.
//
// Topics come by name. A page ends at the limit, in the middle of a topic if need be, and names where the
// next begins: with topics a-0 a-1 b-0 b-1 b-2 and a limit of 3,
//
//   [a-0 a-1 b-0] next b-1      [b-1 b-2] next none
#include <algorithm>

#include "broker/kafka/handlers.h"
#include "broker/kafka/partition_entry.h"
#include "broker/kafka/self.h"
#include "broker/topic/topic_rules.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::DescribeTopicPartitionsRequest;
using Response = kafka::DescribeTopicPartitionsResponse;
using Answer = Response::DescribeTopicPartitionsResponseTopic;

constexpr char kLimit[] = "max.request.partition.size.limit";

struct Named {
  std::string name;
  TopicPtr topic;  // Null: there is none.
};

// From the cursor's topic on, by name.
std::vector<Named> TopicsOf(const Request& request, const Catalog& catalog) {
  std::vector<Named> topics;
  for (const auto& asked : request.topics) {
    topics.push_back({.name = asked.name, .topic = catalog.Find(asked.name)});
  }
  if (request.topics.empty()) {
    for (const TopicPtr& topic : catalog.All()) {
      topics.push_back({.name = topic->name, .topic = topic});
    }
  }
  std::ranges::sort(topics, {}, &Named::name);
  const auto repeated = std::ranges::unique(topics, {}, &Named::name);
  topics.erase(repeated.begin(), repeated.end());
  if (request.cursor.has_value()) {
    const auto from = std::ranges::lower_bound(topics, request.cursor->topic_name, {}, &Named::name);
    topics.erase(topics.begin(), from);
  }
  return topics;
}

// A cursor goes on with one of the topics that are asked for, at a partition that may be.
bool HasGoodCursor(const Request& request) {
  if (!request.cursor.has_value()) {
    return true;
  }
  return request.cursor->partition_index >= 0 &&
         (request.topics.empty() || std::ranges::any_of(request.topics, [&](const auto& asked) {
            return asked.name == request.cursor->topic_name;
          }));
}

Answer Refuse(const std::string& name, ErrorCode code) {
  Answer answer;
  answer.name = name;
  answer.error_code = kafka::ToWire(code);
  return answer;
}

ErrorCode WhyUnknown(const std::string& name) {
  const TopicError bad_name = CheckTopicName(name);
  return bad_name.ok() ? ErrorCode::kUnknownTopicOrPartition : bad_name.code;
}

// Fills a page.
class Page {
 public:
  Page(const Services& services, int32_t limit) : services_(services), room_(static_cast<size_t>(limit)) {}

  // False when the page is full: the next one begins with this topic, or within it.
  bool Add(const Named& named, size_t from) {
    if (room_ == 0) {
      return Stop(named.name, 0);
    }
    if (named.topic == nullptr) {
      response_.topics.push_back(Refuse(named.name, WhyUnknown(named.name)));
      return true;
    }
    Answer& answer = response_.topics.emplace_back();
    answer.name = named.name;
    answer.topic_id = named.topic->id;
    answer.is_internal = IsInternalTopic(named.name);
    answer.topic_authorized_operations = kAllTopicOperations;
    const auto& partitions = named.topic->partitions;
    const size_t to = std::min(partitions.size(), from + room_);
    for (size_t i = from; i < to; ++i) {
      auto& entry = answer.partitions.emplace_back();
      DescribePartition(*partitions[i], services_.node_id, &entry);
      entry.eligible_leader_replicas.emplace();
      entry.last_known_elr.emplace();
    }
    room_ -= answer.partitions.size();
    return to >= partitions.size() || Stop(named.name, to);
  }
  Response Take() { return std::move(response_); }

 private:
  bool Stop(const std::string& topic, size_t partition) {
    auto& next = response_.next_cursor.emplace();
    next.topic_name = topic;
    next.partition_index = static_cast<int32_t>(partition);
    return false;
  }

  const Services& services_;
  size_t room_;
  Response response_;
};

// At least one: a client that asks for none would turn pages for ever.
int32_t LimitOf(const Request& request, const BrokerConfig& config) {
  return std::clamp(request.response_partition_limit, 1, static_cast<int32_t>(config.Int(kLimit)));
}

}  // namespace

kafka::DescribeTopicPartitionsResponse HandleDescribeTopicPartitions(const Request& request, Call& call) {
  if (!HasGoodCursor(request)) {
    kafka::DescribeTopicPartitionsResponse response;
    for (const auto& asked : request.topics) {
      response.topics.push_back(Refuse(asked.name, ErrorCode::kInvalidRequest));
    }
    return response;
  }
  Page page(call.services, LimitOf(request, call.services.config));
  for (const Named& named : TopicsOf(request, call.services.catalog)) {
    const bool is_first = request.cursor.has_value() && named.name == request.cursor->topic_name;
    if (!page.Add(named, is_first ? static_cast<size_t>(request.cursor->partition_index) : 0)) {
      break;
    }
  }
  return page.Take();
}

}  // namespace sluice::broker
