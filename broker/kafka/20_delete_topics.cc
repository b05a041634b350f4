// DeleteTopics (20).
//
//   v1 the first that is served      v3 TOPIC_DELETION_DISABLED is known      v4 flexible
//   v5 error messages                v6 topics by name or by id
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "broker/kafka/handlers.h"
#include "broker/kafka/partition_lookup.h"
#include "broker/net/disk_pool.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::DeleteTopicsRequest;
using Response = kafka::DeleteTopicsResponse;
using Asked = Request::DeleteTopicState;

constexpr int16_t kTopicIdsFrom = 6;

TopicError Refusal(ErrorCode code, std::string message) {
  return {.code = code, .message = std::move(message)};
}

// Older versions have a list of names, as if each stood in the newer structure.
std::vector<Asked> AskedTopics(const Request& request, int16_t version) {
  if (version >= kTopicIdsFrom) {
    return request.topics;
  }
  std::vector<Asked> topics;
  for (const std::string& name : request.topic_names) {
    topics.emplace_back().name = name;
  }
  return topics;
}

TopicError CheckAllowed(const BrokerConfig& config, int16_t version) {
  if (config.Bool("delete.topic.enable")) {
    return {};
  }
  return Refusal(version < 3 ? ErrorCode::kInvalidRequest : ErrorCode::kTopicDeletionDisabled,
                 "topics cannot be deleted: the broker runs with delete.topic.enable=false");
}

TopicError CheckAsked(const Asked& asked) {
  if (asked.name.has_value() == asked.topic_id.IsZero()) {
    return {};
  }
  return Refusal(ErrorCode::kInvalidRequest, asked.name.has_value()
                                                 ? "name a topic by its name or its id, not both"
                                                 : "a topic needs a name or an id");
}

// Blocks.
TopicError Delete(const Asked& asked, const Services& services, Response::DeletableTopicResult* result) {
  if (TopicError error = CheckAsked(asked); !error.ok()) {
    return error;
  }
  const TopicLookup found = asked.name.has_value() ? FindTopicByName(services.catalog, *asked.name)
                                                   : FindTopicById(services.catalog, asked.topic_id);
  if (found.topic == nullptr) {
    return asked.name.has_value()
               ? services.catalog.UnknownTopic(*asked.name)
               : Refusal(found.error, absl::StrCat("there is no topic with id ", asked.topic_id.ToString()));
  }
  result->name = found.topic->name;
  result->topic_id = found.topic->id;
  return services.catalog.Delete(found.topic->name);
}

// Blocks.
Response DeleteAll(const Request& request, int16_t version, const Services& services) {
  const TopicError allowed = CheckAllowed(services.config, version);
  const std::vector<Asked> topics = AskedTopics(request, version);
  absl::flat_hash_map<std::pair<std::string, Uuid>, int> counts;
  for (const Asked& asked : topics) {
    ++counts[{asked.name.value_or(""), asked.topic_id}];
  }
  Response response;
  for (const Asked& asked : topics) {
    auto& result = response.responses.emplace_back();
    result.name = asked.name;
    result.topic_id = asked.topic_id;
    TopicError error = allowed;
    if (error.ok()) {
      error = counts.at({asked.name.value_or(""), asked.topic_id}) > 1
                  ? Refusal(ErrorCode::kInvalidRequest, "the topic is named more than once in the request")
                  : Delete(asked, services, &result);
    }
    result.error_code = kafka::ToWire(error.code);
    if (!error.ok()) {
      result.error_message = error.message;
    }
  }
  return response;
}

}  // namespace

asio::awaitable<kafka::DeleteTopicsResponse> HandleDeleteTopics(const Request& request, Call& call) {
  co_return co_await OnPool(call.services.pool,
                            [&] { return DeleteAll(request, call.version(), call.services); });
}

}  // namespace sluice::broker
