#include "tests/fuzz/tcp/request_kind.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/kafka/gen/all_messages.h"
#include "proto/kafka/header.h"
#include "tests/unit/kafka_wire/random_messages.h"

namespace sluice::fuzz {
namespace {

constexpr int32_t kFetchWaitMsMax = 10;
constexpr int32_t kGroupWaitMsMax = 100;

bool Lower(int32_t* value, int32_t max) {
  const bool lowers = *value > max;
  *value = std::min(*value, max);
  return lowers;
}

// True when something was changed.
template <class Request>
bool ShortenWaits(Request* request) {
  bool changed = false;
  if constexpr (requires { request->max_wait_ms; }) {
    changed |= Lower(&request->max_wait_ms, kFetchWaitMsMax);
  }
  if constexpr (requires { request->session_timeout_ms; }) {
    changed |= Lower(&request->session_timeout_ms, kGroupWaitMsMax);
  }
  if constexpr (requires { request->rebalance_timeout_ms; }) {
    changed |= Lower(&request->rebalance_timeout_ms, kGroupWaitMsMax);
  }
  return changed;
}

template <class Request>
Bytes MakeBody(kafka::Randomizer& randomizer, int16_t version) {
  Request request;
  kafka::Randomize(randomizer, version, &request);
  kafka::WireWriter out;
  request.Encode(out, version);
  CHECK(out.ok());
  return out.Take();
}

template <class Request>
std::optional<Reading> Read(ByteView body, int16_t version) {
  kafka::WireReader in(body);
  Request request;
  request.Decode(in, version);
  if (!in.ok()) {
    return std::nullopt;
  }
  Reading reading{.body = Bytes(body.begin(), body.end())};  // What follows the last field is not read.
  if constexpr (requires { request.acks; }) {
    reading.wants_no_answer = request.acks == 0;
  }
  if (ShortenWaits(&request)) {
    kafka::WireWriter out;
    request.Encode(out, version);
    CHECK(out.ok());
    reading.body = out.Take();
  }
  return reading;
}

template <class Response>
std::string CheckAnswer(ByteView frame, int16_t key, int16_t version) {
  kafka::WireReader in(frame);
  int32_t correlation_id = 0;
  kafka::DecodeResponseHeader(in, key, version, &correlation_id);
  Response response;
  response.Decode(in, version);
  if (!in.ok()) {
    return std::string(in.error());
  }
  return in.remaining() == 0 ? "" : absl::StrCat(in.remaining(), " bytes follow the end of the answer");
}

template <class Request>
RequestKind KindOf() {
  return {.key = Request::kApiKey,
          .name = Request::kName,
          .min_version = Request::kMinVersion,
          .max_version = Request::kMaxVersion,
          .make_body = MakeBody<Request>,
          .read = Read<Request>,
          .check_answer = [](ByteView frame, int16_t version) {
            return CheckAnswer<typename Request::Response>(frame, Request::kApiKey, version);
          }};
}

std::vector<RequestKind> AllKinds() {
  std::vector<RequestKind> kinds;
  kafka::VisitMessages([&kinds](auto type) {
    using Message = typename decltype(type)::type;
    if constexpr (requires { typename Message::Response; }) {
      kinds.push_back(KindOf<Message>());
    }
  });
  std::ranges::sort(kinds, {}, &RequestKind::key);
  return kinds;
}

}  // namespace

std::span<const RequestKind> RequestKinds() {
  static const auto* const kinds = new std::vector<RequestKind>(AllKinds());
  return *kinds;
}

const RequestKind* FindKind(int16_t key) {
  const std::span<const RequestKind> kinds = RequestKinds();
  const auto found = std::ranges::lower_bound(kinds, key, {}, &RequestKind::key);
  return found != kinds.end() && found->key == key ? &*found : nullptr;
}

}  // namespace sluice::fuzz
