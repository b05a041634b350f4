// InitProducerId (22): an id for an idempotent producer (KIP-98).
//
//   v2 flexible      v3 the producer's old id and epoch (KIP-360)      v4 PRODUCER_FENCED is known      v5
//   TV2
//
// A producer without a transactional id gets a new id with epoch 0, whatever id it had: it raises its epoch
// by itself. A transactional id is refused with INVALID_REQUEST, which clients report and do not repeat: this
// broker serves no transactions yet.
#include "broker/kafka/handlers.h"
#include "broker/net/disk_pool.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using Response = kafka::InitProducerIdResponse;

Response Refuse(ErrorCode code) {
  Response response;
  response.error_code = kafka::ToWire(code);
  response.producer_epoch = kNoProducerEpoch.value();
  return response;
}

ErrorCode Check(const kafka::InitProducerIdRequest& request) {
  const bool has_id = request.producer_id != kNoProducerId.value();
  const bool has_epoch = request.producer_epoch != kNoProducerEpoch.value();
  return request.transactional_id.has_value() || has_id != has_epoch ? ErrorCode::kInvalidRequest
                                                                     : ErrorCode::kNone;
}

}  // namespace

asio::awaitable<kafka::InitProducerIdResponse> HandleInitProducerId(
    const kafka::InitProducerIdRequest& request, Call& call) {
  if (const ErrorCode error = Check(request); error != ErrorCode::kNone) {
    co_return Refuse(error);
  }
  ProducerIdAllocator& producer_ids = call.services.producer_ids;
  absl::StatusOr<ProducerId> id = kNoProducerId;
  if (const std::optional<ProducerId> ready = producer_ids.TryNext(); ready.has_value()) {
    id = *ready;
  } else {
    id = co_await OnPool(call.services.pool, [&producer_ids] { return producer_ids.Next(); });
  }
  if (!id.ok()) {
    co_return Refuse(ErrorCode::kCoordinatorLoadInProgress);  // Makes the client try again.
  }
  kafka::InitProducerIdResponse response;
  response.producer_id = id->value();
  co_return response;
}

}  // namespace sluice::broker
