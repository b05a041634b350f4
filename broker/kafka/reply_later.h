// For answers that come after their handler: takes the request's slot along and sends from any thread.
//
//   call.services.groups.ShardOf(id)->Heartbeat(id, member, [reply = ReplyLater(call)](ErrorCode error)
//   mutable {
//     reply(response);
//   });
#pragma once

#include <utility>

#include "broker/kafka/call.h"
#include "broker/kafka/reply.h"

namespace sluice::broker {

// Thread-compatible. Called once; dropped, it closes the connection, as a slot does.
class ReplyLater {
 public:
  explicit ReplyLater(Call& call) : to_(call.reply_to), slot_(std::move(call.slot)) {}

  int16_t version() const { return to_.version; }
  template <class Message>
  void operator()(const Message& message) {
    SendReply(to_, message, slot_);
  }

 private:
  ReplyTo to_;
  ResponseSlot slot_;
};

}  // namespace sluice::broker
