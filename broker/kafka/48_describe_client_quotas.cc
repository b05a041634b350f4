// DescribeClientQuotas (48): which limits clients have. There are none; a filter that makes no sense is
// refused all the same, so that whoever wrote it learns of it here and not with the first broker that has
// quotas.
//
//   v0 the call      v1 flexible
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "broker/kafka/handlers.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Request = kafka::DescribeClientQuotasRequest;
using Response = kafka::DescribeClientQuotasResponse;

constexpr int8_t kExact = 0;
constexpr int8_t kAny = 2;

TopicError Invalid(std::string message) {
  return {.code = ErrorCode::kInvalidRequest, .message = std::move(message)};
}

TopicError CheckMatch(const Request::ComponentData& component) {
  if (component.match_type < kExact || component.match_type > kAny) {
    return Invalid(absl::StrCat("match type ", static_cast<int>(component.match_type), " of ",
                                component.entity_type, " is not 0 exact, 1 default or 2 any"));
  }
  if ((component.match_type == kExact) != component.match.has_value()) {
    return Invalid(absl::StrCat(component.entity_type, component.match.has_value()
                                                           ? " is given a name, but not to be matched exactly"
                                                           : " is to be matched exactly, but given no name"));
  }
  return {};
}

TopicError CheckType(absl::string_view type) {
  if (type.empty()) {
    return Invalid("an entity type is empty");
  }
  if (type != "user" && type != "client-id" && type != "ip") {
    return {.code = ErrorCode::kUnsupportedVersion,
            .message = absl::StrCat("entity type ", type, " is not user, client-id or ip")};
  }
  return {};
}

TopicError Check(const Request& request) {
  absl::flat_hash_set<absl::string_view> types;
  for (const auto& component : request.components) {
    if (!types.insert(component.entity_type).second) {
      return Invalid(absl::StrCat("entity type ", component.entity_type, " is there twice"));
    }
    if (TopicError error = CheckType(component.entity_type); !error.ok()) {
      return error;
    }
    if (TopicError error = CheckMatch(component); !error.ok()) {
      return error;
    }
  }
  return types.contains("ip") && types.size() > 1 ? Invalid("ip goes with no other entity type")
                                                  : TopicError{};
}

}  // namespace

kafka::DescribeClientQuotasResponse HandleDescribeClientQuotas(const Request& request, Call&) {
  kafka::DescribeClientQuotasResponse response;
  if (const TopicError error = Check(request); !error.ok()) {
    response.error_code = kafka::ToWire(error.code);
    response.error_message = error.message;
    return response;  // Entries stay null.
  }
  response.entries.emplace();
  return response;
}

}  // namespace sluice::broker
