// The door between the network and a protocol: net hands over whole frames, in order, and takes responses, in
// order.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "broker/net/response.h"
#include "proto/base/bytes.h"

namespace sluice::broker {

class Connection;

// The place of one request's answer in its connection's queue. Responses go out in the order of the requests,
// whenever and from whichever thread they are given. Exactly one of the three calls; later ones, and those on
// a connection that is gone, do nothing. A slot that is destroyed unanswered closes the connection.
class ResponseSlot {
 public:
  ResponseSlot() = default;
  ResponseSlot(std::shared_ptr<Connection> connection, uint64_t sequence);
  ResponseSlot(ResponseSlot&& other) noexcept;
  ResponseSlot& operator=(ResponseSlot&& other) noexcept;
  ~ResponseSlot();

  void Send(Response response);
  void SendNothing();  // Produce with acks=0: the request has no answer.
  // Answers what is before this slot, then closes; `reason` goes to the log.
  void Close(absl::string_view reason);

 private:
  std::shared_ptr<Connection>
      connection_;  // Shared with the other slots and the connection's own coroutines.
  uint64_t sequence_ = 0;
};

// What a protocol keeps per connection (client name, fetch positions). Network thread only. Lives as long as
// a slot or the Handle coroutine; the last slot destroys it, on whichever thread.
class ConnectionState {
 public:
  virtual ~ConnectionState() = default;
};

// A handler's view of the connection a frame came from. Lives as long as the slot or the Handle coroutine.
struct ConnectionInfo {
  std::string listener;    // The name of the listener that accepted it: "PLAINTEXT".
  std::string peer;        // "127.0.0.1:51234"
  std::string local_host;  // The address that the client connected to: what advertised.listeners defaults to.
  uint16_t local_port = 0;
  // The connection's network thread. May be posted to until the Server is destroyed; after Server::Stop()
  // what is posted no longer runs.
  asio::any_io_executor executor;
};

class RequestHandler {
 public:
  virtual ~RequestHandler() = default;

  virtual std::unique_ptr<ConnectionState> NewConnectionState() = 0;

  // Called on the connection's network thread once per frame (without the length prefix), in order. The
  // connection's next frame is not handed over before the coroutine ends; the answer may come later. `frame`
  // is valid until the coroutine ends. Must not block; what may block goes to the disk pool (disk_pool.h).
  virtual asio::awaitable<void> Handle(ByteView frame, const ConnectionInfo& connection,
                                       ConnectionState& state, ResponseSlot slot) = 0;
};

}  // namespace sluice::broker
