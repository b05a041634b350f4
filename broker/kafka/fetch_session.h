// Fetch sessions (KIP-227), as a broker that keeps none: every full fetch is answered with session id 0,
// which tells the client to send full fetches, as Kafka does when its cache is full.
#pragma once

#include <cstdint>

#include "proto/kafka/error_code.h"

namespace sluice::broker {

//   id    epoch
//   0     0        "open a session"                  a full fetch
//   0     -1       "no session"                      a full fetch
//   any   0 or -1  "close mine" (and open another)   a full fetch
//   any   > 0      "the next of mine"                FETCH_SESSION_ID_NOT_FOUND: we never gave out that id
inline kafka::ErrorCode CheckFetchSession(int32_t epoch) {
  return epoch == 0 || epoch == -1 ? kafka::ErrorCode::kNone : kafka::ErrorCode::kFetchSessionIdNotFound;
}

}  // namespace sluice::broker
