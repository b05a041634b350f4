// What the calls that change many things at once do with each of them: what a request names twice is refused,
// the rest is done one by one, and each succeeds or fails by itself.
#pragma once

#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "broker/kafka/resource_counts.h"
#include "broker/topic/catalog.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {

template <class Result>
void SetError(const TopicError& error, Result* result) {
  result->error_code = kafka::ToWire(error.code);
  if (!error.ok()) {
    result->error_message = error.message;
  }
}

// For lists of topics: a name that is there twice is refused, and answered, once. `answer(asked)` gives the
// place of the answer, `work(asked, place)` the error.
template <class Topics, class Answer, class Work>
void ForEachName(const Topics& topics, Answer answer, Work work) {
  absl::flat_hash_map<absl::string_view, int> counts;
  for (const auto& asked : topics) {
    ++counts[asked.name];
  }
  for (const auto& asked : topics) {
    const int count = std::exchange(counts[asked.name], 0);
    if (count == 0) {
      continue;
    }
    auto& result = answer(asked);
    SetError(count > 1 ? TopicError{.code = kafka::ErrorCode::kInvalidRequest,
                                    .message = "the topic is named more than once in the request"}
                       : work(asked, &result),
             &result);
  }
}

// For lists of resources with configs: one that is there twice is refused both times. `alter(resource)` gives
// the error.
template <class Response, class Request, class Alter>
Response AlterEach(const Request& request, Alter alter) {
  const ResourceCounts counts(request.resources);
  Response response;
  for (const auto& resource : request.resources) {
    auto& answer = response.responses.emplace_back();
    answer.resource_type = resource.resource_type;
    answer.resource_name = resource.resource_name;
    SetError(counts.IsDuplicate(resource) ? TopicError{.code = kafka::ErrorCode::kInvalidRequest,
                                                       .message = "the resource is named twice"}
                                          : alter(resource),
             &answer);
  }
  return response;
}

}  // namespace sluice::broker
