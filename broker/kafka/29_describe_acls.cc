// DescribeAcls (29): which access rules match a filter.
//
//   v1 prefixed patterns      v2 flexible      v3 the resource type user
//
// Nobody is asked who they are, so there are no rules: SECURITY_DISABLED, as Kafka says without an
// authorizer. That is what consoles probe for when they connect, and what they take for "no ACLs here" and
// not for a failure.
#include "broker/kafka/handlers.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {

kafka::DescribeAclsResponse HandleDescribeAcls(const kafka::DescribeAclsRequest&, Call&) {
  kafka::DescribeAclsResponse response;
  response.error_code = kafka::ToWire(kafka::ErrorCode::kSecurityDisabled);
  response.error_message = "this broker has no authorizer: everybody may do everything";
  return response;
}

}  // namespace sluice::broker
