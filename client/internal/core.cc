#include "client/internal/core.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/internal/status.h"

namespace sluice::client_internal {
namespace {

constexpr size_t kIdleBufferBytes = size_t{64} << 20;

}  // namespace

Core::Core(ClientOptions options, std::vector<Address> bootstrap)
    : options_(std::move(options)),
      bootstrap_(std::move(bootstrap)),
      pool_(std::make_shared<BufferPool>(kIdleBufferBytes)),
      metadata_(*this, loop_.context()) {}

Core::~Core() {
  loop_.RunSync([this] {
    stopped_ = true;
    metadata_.Stop();
    const absl::Status closed = ClosedStatus("the client");
    while (!slots_.empty()) {
      const std::unique_ptr<Slot> slot = std::move(slots_.extract(slots_.begin()).mapped());
      slot->backoff_timer.cancel();
      if (slot->connection != nullptr) {
        slot->connection->Close(closed);
      }
      for (ConnectionHandler& waiting : std::exchange(slot->waiting, {})) {
        waiting(closed);
      }
    }
  });
  loop_.Stop();  // Before the timers go that its handlers belong to.
}

absl::Duration Core::Backoff(absl::Duration base, absl::Duration max, int attempts) {
  const absl::Duration full = std::min(base * (1 << std::clamp(attempts - 1, 0, 10)), max);
  return full * (0.8 + 0.4 * static_cast<double>(random_.Below(1'000)) / 1'000);
}

Core::Slot& Core::SlotFor(const SlotKey& key) {
  std::unique_ptr<Slot>& slot = slots_[key];
  if (slot == nullptr) {
    slot = std::make_unique<Slot>(loop_.context());
  }
  return *slot;
}

void Core::Acquire(ChannelId channel, int32_t target, ConnectionHandler handler) {
  if (stopped_) {
    handler(ClosedStatus("the client"));
    return;
  }
  if (target == kController && metadata_.AddressOf(metadata_.controller_id()).has_value()) {
    target = metadata_.controller_id();
  }
  if (target < 0) {
    AcquireAny(channel, std::move(handler));
    return;
  }
  const std::optional<Address> address = metadata_.AddressOf(target);
  if (!address.has_value()) {
    handler(absl::UnavailableError(
        absl::StrCat("broker ", target,
                     " is not among the brokers that the cluster names at the moment; it "
                     "may have stopped. Try again when it is back")));
    return;
  }
  AcquireAddress({channel, *address}, std::move(handler));
}

std::shared_ptr<Connection> Core::ReadyConnection(ChannelId channel, int32_t node) {
  const std::optional<Address> address = metadata_.AddressOf(node);
  if (!address.has_value()) {
    return nullptr;
  }
  const auto found = slots_.find(SlotKey{channel, *address});
  const bool ready =
      found != slots_.end() && found->second->connection != nullptr && found->second->connection->ready();
  return ready ? found->second->connection : nullptr;
}

void Core::AcquireAddress(const SlotKey& key, ConnectionHandler handler) {
  Slot& slot = SlotFor(key);
  if (slot.connection != nullptr && slot.connection->ready()) {
    handler(slot.connection);
    return;
  }
  slot.waiting.push_back(std::move(handler));
  if (slot.connecting) {
    return;
  }
  slot.connecting = true;
  const absl::Duration wait = slot.retry_at - MonotonicNow();
  if (wait <= absl::ZeroDuration()) {
    StartConnect(key);
    return;
  }
  slot.backoff_timer.expires_after(absl::ToChronoNanoseconds(wait));
  slot.backoff_timer.async_wait([this, key](const asio::error_code& error) {
    if (!error && slots_.contains(key)) {
      StartConnect(key);
    }
  });
}

void Core::StartConnect(const SlotKey& key) {
  Slot& slot = SlotFor(key);
  slot.connection = std::make_shared<Connection>(
      loop_, pool_, key.second,
      ConnectionOptions{.client_id = options_.client_id,
                        .connect_timeout = absl::FromChrono(options_.connect_timeout),
                        .response_bytes_max = options_.response_bytes_max});
  slot.connection->OnClosed([this, key](const absl::Status&) {
    if (const auto found = slots_.find(key); found != slots_.end()) {
      found->second->connection = nullptr;
      // A broker that is going down accepts and closes: do not spin on it.
      found->second->retry_at = MonotonicNow() + Backoff(absl::FromChrono(options_.reconnect_backoff),
                                                         absl::FromChrono(options_.reconnect_backoff_max), 1);
    }
    metadata_.RefreshSoon();
  });
  slot.connection->Connect([this, key](absl::Status status) { OnConnected(key, std::move(status)); });
}

void Core::OnConnected(const SlotKey& key, absl::Status status) {
  const auto found = slots_.find(key);
  if (found == slots_.end()) {
    return;  // The channel was closed.
  }
  Slot& slot = *found->second;
  slot.connecting = false;
  std::shared_ptr<Connection> connection = slot.connection;
  if (status.ok()) {
    slot.failures = 0;
  } else {
    ++slot.failures;
    slot.connection = nullptr;
    slot.retry_at = MonotonicNow() + Backoff(absl::FromChrono(options_.reconnect_backoff),
                                             absl::FromChrono(options_.reconnect_backoff_max), slot.failures);
    status = ExplainAdvertised(key.second, status);
  }
  for (ConnectionHandler& waiting : std::exchange(slot.waiting, {})) {
    waiting(status.ok() ? absl::StatusOr<std::shared_ptr<Connection>>(connection) : status);
  }
}

// The trap that costs newcomers hours: the first connection works, and then the broker sends one elsewhere.
absl::Status Core::ExplainAdvertised(const Address& address, const absl::Status& status) const {
  if (IsBootstrap(address)) {
    return status;
  }
  return absl::Status(
      status.code(),
      absl::StrCat(status.message(), "; the cluster advertises this address, it is not one of yours (\"",
                   options_.bootstrap,
                   "\"). If it is wrong, set advertised.listeners on that broker to an address that "
                   "works from here"));
}

bool Core::IsBootstrap(const Address& address) const {
  return std::find(bootstrap_.begin(), bootstrap_.end(), address) != bootstrap_.end();
}

void Core::CloseChannel(ChannelId channel) {
  std::vector<std::unique_ptr<Slot>> closed;
  for (auto it = slots_.begin(); it != slots_.end();) {
    const auto here = it++;
    if (here->first.first == channel) {
      closed.push_back(std::move(here->second));
      slots_.erase(here);
    }
  }
  const absl::Status why = ClosedStatus("the producer or consumer");
  for (const std::unique_ptr<Slot>& slot : closed) {
    slot->backoff_timer.cancel();
    if (slot->connection != nullptr) {
      slot->connection->Close(why);
    }
    for (ConnectionHandler& waiting : std::exchange(slot->waiting, {})) {
      waiting(why);
    }
  }
}

// Asks one address after the other, known brokers first, until one answers.
struct Core::AnySearch {
  ChannelId channel;
  std::vector<Address> candidates;
  size_t next = 0;
  std::vector<std::string> problems;
  ConnectionHandler handler;
};

void Core::AcquireAny(ChannelId channel, ConnectionHandler handler) {
  auto search = std::make_shared<AnySearch>();
  search->channel = channel;
  search->handler = std::move(handler);
  std::vector<Address>& candidates = search->candidates;
  for (const auto& [node, broker] : metadata_.brokers()) {
    candidates.push_back(broker.address);
  }
  if (!candidates.empty()) {
    std::rotate(candidates.begin(),
                candidates.begin() + static_cast<std::ptrdiff_t>(random_.Below(candidates.size())),
                candidates.end());
  }
  for (const Address& address : bootstrap_) {
    if (std::find(candidates.begin(), candidates.end(), address) == candidates.end()) {
      candidates.push_back(address);
    }
  }
  const auto rank = [&](const Address& address) {
    const auto slot = slots_.find(SlotKey{channel, address});
    if (slot == slots_.end()) {
      return 1;
    }
    const Slot& known = *slot->second;
    if (known.connection != nullptr && known.connection->ready()) {
      return 0;
    }
    return known.retry_at > MonotonicNow() ? 2 : 1;
  };
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](const Address& a, const Address& b) { return rank(a) < rank(b); });
  TryNext(std::move(search));
}

void Core::TryNext(std::shared_ptr<AnySearch> search) {
  if (stopped_) {
    search->handler(ClosedStatus("the client"));
    return;
  }
  if (search->next == search->candidates.size()) {
    search->handler(absl::UnavailableError(
        absl::StrCat(absl::StrJoin(search->problems, "; "),
                     ". Is the broker running? Start it, or name another bootstrap address than \"",
                     options_.bootstrap, "\"")));
    return;
  }
  const Address& address = search->candidates[search->next++];
  AcquireAddress({search->channel, address},
                 [this, search](absl::StatusOr<std::shared_ptr<Connection>> connection) {
                   if (connection.ok()) {
                     search->handler(std::move(connection));
                     return;
                   }
                   search->problems.emplace_back(connection.status().message());
                   TryNext(search);
                 });
}

}  // namespace sluice::client_internal
