#include "broker/net/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/net/disk_pool.h"
#include "broker/net/residency.h"

namespace sluice::broker {
namespace {

constexpr auto kBudgetRetry = std::chrono::milliseconds(10);

// Bytes that were received and never read would turn our close into a reset, and a reset makes the peer lose
// answers that it has not read yet. Discarding them copies nothing.
void DiscardReceived(int socket) {
  constexpr int kRoundsMax = 16;
  constexpr size_t kBytes = 1024 * 1024;
  ::shutdown(socket, SHUT_WR);
  for (int i = 0; i<kRoundsMax&& ::recv(socket, nullptr, kBytes, MSG_TRUNC | MSG_DONTWAIT)> 0; ++i) {
  }
}

bool IsLast(WriteStep step) {
  return step != WriteStep::kBlocked && step != WriteStep::kTurnOver && step != WriteStep::kCold;
}

}  // namespace

Connection::Connection(ConnectionHost& host, asio::ip::tcp::socket socket, ConnectionInfo info)
    : host_(host),
      thread_(&host.thread),
      info_(std::move(info)),
      state_(host.parts.handler.NewConnectionState()),
      io_(new Io{std::move(socket), nullptr, asio::steady_timer(host.thread.context())}),
      in_(host.buffers, host.budget, host.options.frame_bytes_max),
      writer_(queue_, host.write_tools),
      active_at_(host.now()) {}

void Connection::Start(ConnectionLimits::Ticket ticket) {
  host_.Add(this);
  host_.parts.stats.connections_open.Add();
  host_.parts.stats.connections_accepted.Add();
  // The place is free again when the connection is closed and no handler of it runs.
  io_->ticket = std::make_shared<ConnectionLimits::Ticket>(std::move(ticket));
  auto self = shared_from_this();
  asio::co_spawn(host_.thread.context(), Read(self, io_->ticket),
                 [self](std::exception_ptr error) { self->OnCoroutineEnd(error); });
}

void Connection::OnCoroutineEnd(std::exception_ptr error) {
  if (error == nullptr) {
    return;
  }
  std::string what = "unknown exception";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {
  }
  Close(LogLevel::kError, absl::StrCat("handling a request failed: ", what, "; this is a bug, report it"));
}

// Reading.

asio::awaitable<void> Connection::Read([[maybe_unused]] std::shared_ptr<Connection> self,
                                       [[maybe_unused]] std::shared_ptr<ConnectionLimits::Ticket> ticket) {
  // Also when the coroutine is destroyed instead of ended: the pool and the budget do not outlive the server.
  absl::Cleanup give_back = [this] { in_.Clear(); };
  while (MayRead()) {
    in_.Park();
    co_await AwaitReadable();
    while (MayRead() && !in_.Prepare()) {
      co_await AwaitBudget();
    }
    if (!MayRead() || !Receive()) {
      break;
    }
    co_await HandleFrames();
  }
  in_.Clear();
  reading_ = false;
  finishing_ = true;
  CloseIfFinished();
}

asio::awaitable<void> Connection::AwaitReadable() {
  asio::error_code ignored;  // Whatever is wrong, recv says it better.
  await_readable_ = true;
  co_await io_->socket.async_wait(asio::socket_base::wait_read,
                                  asio::redirect_error(asio::use_awaitable, ignored));
  await_readable_ = false;
}

asio::awaitable<void> Connection::AwaitBudget() {
  host_.parts.stats.receive_budget_waits.Add();
  asio::error_code ignored;
  io_->room.expires_after(kBudgetRetry);
  co_await io_->room.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (request_began_at_.has_value()) {
    request_began_at_ = host_.now();  // The wait was ours, not the peer's.
  }
}

// False: there will be no more bytes.
bool Connection::Receive() {
  const MutableByteView room = in_.room();
  const ssize_t received = ::recv(io_->socket.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
  if (received < 0) {
    if (errno == EAGAIN || errno == EINTR) {
      return true;
    }
    Close(LogLevel::kDebug, std::strerror(errno));
    return false;
  }
  in_.Commit(static_cast<size_t>(received));
  host_.parts.stats.bytes_in.Add(static_cast<uint64_t>(received));
  active_at_ = host_.now();
  return received > 0;
}

asio::awaitable<void> Connection::HandleFrames() {
  uint64_t handled = 0;
  for (Frame frame = in_.Next(); frame.kind != FrameKind::kPartial; frame = in_.Next()) {
    if (frame.kind == FrameKind::kBadLength) {
      host_.parts.stats.closed_bad_frame.Add();
      Close(LogLevel::kWarning,
            absl::StrCat("it announced a request of ", frame.length, " bytes, and 1 to ",
                         host_.options.frame_bytes_max,
                         " are allowed (socket.request.max.bytes); is it a Kafka client, without TLS?"));
      break;
    }
    if (!HasRoom()) {
      co_await AwaitRoom();
    }
    if (!MayRead()) {
      break;
    }
    ++handled;
    const ByteView body = in_.Settle(frame.body);
    ResponseSlot slot(shared_from_this(), queue_.Open());
    co_await host_.parts.handler.Handle(body, info_, *state_, std::move(slot));
    if (!MayRead()) {
      break;
    }
  }
  host_.parts.stats.frames.Add(handled);
  if (in_.unread_bytes() == 0) {
    request_began_at_.reset();
  } else if (handled > 0 || !request_began_at_.has_value()) {
    request_began_at_ = host_.now();
  }
}

bool Connection::HasRoom() const {
  return queue_.in_flight() < host_.options.in_flight_max &&
         queue_.held_bytes() < host_.options.response_bytes_max;
}

asio::awaitable<void> Connection::AwaitRoom() {
  if (!writing_) {
    Flush();
  }
  while (!closed_ && !HasRoom()) {
    asio::error_code ignored;
    await_room_ = true;
    io_->room.expires_at(asio::steady_timer::time_point::max());
    co_await io_->room.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    await_room_ = false;
  }
}

// Answers.

void Connection::Complete(uint64_t sequence, Answer answer) {
  if (NetworkThread::IsCurrent(thread_)) {
    Deliver(sequence, std::move(answer));
    return;
  }
  absl::MutexLock lock(&mu_);
  if (inbox_closed_) {
    return;
  }
  inbox_.emplace_back(sequence, std::move(answer));
  if (inbox_.size() == 1) {
    // Under the lock: an inbox that is open says that the io_context lives.
    asio::post(host_.thread.context(), [self = shared_from_this()] { self->DeliverInbox(); });
  }
}

bool Connection::Put(uint64_t sequence, Answer answer) {
  if (closed_) {
    return false;
  }
  if (answer.kind == Answer::Kind::kClose) {
    FinishInFlight();  // Nothing that was sent after this request may be acted on.
  }
  return queue_.Put(sequence, std::move(answer));
}

void Connection::Deliver(uint64_t sequence, Answer answer) {
  if (!Put(sequence, std::move(answer)) || flush_posted_ || writing_) {
    return;
  }
  flush_posted_ = true;
  asio::post(host_.thread.context(), [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->Flush();
  });
}

void Connection::DeliverInbox() {
  std::vector<std::pair<uint64_t, Answer>> arrived;
  {
    absl::MutexLock lock(&mu_);
    arrived.swap(inbox_);
  }
  for (auto& [sequence, answer] : arrived) {
    Put(sequence, std::move(answer));
  }
  Flush();
}

// Writing.

void Connection::Flush() {
  if (closed_ || writing_) {
    return;
  }
  const WriteStep step = WriteSome();
  if (IsLast(step)) {
    EndWrite(step);
    return;
  }
  writing_ = true;
  write_moved_at_ = host_.now();
  auto self = shared_from_this();
  asio::co_spawn(host_.thread.context(), Write(self, step),
                 [self](std::exception_ptr error) { self->OnCoroutineEnd(error); });
}

WriteStep Connection::WriteSome() {
  const WriteStep step = writer_.Write(io_->socket.native_handle());
  if (writer_.sent_bytes() != sent_bytes_seen_) {
    sent_bytes_seen_ = writer_.sent_bytes();
    active_at_ = write_moved_at_ = host_.now();
  }
  if (await_room_ && HasRoom()) {
    io_->room.cancel();
  }
  return step;
}

asio::awaitable<void> Connection::Write([[maybe_unused]] std::shared_ptr<Connection> self, WriteStep step) {
  while (!closed_ && !IsLast(step)) {
    asio::error_code ignored;  // Whatever is wrong, the next write says it better.
    if (step == WriteStep::kBlocked) {
      co_await io_->socket.async_wait(asio::socket_base::wait_write,
                                      asio::redirect_error(asio::use_awaitable, ignored));
    } else if (step == WriteStep::kCold) {
      co_await ReadCold();
    } else {
      co_await asio::post(asio::use_awaitable);
    }
    if (!closed_) {
      step = WriteSome();
    }
  }
  writing_ = false;
  if (!closed_) {
    EndWrite(step);
  }
}

asio::awaitable<void> Connection::ReadCold() {
  const storage::FileRange range = writer_.cold_range();
  await_cold_ = true;
  const absl::Status status = co_await OnPool(host_.parts.disk_pool, [&] { return MakeResident(range); });
  await_cold_ = false;
  if (closed_) {
    co_return;
  }
  write_moved_at_ = host_.now();
  if (!status.ok()) {
    host_.parts.stats.closed_disk_error.Add();
    Close(LogLevel::kError, status.message());
    co_return;
  }
  host_.parts.stats.cold_reads.Add();
  host_.parts.stats.bytes_cold.Add(range.size);
  writer_.CacheIsWarm();
}

void Connection::EndWrite(WriteStep step) {
  switch (step) {
    case WriteStep::kClose:
      DiscardReceived(io_->socket.native_handle());
      Close(LogLevel::kInfo, writer_.error());
      return;
    case WriteStep::kPeerGone:
      Close(LogLevel::kDebug, "the peer is gone");
      return;
    case WriteStep::kBroken:
      host_.parts.stats.closed_disk_error.Add();
      Close(LogLevel::kError, writer_.error());
      return;
    default:
      CloseIfFinished();
  }
}

// The end.

void Connection::FinishInFlight() {
  finishing_ = true;
  if (!closed_ && await_readable_) {
    io_->socket.cancel();  // A write that waits is woken too, tries, and waits again.
  }
}

void Connection::CloseIfFinished() {
  if (!closed_ && !reading_ && !writing_ && queue_.in_flight() == 0) {
    DiscardReceived(io_->socket.native_handle());
    Close(LogLevel::kDebug, "done");
  }
}

void Connection::CheckDeadlines() {
  const absl::Duration now = host_.now();
  const NetOptions& options = host_.options;
  if (writing_ && !await_cold_ && now - write_moved_at_ > options.write_stall_max) {
    host_.parts.stats.closed_write_stall.Add();
    Close(LogLevel::kWarning, absl::StrCat("it read nothing of its responses for ",
                                           absl::FormatDuration(options.write_stall_max)));
    return;
  }
  if (!await_readable_) {
    return;
  }
  if (request_began_at_.has_value() && now - *request_began_at_ > options.request_max) {
    host_.parts.stats.closed_slow_request.Add();
    Close(LogLevel::kWarning,
          absl::StrCat("a request was not whole after ", absl::FormatDuration(options.request_max), ", ",
                       in_.unread_bytes(), " bytes of it had arrived"));
    return;
  }
  if (queue_.in_flight() > 0) {
    return;
  }
  in_.Shrink();
  writer_.DropBehindAll();
  if (now - active_at_ > options.idle_max) {
    host_.parts.stats.closed_idle.Add();
    Close(LogLevel::kInfo, absl::StrCat("it was idle for ", absl::FormatDuration(options.idle_max),
                                        " (connections.max.idle.ms)"));
  }
}

void Connection::Close(LogLevel level, absl::string_view reason) {
  if (closed_) {
    return;
  }
  closed_ = true;
  std::vector<std::pair<uint64_t, Answer>> too_late;
  {
    absl::MutexLock lock(&mu_);
    inbox_closed_ = true;
    too_late.swap(inbox_);
  }
  host_.LogClose(level, info_.peer, reason);
  // Whoever waits on the socket or the timer is resumed, and finds the connection closed.
  io_.reset();
  queue_.Clear();
  writer_.DropBehindAll();
  host_.parts.stats.connections_open.Subtract();
  host_.Remove(this);
}

}  // namespace sluice::broker
