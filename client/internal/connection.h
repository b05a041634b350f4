// One TCP connection to a broker: pipelined requests, answers in order, ApiVersions first. Requests are
// written with their record batches as they lie in the producer's memory (scatter/gather), and answers are
// parsed where they were received. Loop thread only; kept alive by its pending handlers and whoever asked for
// it.
#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/internal/address.h"
#include "client/internal/buffer_pool.h"
#include "client/internal/io_loop.h"
#include "client/internal/resolver.h"
#include "proto/kafka/header.h"

namespace sluice::client_internal {

struct ConnectionOptions {
  std::string client_id;
  absl::Duration connect_timeout;
  size_t response_bytes_max = 0;
};

// An answer where it was received: `body` lies in `buffer`.
struct Frame {
  std::shared_ptr<const Buffer> buffer;
  ByteView body;
};

// A decoded answer; its views point into `buffer`.
template <class Message>
struct Answer {
  Message message;
  std::shared_ptr<const Buffer> buffer;
};

struct VersionRange {
  int16_t min = 0;
  int16_t max = -1;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using FrameHandler = absl::AnyInvocable<void(absl::StatusOr<Frame>)>;

  struct SendOptions {
    int16_t version = 0;
    absl::Duration timeout;
    std::span<const ByteView> external;  // By WireWriter::Cut::external_id; must live until the handler runs.
    bool expects_answer =
        true;  // Produce with acks=0 has none: the handler runs, with nothing, when written.
  };

  Connection(IoLoop& loop, std::shared_ptr<BufferPool> pool, Address address, ConnectionOptions options);
  ~Connection();

  // Once. `connected` runs when the handshake is done or has failed.
  void Connect(std::function<void(absl::Status)> connected);
  // Fails everything that is pending. Idempotent.
  void Close(const absl::Status& why);
  // Runs when an established connection ends, before the pending handlers.
  void OnClosed(std::function<void(absl::Status)> closed) { closed_handler_ = std::move(closed); }

  bool ready() const { return state_ == State::kReady; }
  const Address& address() const { return address_; }
  size_t pending_requests() const { return pending_.size(); }
  const absl::flat_hash_map<int16_t, VersionRange>& api_versions() const { return api_versions_; }

  // The highest version of a request that both sides know and that is not above `cap`; Unimplemented when
  // none is.
  absl::StatusOr<int16_t> Negotiate(int16_t api_key, int16_t cap = std::numeric_limits<int16_t>::max()) const;

  // The handler runs exactly once, never from inside this call. Unavailable when the connection breaks,
  // DeadlineExceeded when the answer is late (the connection is then closed: what follows would be late as
  // well).
  template <class Request>
  void Send(const Request& request, const SendOptions& options,
            absl::AnyInvocable<void(absl::StatusOr<Answer<typename Request::Response>>)> handler);

 private:
  enum class State { kNew, kConnecting, kReady, kClosed };

  struct Outgoing {
    kafka::WireWriter frame;
    std::vector<ByteView> external;
    FrameHandler written;  // Set when no answer comes.
  };
  struct Pending {
    int32_t correlation_id;
    int16_t api_key;
    int16_t version;
    absl::Duration deadline;
    absl::Duration timeout;
    FrameHandler handler;
  };

  template <class Response>
  static absl::StatusOr<Answer<Response>> Decode(const absl::StatusOr<Frame>& frame, int16_t version);

  void OnResolved(absl::StatusOr<Endpoints> endpoints);
  void OnTcpConnected(const asio::error_code& error, const Endpoints& tried);
  void SendApiVersions(int16_t version);
  void OnApiVersions(absl::StatusOr<Frame> frame, int16_t version);
  void FinishConnect(absl::Status status);
  absl::Status ConnectError(absl::string_view why, const Endpoints& tried) const;

  kafka::WireWriter StartFrame(int16_t api_key, int16_t version);
  void SendFrame(kafka::WireWriter frame, int16_t api_key, const SendOptions& options, FrameHandler handler);
  void StartWrite();
  void OnWritten(const asio::error_code& error);

  void StartRead();
  void MakeRoom();
  void OnRead(const asio::error_code& error, size_t bytes);
  // The size of the frame at parsed_, length field included, once that is there.
  std::optional<size_t> FrameSize();
  void HandleFrame(ByteView frame);

  void ArmTimer();
  void OnTimer();

  IoLoop& loop_;
  const std::shared_ptr<BufferPool> pool_;  // Shared with the buffers.
  const Address address_;
  const ConnectionOptions options_;
  State state_ = State::kNew;
  absl::Status closed_because_;

  absl::Duration connect_started_;
  absl::Duration connect_deadline_;
  std::function<void(absl::Status)> connected_handler_;
  std::function<void(absl::Status)> closed_handler_;
  std::unique_ptr<Resolution> resolution_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  absl::Duration timer_at_ = absl::InfiniteDuration();

  absl::flat_hash_map<int16_t, VersionRange> api_versions_;
  int32_t next_correlation_id_ = 0;
  std::deque<Pending> pending_;

  std::vector<Outgoing> queued_;
  std::vector<Outgoing> writing_;

  std::shared_ptr<Buffer> buffer_;
  size_t parsed_ = 0;  // Bytes of the buffer that were handled,
  size_t filled_ = 0;  // and that were received.
};

template <class Request>
void Connection::Send(const Request& request, const SendOptions& options,
                      absl::AnyInvocable<void(absl::StatusOr<Answer<typename Request::Response>>)> handler) {
  kafka::WireWriter frame = StartFrame(Request::kApiKey, options.version);
  request.Encode(frame, options.version);
  SendFrame(std::move(frame), Request::kApiKey, options,
            [version = options.version, handler = std::move(handler)](absl::StatusOr<Frame> answer) mutable {
              handler(Decode<typename Request::Response>(answer, version));
            });
}

template <class Response>
absl::StatusOr<Answer<Response>> Connection::Decode(const absl::StatusOr<Frame>& frame, int16_t version) {
  if (!frame.ok()) {
    return frame.status();
  }
  Answer<Response> answer{.message = {}, .buffer = frame->buffer};
  if (frame->body.empty()) {
    return answer;  // Nothing was to come.
  }
  kafka::WireReader in(frame->body);
  answer.message.Decode(in, version);
  if (!in.ok()) {
    return absl::DataLossError(absl::StrCat("the broker's ", Response::kName, " version ", version,
                                            " does not decode: ", in.error(),
                                            "; this is a fault of the broker or of this library: report it"));
  }
  return answer;
}

}  // namespace sluice::client_internal
