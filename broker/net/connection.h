// One client's connection, on one network thread for life: bytes in, frames to the handler, answers out.
//
//   recv -> ReceiveBuffer -> RequestHandler::Handle -> ResponseSlot -> ResponseQueue -> ResponseWriter ->
//   socket
//
// A coroutine reads. Writing happens in a plain call, posted when the next answer in order is given, so that
// all answers to what one recv brought leave together; a second coroutine takes over only when the socket is
// full or a file is not resident.
//
// Ownership: shared by the reading and the writing coroutine and by the response slots. The socket, and every
// tie to the server, ends with Close(); an object that only slots still hold is inert.
#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "broker/net/connection_host.h"
#include "broker/net/connection_limits.h"
#include "broker/net/receive_buffer.h"
#include "broker/net/request_handler.h"
#include "broker/net/response_queue.h"
#include "broker/net/response_writer.h"

namespace sluice::broker {

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  // `host` must outlive everything but an inert connection.
  Connection(ConnectionHost& host, asio::ip::tcp::socket socket, ConnectionInfo info);

  // Any thread: the answer to request `sequence`.
  void Complete(uint64_t sequence, Answer answer);

  // The rest: network thread only, or no thread of the server runs.
  void Start(ConnectionLimits::Ticket ticket);
  // Takes no more requests; closes once those in flight are answered.
  void FinishInFlight();
  void Close(LogLevel level, absl::string_view reason);
  // Once per tick.
  void CheckDeadlines();

 private:
  // What lives on the io_context; gone once the connection is closed.
  struct Io {
    asio::ip::tcp::socket socket;
    std::shared_ptr<ConnectionLimits::Ticket> ticket;  // Shared with the reading coroutine.
    asio::steady_timer room;  // Never expires: cancelled when an answer left and the reader waits for that.
  };

  asio::awaitable<void> Read(std::shared_ptr<Connection> self,
                             std::shared_ptr<ConnectionLimits::Ticket> ticket);
  asio::awaitable<void> HandleFrames();
  asio::awaitable<void> AwaitReadable();
  asio::awaitable<void> AwaitBudget();
  asio::awaitable<void> AwaitRoom();
  // In the queue of answers.
  bool HasRoom() const;
  bool MayRead() const { return !closed_ && !finishing_; }
  bool Receive();

  bool Put(uint64_t sequence, Answer answer);
  void Deliver(uint64_t sequence, Answer answer);
  void DeliverInbox();
  void Flush();
  WriteStep WriteSome();
  asio::awaitable<void> Write(std::shared_ptr<Connection> self, WriteStep step);
  asio::awaitable<void> ReadCold();
  void EndWrite(WriteStep step);
  void CloseIfFinished();
  void OnCoroutineEnd(std::exception_ptr error);

  // Set at construction.
  ConnectionHost& host_;
  const NetworkThread* const thread_;
  const ConnectionInfo info_;
  const std::unique_ptr<ConnectionState> state_;

  // Network thread only.
  std::unique_ptr<Io> io_;
  ReceiveBuffer in_;
  ResponseQueue queue_;
  ResponseWriter writer_;
  bool closed_ = false;
  bool finishing_ = false;       // No more requests are read.
  bool reading_ = true;          // The reading coroutine has not ended.
  bool await_readable_ = false;  // It waits for bytes.
  bool await_room_ = false;      // It waits for answers to leave.
  bool flush_posted_ = false;
  bool writing_ = false;  // The writing coroutine runs.
  bool await_cold_ = false;
  uint64_t sent_bytes_seen_ = 0;
  absl::Duration active_at_;
  absl::Duration write_moved_at_;
  std::optional<absl::Duration> request_began_at_;  // Of the request that has arrived in part.

  // Answers from other threads; all that wait are delivered by one posted call.
  absl::Mutex mu_;
  std::vector<std::pair<uint64_t, Answer>> inbox_ ABSL_GUARDED_BY(mu_);
  bool inbox_closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sluice::broker
