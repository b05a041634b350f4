// A TCP connection to the broker on 127.0.0.1: frames out, frames in, and a time limit on everything.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "proto/base/bytes.h"
#include "proto/kafka/header.h"
#include "storage/disk/unique_fd.h"

namespace sluice::fuzz {

// Header and body with their length in front.
Bytes MakeFrame(int16_t key, int16_t version, int32_t correlation_id, ByteView body);

class Connection {
 public:
  // Not valid() when nobody listens.
  explicit Connection(uint16_t port, absl::Duration time_limit = absl::Seconds(20));

  bool valid() const { return fd_.valid(); }
  // What the peer does not take is dropped: it closed, and the next Receive says so.
  void Send(ByteView bytes);

  enum class Event { kFrame, kClosed, kSilent };
  // The next frame, without its length, into `*frame`.
  Event Receive(Bytes* frame);

  // The decoded answer to `request`; none when there was none, or not that one.
  template <class Request>
  std::optional<typename Request::Response> Call(const Request& request, int16_t version) {
    kafka::WireWriter body;
    request.Encode(body, version);
    Send(MakeFrame(Request::kApiKey, version, ++last_correlation_id_, body.buffer()));
    if (!body.ok() || Receive(&answer_) != Event::kFrame) {
      return std::nullopt;
    }
    kafka::WireReader in(answer_);
    int32_t correlation_id = 0;
    kafka::DecodeResponseHeader(in, Request::kApiKey, version, &correlation_id);
    typename Request::Response response;
    response.Decode(in, version);
    const bool good = in.ok() && in.remaining() == 0 && correlation_id == last_correlation_id_;
    return good ? std::optional(std::move(response)) : std::nullopt;
  }

 private:
  Event ReceiveAll(MutableByteView into);

  storage::UniqueFd fd_;
  int32_t last_correlation_id_ = 0;
  Bytes answer_;  // What the last answer of Call points into.
};

}  // namespace sluice::fuzz
