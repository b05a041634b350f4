// One request on its way through its handler.
#pragma once

#include "broker/kafka/connection_state.h"
#include "broker/kafka/fetch_session_cache.h"
#include "broker/kafka/reply.h"
#include "broker/kafka/services.h"
#include "broker/net/request_handler.h"

namespace sluice::broker {

// Lives in the coroutine that serves the request, on the connection's network thread. A handler that returns
// a response leaves the slot alone; one that answers by itself (Produce, Fetch) uses or moves it.
struct Call {
  const Services& services;
  const ConnectionInfo& connection;
  KafkaConnection& state;
  FetchSessionCache& fetch_sessions;
  ReplyTo reply_to;
  ResponseSlot slot;

  int16_t version() const { return reply_to.version; }
};

}  // namespace sluice::broker
