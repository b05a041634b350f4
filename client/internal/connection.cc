#include "client/internal/connection.h"

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/connect.hpp>
#include <asio/write.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/internal/status.h"
#include "proto/base/endian.h"
#include "proto/kafka/gen/api_versions.h"

namespace sluice::client_internal {
namespace {

using kafka::ErrorCode;

// One recv per header costs three times as much as one for many answers.
constexpr size_t kReceiveBytes = size_t{256} << 10;
// With less room than this the next read starts a new buffer.
constexpr size_t kRoomMin = size_t{16} << 10;
constexpr size_t kFrameLengthSize = 4;
// The version with which every broker since Kafka 2.4 can be greeted; older ones name theirs (KIP-511).
constexpr int16_t kFirstApiVersions = 3;

std::chrono::steady_clock::duration ToChrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

}  // namespace

Connection::Connection(IoLoop& loop, std::shared_ptr<BufferPool> pool, Address address,
                       ConnectionOptions options)
    : loop_(loop),
      pool_(std::move(pool)),
      address_(std::move(address)),
      options_(std::move(options)),
      socket_(loop.context()),
      timer_(loop.context()) {}

Connection::~Connection() = default;

void Connection::Connect(std::function<void(absl::Status)> connected) {
  connected_handler_ = std::move(connected);
  state_ = State::kConnecting;
  connect_started_ = MonotonicNow();
  connect_deadline_ = connect_started_ + options_.connect_timeout;
  ArmTimer();
  resolution_ = std::make_unique<Resolution>(
      loop_.context(), address_,
      [this](absl::StatusOr<Endpoints> endpoints) { OnResolved(std::move(endpoints)); });
}

void Connection::OnResolved(absl::StatusOr<Endpoints> endpoints) {
  resolution_.reset();
  if (!endpoints.ok()) {
    Close(ConnectError(endpoints.status().message(), {}));
    return;
  }
  asio::async_connect(socket_, *endpoints,
                      [self = shared_from_this(), tried = *endpoints](const asio::error_code& error,
                                                                      const asio::ip::tcp::endpoint&) {
                        self->OnTcpConnected(error, tried);
                      });
}

void Connection::OnTcpConnected(const asio::error_code& error, const Endpoints& tried) {
  if (state_ != State::kConnecting) {
    return;
  }
  if (error) {
    Close(ConnectError(error.message(), tried));
    return;
  }
  asio::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  socket_.non_blocking(true, ignored);
  StartRead();
  SendApiVersions(kFirstApiVersions);
}

absl::Status Connection::ConnectError(absl::string_view why, const Endpoints& tried) const {
  std::string details;
  if (!tried.empty()) {
    details = absl::StrCat("tried ",
                           absl::StrJoin(tried, ", ",
                                         [](std::string* out, const auto& endpoint) {
                                           out->append(endpoint.address().to_string());
                                         }),
                           "; ");
  }
  const int64_t elapsed_ms = absl::ToInt64Milliseconds(MonotonicNow() - connect_started_);
  return absl::UnavailableError(absl::StrCat("cannot reach broker ", address_.ToString(), ": ", why, " (",
                                             details, elapsed_ms, " ms)"));
}

void Connection::SendApiVersions(int16_t version) {
  kafka::ApiVersionsRequest request;
  request.client_software_name = "sluice";
  request.client_software_version = "0.1.0";
  kafka::WireWriter frame = StartFrame(kafka::ApiVersionsRequest::kApiKey, version);
  request.Encode(frame, version);
  SendFrame(std::move(frame), kafka::ApiVersionsRequest::kApiKey,
            {.version = version, .timeout = options_.connect_timeout, .external = {}},
            [self = shared_from_this(), version](absl::StatusOr<Frame> answer) {
              self->OnApiVersions(std::move(answer), version);
            });
}

// A broker that does not know the version answers in the layout of version 0, with its own range of versions
// of this one request (or, if it is very old, with nothing).
void Connection::OnApiVersions(absl::StatusOr<Frame> frame, int16_t version) {
  if (state_ != State::kConnecting) {
    return;
  }
  if (!frame.ok()) {
    Close(ConnectError(absl::StrCat("the ApiVersions handshake failed: ", frame.status().message()), {}));
    return;
  }
  const bool is_error = frame->body.size() >= 2 && LoadBigEndian<int16_t>(frame->body.data()) != 0;
  auto answer = Decode<kafka::ApiVersionsResponse>(frame, is_error ? int16_t{0} : version);
  if (!answer.ok()) {
    Close(ConnectError(answer.status().message(), {}));
    return;
  }
  if (answer->message.error_code == kafka::ToWire(ErrorCode::kUnsupportedVersion) && version > 0) {
    int16_t next = 0;
    for (const auto& api : answer->message.api_keys) {
      if (api.api_key == kafka::ApiVersionsRequest::kApiKey) {
        next = std::min<int16_t>(api.max_version, static_cast<int16_t>(version - 1));
      }
    }
    SendApiVersions(std::max<int16_t>(next, 0));
    return;
  }
  if (answer->message.error_code != 0) {
    Close(KafkaStatus(answer->message.error_code,
                      absl::StrCat("the ApiVersions handshake with broker ", address_.ToString())));
    return;
  }
  for (const auto& api : answer->message.api_keys) {
    api_versions_[api.api_key] = {api.min_version, api.max_version};
  }
  FinishConnect(absl::OkStatus());
}

void Connection::FinishConnect(absl::Status status) {
  if (status.ok()) {
    state_ = State::kReady;
  }
  if (auto connected = std::exchange(connected_handler_, nullptr)) {
    connected(std::move(status));
  }
}

void Connection::Close(const absl::Status& why) {
  if (state_ == State::kClosed) {
    return;
  }
  const std::shared_ptr<Connection> self = shared_from_this();  // The handlers may drop the last reference.
  const bool was_ready = state_ == State::kReady;
  state_ = State::kClosed;
  closed_because_ = why;
  resolution_.reset();
  asio::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  if (auto closed = std::exchange(closed_handler_, nullptr); closed && was_ready) {
    closed(why);
  }
  FinishConnect(why);
  for (Pending& pending : std::exchange(pending_, {})) {
    pending.handler(why);
  }
  for (auto* outgoing : {&writing_, &queued_}) {
    for (Outgoing& out : std::exchange(*outgoing, {})) {
      if (out.written) {
        out.written(why);
      }
    }
  }
}

absl::StatusOr<int16_t> Connection::Negotiate(int16_t api_key, int16_t cap) const {
  const kafka::ApiInfo* ours = kafka::FindApi(api_key);
  const auto theirs = api_versions_.find(api_key);
  const std::string name = ours != nullptr ? std::string(ours->name) : absl::StrCat("request ", api_key);
  if (theirs == api_versions_.end()) {
    return KafkaStatus(ErrorCode::kUnsupportedVersion, absl::StrCat(name, " to broker ", address_.ToString()),
                       "the broker does not serve this request", "a newer broker may");
  }
  const int16_t high = std::min({ours->max_version, theirs->second.max, cap});
  if (high < std::max(ours->min_version, theirs->second.min)) {
    return KafkaStatus(
        ErrorCode::kUnsupportedVersion, absl::StrCat(name, " to broker ", address_.ToString()),
        absl::StrCat("the broker serves versions ", theirs->second.min, " to ", theirs->second.max,
                     ", this library speaks ", ours->min_version, " to ", ours->max_version),
        "upgrade the older of the two");
  }
  return high;
}

kafka::WireWriter Connection::StartFrame(int16_t api_key, int16_t version) {
  kafka::WireWriter frame = kafka::WireWriter::Framed();
  kafka::RequestHeader header;
  header.api_key = api_key;
  header.api_version = version;
  header.correlation_id = next_correlation_id_;
  header.client_id = options_.client_id;
  kafka::EncodeRequestHeader(frame, header);
  return frame;
}

void Connection::SendFrame(kafka::WireWriter frame, int16_t api_key, const SendOptions& options,
                           FrameHandler handler) {
  frame.FinishFrame();
  absl::Status problem = closed_because_;
  if (state_ == State::kNew) {
    problem = absl::InternalError("request sent before Connect");
  } else if (!frame.ok()) {
    problem = absl::InvalidArgumentError(
        absl::StrCat("a request to broker ", address_.ToString(), " cannot be encoded: ", frame.error()));
  }
  if (!problem.ok()) {
    loop_.Post([handler = std::move(handler), problem]() mutable { handler(problem); });
    return;
  }
  Outgoing out{.frame = std::move(frame),
               .external = {options.external.begin(), options.external.end()},
               .written = nullptr};
  if (options.expects_answer) {
    pending_.push_back({.correlation_id = next_correlation_id_,
                        .api_key = api_key,
                        .version = options.version,
                        .deadline = MonotonicNow() + options.timeout,
                        .timeout = options.timeout,
                        .handler = std::move(handler)});
    if (pending_.back().deadline < timer_at_) {
      ArmTimer();
    }
  } else {
    out.written = std::move(handler);
  }
  next_correlation_id_ = (next_correlation_id_ + 1) & std::numeric_limits<int32_t>::max();
  queued_.push_back(std::move(out));
  if (writing_.empty()) {
    StartWrite();
  }
}

void Connection::StartWrite() {
  writing_ = std::exchange(queued_, {});
  std::vector<asio::const_buffer> buffers;
  for (const Outgoing& out : writing_) {
    const ByteView bytes = out.frame.buffer();
    size_t from = 0;
    for (const auto& cut : out.frame.cuts()) {
      buffers.emplace_back(bytes.data() + from, cut.position - from);
      const ByteView external = out.external[cut.external_id];
      buffers.emplace_back(external.data(), external.size());
      from = cut.position;
    }
    buffers.emplace_back(bytes.data() + from, bytes.size() - from);
  }
  asio::async_write(socket_, buffers, [self = shared_from_this()](const asio::error_code& error, size_t) {
    self->OnWritten(error);
  });
}

void Connection::OnWritten(const asio::error_code& error) {
  if (state_ == State::kClosed) {
    return;
  }
  if (error) {
    Close(absl::UnavailableError(absl::StrCat("the connection to broker ", address_.ToString(),
                                              " broke while writing: ", error.message())));
    return;
  }
  std::vector<Outgoing> written = std::exchange(writing_, {});
  if (!queued_.empty()) {
    StartWrite();
  }
  for (Outgoing& out : written) {
    if (out.written) {
      out.written(Frame{});
    }
  }
}

void Connection::StartRead() {
  MakeRoom();
  socket_.async_read_some(asio::buffer(buffer_->data() + filled_, buffer_->size() - filled_),
                          [self = shared_from_this()](const asio::error_code& error, size_t bytes) {
                            self->OnRead(error, bytes);
                          });
}

// A buffer whose frames nobody kept is used from its start again; one that somebody holds is only ever
// written where nothing was received yet.
void Connection::MakeRoom() {
  const size_t partial = filled_ - parsed_;
  const size_t needed = std::max(FrameSize().value_or(kFrameLengthSize), partial + 1);
  if (buffer_ != nullptr) {
    if (partial == 0 && buffer_.use_count() == 1) {
      parsed_ = filled_ = 0;
    }
    const size_t room = buffer_->size() - filled_;
    if (buffer_->size() - parsed_ >= needed && (room >= kRoomMin || partial > 0)) {
      return;
    }
  }
  std::shared_ptr<Buffer> next = pool_->Take(std::max(needed, kReceiveBytes));
  if (partial > 0) {
    std::memcpy(next->data(), buffer_->data() + parsed_, partial);
  }
  buffer_ = std::move(next);
  parsed_ = 0;
  filled_ = partial;
}

std::optional<size_t> Connection::FrameSize() {
  if (buffer_ == nullptr || filled_ - parsed_ < kFrameLengthSize) {
    return std::nullopt;
  }
  return kFrameLengthSize + LoadBigEndian<uint32_t>(buffer_->data() + parsed_);
}

void Connection::OnRead(const asio::error_code& error, size_t bytes) {
  if (state_ == State::kClosed) {
    return;
  }
  if (error) {
    Close(absl::UnavailableError(absl::StrCat(
        "broker ", address_.ToString(), " closed the connection: ", error.message(),
        pending_.empty() ? "" : absl::StrCat(" (", pending_.size(), " answers were outstanding)"))));
    return;
  }
  filled_ += bytes;
  for (std::optional<size_t> size = FrameSize(); size.has_value(); size = FrameSize()) {
    if (*size > options_.response_bytes_max) {
      Close(absl::ResourceExhaustedError(
          absl::StrCat("broker ", address_.ToString(), " announced an answer of ", *size,
                       " bytes, more than the ", options_.response_bytes_max,
                       " of response_bytes_max; is this a Kafka port? If so, raise the limit")));
      return;
    }
    if (filled_ - parsed_ < *size) {
      break;
    }
    const ByteView frame(buffer_->data() + parsed_ + kFrameLengthSize, *size - kFrameLengthSize);
    parsed_ += *size;
    HandleFrame(frame);
    if (state_ == State::kClosed) {
      return;
    }
  }
  StartRead();
}

void Connection::HandleFrame(ByteView frame) {
  if (pending_.empty()) {
    Close(absl::DataLossError(
        absl::StrCat("broker ", address_.ToString(), " answered a question that was not asked")));
    return;
  }
  Pending pending = std::move(pending_.front());
  pending_.pop_front();
  kafka::WireReader in(frame);
  int32_t correlation_id = 0;
  kafka::DecodeResponseHeader(in, pending.api_key, pending.version, &correlation_id);
  if (!in.ok() || correlation_id != pending.correlation_id) {
    const absl::Status why = absl::DataLossError(
        absl::StrCat("broker ", address_.ToString(), " answered correlation id ", correlation_id, " where ",
                     pending.correlation_id, " was due; is this a Kafka port?"));
    pending_.push_front(std::move(pending));
    Close(why);
    return;
  }
  pending.handler(Frame{buffer_, frame.subspan(in.position())});
}

void Connection::ArmTimer() {
  absl::Duration at = absl::InfiniteDuration();
  if (state_ == State::kConnecting) {
    at = connect_deadline_;
  }
  for (const Pending& pending : pending_) {
    at = std::min(at, pending.deadline);
  }
  timer_at_ = at;
  if (at == absl::InfiniteDuration()) {
    return;
  }
  timer_.expires_after(ToChrono(std::max(at - MonotonicNow(), absl::ZeroDuration())));
  timer_.async_wait([weak = weak_from_this()](const asio::error_code& error) {
    if (const auto self = weak.lock(); self != nullptr && !error) {
      self->OnTimer();
    }
  });
}

void Connection::OnTimer() {
  if (state_ == State::kClosed) {
    return;
  }
  const absl::Duration now = MonotonicNow();
  if (state_ == State::kConnecting && now >= connect_deadline_) {
    Close(ConnectError("no answer within connect_timeout", {}));
    return;
  }
  for (const Pending& pending : pending_) {
    if (now >= pending.deadline) {
      const kafka::ApiInfo* api = kafka::FindApi(pending.api_key);
      Close(absl::DeadlineExceededError(
          absl::StrCat("broker ", address_.ToString(), " did not answer ", api->name, " within ",
                       absl::FormatDuration(pending.timeout),
                       "; the connection was given up. Is the broker overloaded or the network broken?")));
      return;
    }
  }
  ArmTimer();
}

}  // namespace sluice::client_internal
