// A connection to a Kafka broker that waits in a coroutine, so that one thread can run hundreds of them.
//
//   AsyncConnection connection(context, {.port = port});
//   if (co_await connection.Connect()) {
//     const auto answer = co_await connection.Call(request, 4);     // Nothing: the connection ended.
//   }
//   co_await connection.Send(first, 9);  co_await connection.Send(second, 9);   // Pipelined.
//   co_await connection.Receive<kafka::OffsetCommitResponse>();
//
// Everything has a time limit, after which the connection closes. An answer that cannot be read is a bug of
// the broker: it ends the program. One coroutine at a time; the io_context's thread only.
#pragma once

#include <asio/buffer.hpp>
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/kafka/header.h"
#include "proto/kafka/wire_reader.h"
#include "proto/kafka/wire_writer.h"

namespace sluice {

class AsyncConnection {
 public:
  struct Options {
    asio::ip::address address = asio::ip::address_v4::loopback();
    uint16_t port = 0;
    std::chrono::milliseconds timeout = std::chrono::seconds(30);  // Of a connect, a send, an answer.
  };

  AsyncConnection(asio::io_context& context, const Options& options)
      : options_(options), io_(std::make_shared<Io>(context)), in_(kBufferSize) {}
  ~AsyncConnection() { Close(); }
  AsyncConnection(const AsyncConnection&) = delete;
  AsyncConnection& operator=(const AsyncConnection&) = delete;

  // Again after a close, too: what was awaited is forgotten.
  asio::awaitable<bool> Connect() {
    Close();
    asio::error_code error;
    Arm();
    co_await io_->socket.async_connect({options_.address, options_.port},
                                       asio::redirect_error(asio::use_awaitable, error));
    connected_ = !error;
    if (connected_) {
      io_->socket.set_option(asio::ip::tcp::no_delay(true), error);
    }
    Disarm();
    co_return connected_;
  }
  bool connected() const { return connected_; }

  void Close() {
    asio::error_code ignored;
    io_->socket.close(ignored);
    Disarm();
    connected_ = false;
    awaited_.clear();
    begin_ = end_ = 0;
  }

  // False: the connection ended, and is closed.
  template <class Request>
  asio::awaitable<bool> Send(const Request& request, int16_t version) {
    if (!connected_) {
      co_return false;
    }
    kafka::WireWriter out = kafka::WireWriter::Framed();
    kafka::RequestHeader header;
    header.api_key = Request::kApiKey;
    header.api_version = version;
    header.correlation_id = ++last_sent_;
    header.client_id = "async-connection";
    kafka::EncodeRequestHeader(out, header);
    request.Encode(out, version);
    out.FinishFrame();
    CHECK(out.ok());
    awaited_.push_back({version, header.correlation_id});
    asio::error_code error;
    Arm();
    co_await asio::async_write(io_->socket, asio::buffer(out.buffer().data(), out.buffer().size()),
                               asio::redirect_error(asio::use_awaitable, error));
    Disarm();
    co_return Survived(error);
  }

  // The answer to the oldest request that has none yet. Its views live until the next call.
  template <class Response>
  asio::awaitable<std::optional<Response>> Receive() {
    // One co_await a statement: GCC 12 traps where one stands behind || or in a condition.
    const bool has_length = co_await Fill(kLengthSize);
    if (!has_length) {
      co_return std::nullopt;
    }
    const auto size = static_cast<size_t>(LoadBigEndian<int32_t>(in_.data() + begin_));
    CHECK_LE(size, kFrameSizeMax);
    const bool is_whole = co_await Fill(kLengthSize + size);
    if (!is_whole) {
      co_return std::nullopt;
    }
    kafka::WireReader in(ByteView(in_).subspan(begin_ + kLengthSize, size));
    begin_ += kLengthSize + size;
    const Awaited awaited = awaited_.front();
    awaited_.pop_front();
    int32_t correlation_id = 0;
    kafka::DecodeResponseHeader(in, Response::kApiKey, awaited.version, &correlation_id);
    Response response;
    response.Decode(in, awaited.version);
    CHECK(in.ok() && in.remaining() == 0);
    CHECK_EQ(correlation_id, awaited.correlation_id);
    co_return response;
  }

  template <class Request>
  asio::awaitable<std::optional<typename Request::Response>> Call(const Request& request, int16_t version) {
    const bool sent = co_await Send(request, version);
    if (!sent) {
      co_return std::nullopt;
    }
    co_return co_await Receive<typename Request::Response>();
  }

 private:
  static constexpr size_t kLengthSize = 4;
  static constexpr size_t kBufferSize = 64 << 10;
  static constexpr size_t kFrameSizeMax = 64 << 20;

  // Shared with the timer's handler, which may run when the connection is gone.
  struct Io {
    explicit Io(asio::io_context& context) : socket(context), deadline(context) {}
    asio::ip::tcp::socket socket;
    asio::steady_timer deadline;
  };
  struct Awaited {
    int16_t version = 0;
    int32_t correlation_id = 0;
  };

  void Arm() {
    io_->deadline.expires_after(options_.timeout);
    io_->deadline.async_wait([io = io_](const asio::error_code& error) {
      // A handler that was under way when the deadline moved finds it in the future.
      if (!error && io->deadline.expiry() <= std::chrono::steady_clock::now()) {
        asio::error_code ignored;
        io->socket.close(ignored);
      }
    });
  }
  void Disarm() { io_->deadline.expires_at(std::chrono::steady_clock::time_point::max()); }

  bool Survived(const asio::error_code& error) {
    if (error) {
      Close();
    }
    return connected_;
  }

  // Until so many bytes lie at begin_.
  asio::awaitable<bool> Fill(size_t bytes) {
    if (!connected_ || end_ - begin_ >= bytes) {
      co_return connected_;
    }
    std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    if (in_.size() < bytes) {
      in_.resize(bytes);
    }
    Arm();
    while (end_ < bytes) {
      asio::error_code error;
      const size_t received =
          co_await io_->socket.async_read_some(asio::buffer(in_.data() + end_, in_.size() - end_),
                                               asio::redirect_error(asio::use_awaitable, error));
      if (!Survived(error)) {
        co_return false;
      }
      end_ += received;
    }
    Disarm();
    co_return true;
  }

  const Options options_;
  std::shared_ptr<Io> io_;
  bool connected_ = false;
  int32_t last_sent_ = 0;
  std::deque<Awaited> awaited_;
  Bytes in_;  // [begin_, end_) was received and not yet read.
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace sluice
