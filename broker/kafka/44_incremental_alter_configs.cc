// IncrementalAlterConfigs (44): sets, deletes, appends to and subtracts from single configs of a topic, of a
// group, or of the broker while it runs (KIP-339).
//
//   v0 the call      v1 flexible
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "broker/kafka/config_resource.h"
#include "broker/kafka/each_once.h"
#include "broker/kafka/handlers.h"
#include "broker/net/disk_pool.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::IncrementalAlterConfigsRequest;
using Response = kafka::IncrementalAlterConfigsResponse;
using Op = ConfigChange::Op;

TopicError Invalid(std::string message) {
  return {.code = ErrorCode::kInvalidRequest, .message = std::move(message)};
}

TopicError ToChange(const Request::AlterableConfig& config, ConfigChange* change) {
  constexpr Op kOps[] = {Op::kSet, Op::kDelete, Op::kAppend, Op::kSubtract};  // By their number on the wire.
  if (config.config_operation < 0 || config.config_operation >= std::ssize(kOps)) {
    return Invalid(absl::StrCat(config.name, ": operation ", static_cast<int>(config.config_operation),
                                " is not one of 0 set, 1 delete, 2 append, 3 subtract"));
  }
  change->name = config.name;
  change->op = kOps[config.config_operation];
  if (change->op != Op::kDelete && !config.value.has_value()) {
    return Invalid(absl::StrCat(config.name, " is given no value"));
  }
  change->value = config.value.value_or("");
  return {};
}

TopicError Collect(const Request::AlterConfigsResource& resource, std::vector<ConfigChange>* changes) {
  absl::flat_hash_set<absl::string_view> names;
  for (const auto& config : resource.configs) {
    if (!names.insert(config.name).second) {
      return Invalid(absl::StrCat(config.name, " is given twice"));
    }
    if (TopicError error = ToChange(config, &changes->emplace_back()); !error.ok()) {
      return error;
    }
  }
  return {};
}

// Blocks.
TopicError Alter(const Request::AlterConfigsResource& resource, bool validate_only,
                 const Services& services) {
  ConfigResource found = FindAlterableResource(resource.resource_type, resource.resource_name, services);
  if (!found.error.ok()) {
    return found.error;
  }
  std::vector<ConfigChange> changes;
  if (TopicError error = Collect(resource, &changes); !error.ok()) {
    return error;
  }
  if (found.kind == ConfigResource::Kind::kGroup) {
    return services.groups.configs().Change(resource.resource_name, changes, validate_only);
  }
  return found.topic != nullptr
             ? services.catalog.ChangeConfigs(resource.resource_name, changes, validate_only)
             : services.catalog.ChangeBrokerConfigs(ScopeOf(found), changes, validate_only);
}

// Blocks.
Response AlterAll(const Request& request, const Services& services) {
  return AlterEach<Response>(request, [&](const Request::AlterConfigsResource& resource) {
    return Alter(resource, request.validate_only, services);
  });
}

}  // namespace

asio::awaitable<kafka::IncrementalAlterConfigsResponse> HandleIncrementalAlterConfigs(const Request& request,
                                                                                      Call& call) {
  co_return co_await OnPool(call.services.pool, [&] { return AlterAll(request, call.services); });
}

}  // namespace sluice::broker
