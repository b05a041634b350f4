// Any bytes as a message of any key and version, request or response. What decodes must encode, and decode again to
// the same; nothing may crash or read beyond the input.
//
// Input: one byte that chooses the message, one the version, then the body. A first byte of 0xff means a request with
// its header, as it would come from a socket (the seed corpus holds those that real clients sent).
#include <cstdint>

#include "proto/base/check.h"
#include "proto/kafka/gen/all_messages.h"
#include "proto/kafka/header.h"
#include "proto/kafka/wire_reader.h"
#include "proto/kafka/wire_writer.h"

namespace sluice::kafka {
namespace {

constexpr uint8_t kWithHeader = 0xff;

template <class Message>
void CheckBody(WireReader& in, int16_t version) {
  Message first;
  first.Decode(in, version);
  static_cast<void>(first.DebugText());
  if (!in.ok()) {
    return;
  }
  WireWriter out;
  first.Encode(out, version);
  CHECK(out.ok());
  WireReader again(out.buffer());
  Message second;
  second.Decode(again, version);
  CHECK(again.ok());
  CHECK_EQ(again.remaining(), 0u);
  CHECK(first == second);
}

void CheckChosen(uint8_t choice, int16_t version, WireReader& in) {
  int index = 0;
  VisitMessages([&](auto type) {
    if (index++ == choice) {
      CheckBody<typename decltype(type)::type>(in, version);
    }
  });
}

void CheckRequest(WireReader& in) {
  RequestHeader header;
  DecodeRequestHeader(in, &header);
  VisitMessages([&](auto type) {
    using Message = typename decltype(type)::type;
    if constexpr (requires { typename Message::Response; }) {
      if (in.ok() && Message::kApiKey == header.api_key) {
        CheckBody<Message>(in, header.api_version);
      }
    }
  });
}

}  // namespace
}  // namespace sluice::kafka

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  if (size < 2) {
    return 0;
  }
  // A copy of its own, so that a read of one byte too many is seen.
  const auto* start = reinterpret_cast<const std::byte*>(data);
  if (data[0] == kafka::kWithHeader) {
    const Bytes frame(start + 1, start + size);
    kafka::WireReader in(frame);
    kafka::CheckRequest(in);
    return 0;
  }
  const Bytes body(start + 2, start + size);
  kafka::WireReader in(body);
  kafka::CheckChosen(data[0], data[1], in);
  return 0;
}
