// SaslHandshake (17), v0-1: which SASL mechanism a client will use. The listeners are PLAINTEXT ones, so the
// answer is Kafka's on such a listener: ILLEGAL_SASL_STATE and no mechanisms.
#include "broker/kafka/handlers.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {

kafka::SaslHandshakeResponse HandleSaslHandshake(const kafka::SaslHandshakeRequest&, Call&) {
  kafka::SaslHandshakeResponse response;
  response.error_code = kafka::ToWire(kafka::ErrorCode::kIllegalSaslState);
  return response;
}

}  // namespace sluice::broker
