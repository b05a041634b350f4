#include <algorithm>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "client/internal/admin_call.h"
#include "proto/kafka/gen/describe_configs.h"
#include "proto/kafka/gen/incremental_alter_configs.h"
#include "sluice/admin.h"

namespace sluice {
namespace {

using client_internal::CallWithRetries;
using client_internal::KafkaStatus;

std::string NameOf(const ConfigResource& resource) {
  return absl::StrCat(resource.type == ConfigResourceType::kTopic ? "topic" : "broker", " \"", resource.name,
                      "\"");
}

// A broker's own settings only that broker knows; a topic's any does.
int32_t TargetOf(const ConfigResource& resource, int32_t otherwise) {
  int32_t node = 0;
  const char* end = resource.name.data() + resource.name.size();
  const bool is_number =
      std::from_chars(resource.name.data(), end, node).ptr == end && !resource.name.empty();
  return resource.type == ConfigResourceType::kBroker && is_number ? node : otherwise;
}

constexpr auto kNeverMisdirected = [](const auto&) { return false; };

}  // namespace

absl::StatusOr<std::vector<ConfigEntry>> Admin::DescribeConfigs(const ConfigResource& resource) {
  kafka::DescribeConfigsRequest request;
  constexpr int16_t kHasDocumentation = 3;
  request.include_documentation =
      client_internal::CommonVersion(core_, kafka::DescribeConfigsRequest::kApiKey) >= kHasDocumentation;
  auto& wanted = request.resources.emplace_back();
  wanted.resource_type = static_cast<int8_t>(resource.type);
  wanted.resource_name = resource.name;
  ASSIGN_OR_RETURN(const auto answer, CallWithRetries(core_, TargetOf(resource, client_internal::kAnyBroker),
                                                      request, kNeverMisdirected));
  const std::string what = absl::StrCat("describe the configuration of ", NameOf(resource));
  if (answer.message.results.empty()) {
    return absl::InternalError(absl::StrCat(what, ": the broker's answer is empty"));
  }
  const auto& result = answer.message.results.front();
  RETURN_IF_ERROR(KafkaStatus(result.error_code, what, result.error_message.value_or("")));
  std::vector<ConfigEntry> entries;
  for (const auto& config : result.configs) {
    entries.push_back({.name = config.name,
                       .value = config.value,
                       .source = static_cast<ConfigEntry::Source>(std::max<int8_t>(config.config_source, 0)),
                       .read_only = config.read_only,
                       .sensitive = config.is_sensitive,
                       .documentation = config.documentation.value_or("")});
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

absl::Status Admin::AlterConfigs(const ConfigResource& resource, const std::vector<ConfigChange>& changes,
                                 bool validate_only) {
  kafka::IncrementalAlterConfigsRequest request;
  request.validate_only = validate_only;
  auto& target = request.resources.emplace_back();
  target.resource_type = static_cast<int8_t>(resource.type);
  target.resource_name = resource.name;
  for (const ConfigChange& change : changes) {
    auto& config = target.configs.emplace_back();
    config.name = change.name;
    config.config_operation = static_cast<int8_t>(change.operation);
    config.value = change.value;
  }
  ASSIGN_OR_RETURN(
      const auto answer,
      CallWithRetries(core_, TargetOf(resource, client_internal::kController), request,
                      [](const kafka::IncrementalAlterConfigsResponse& response) {
                        return !response.responses.empty() &&
                               client_internal::IsNotController(response.responses.front().error_code);
                      }));
  const std::string what = absl::StrCat("alter the configuration of ", NameOf(resource));
  if (answer.message.responses.empty()) {
    return absl::InternalError(absl::StrCat(what, ": the broker's answer is empty"));
  }
  const auto& result = answer.message.responses.front();
  return KafkaStatus(result.error_code, what, result.error_message.value_or(""));
}

}  // namespace sluice
