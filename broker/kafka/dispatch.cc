#include "broker/kafka/dispatch.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/kafka/api_table.h"
#include "broker/kafka/call.h"
#include "broker/kafka/handlers.h"
#include "proto/kafka/header.h"

namespace sluice::broker {
namespace {

// Key, version and correlation id: what every request starts with.
constexpr size_t kFixedHeaderSize = 8;

// Decided before the rest of the header is looked at: a version from the future may have another one.
bool IsUnknownApiVersions(ByteView frame, const kafka::RequestHeader& header) {
  return frame.size() >= kFixedHeaderSize && header.api_key == kafka::ApiVersionsRequest::kApiKey &&
         !FindApiRow(header.api_key)->Serves(header.api_version);
}

void AnswerUnknownApiVersions(int32_t correlation_id, ResponseSlot& slot) {
  const ReplyTo to{.key = kafka::ApiKey::kApiVersions, .version = 0, .correlation_id = correlation_id};
  SendReply(to, UnsupportedApiVersions(), slot);
}

// Null after the slot was answered.
const ApiRow* Route(ByteView frame, const kafka::WireReader& in, const kafka::RequestHeader& header,
                    ResponseSlot& slot) {
  if (IsUnknownApiVersions(frame, header)) {
    AnswerUnknownApiVersions(header.correlation_id, slot);
    return nullptr;
  }
  if (!in.ok()) {
    slot.Close(absl::StrCat("malformed request header: ", in.error()));
    return nullptr;
  }
  const ApiRow* row = FindApiRow(header.api_key);
  if (row == nullptr || !row->Serves(header.api_version)) {
    slot.Close(absl::StrCat("API key ", header.api_key, " version ", header.api_version,
                            " is not served; ApiVersions tells what is"));
    return nullptr;
  }
  return row;
}

FetchSessionLimits LimitsOf(const BrokerConfig& config) {
  return {.slots = static_cast<size_t>(config.Int("max.incremental.fetch.session.cache.slots")),
          .bytes_max = static_cast<uint64_t>(config.Int("sluice.fetch.session.cache.bytes"))};
}

}  // namespace

KafkaService::KafkaService(Services services)
    : services_(std::move(services)),
      fetch_sessions_(LimitsOf(services_.config), services_.clock, Random::FromSystem()) {}

std::unique_ptr<ConnectionState> KafkaService::NewConnectionState() {
  return std::make_unique<KafkaConnection>();
}

asio::awaitable<void> KafkaService::Handle(ByteView frame, const ConnectionInfo& connection,
                                           ConnectionState& state, ResponseSlot slot) {
  kafka::WireReader in(frame);
  kafka::RequestHeader header;
  kafka::DecodeRequestHeader(in, &header);
  const ApiRow* row = Route(frame, in, header, slot);
  if (row == nullptr) {
    co_return;
  }
  auto& kafka_state = static_cast<KafkaConnection&>(state);
  if (header.client_id.has_value() && kafka_state.client_id != *header.client_id) {
    kafka_state.client_id = *header.client_id;
  }
  Call call{
      .services = services_,
      .connection = connection,
      .state = kafka_state,
      .fetch_sessions = fetch_sessions_,
      .reply_to = {.key = row->key, .version = header.api_version, .correlation_id = header.correlation_id},
      .slot = std::move(slot)};
  // Asio and the standard library may throw (an operation that was cancelled, memory that ran out).
  try {
    co_await row->serve(in, call);
  } catch (const std::exception& error) {
    call.slot.Close(absl::StrCat("serving API key ", header.api_key, " failed: ", error.what()));
  }
}

}  // namespace sluice::broker
