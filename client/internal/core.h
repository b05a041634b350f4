// What a client's producers, consumers and admin share: the I/O loop, the connections, the metadata.
//
// A connection belongs to a channel: each producer and each consumer has its own, because a broker answers
// one connection's requests in order, so that a fetch that waits for records would hold up everything behind
// it. Channel 0 carries what is never long: metadata, admin, offsets.
#pragma once

#include <asio/steady_timer.hpp>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/internal/connection.h"
#include "client/internal/io_loop.h"
#include "client/internal/metadata.h"
#include "proto/base/random.h"
#include "sluice/options.h"

namespace sluice::client_internal {

using ChannelId = int64_t;
inline constexpr ChannelId kControlChannel = 0;

// Nodes that are not numbers.
inline constexpr int32_t kAnyBroker = -1;
inline constexpr int32_t kController = -2;

// Shared by the client and everything that it made; thread-safe where said, else loop thread only.
class Core {
 public:
  using ConnectionHandler = absl::AnyInvocable<void(absl::StatusOr<std::shared_ptr<Connection>>)>;

  struct Where {
    ChannelId channel = kControlChannel;
    int32_t target = kAnyBroker;
    int16_t version_cap = std::numeric_limits<int16_t>::max();
  };

  Core(ClientOptions options, std::vector<Address> bootstrap);
  // On any thread, after all producers and consumers are closed.
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Thread-safe.
  IoLoop& loop() { return loop_; }
  const ClientOptions& options() const { return options_; }
  absl::Duration request_timeout() const { return absl::FromChrono(options_.request_timeout); }
  absl::Duration metadata_max_age() const { return absl::FromChrono(options_.metadata_max_age); }
  ChannelId NewChannel() { return next_channel_++; }

  Metadata& metadata() { return metadata_; }
  Random& random() { return random_; }
  // `base`, doubled for each attempt up to `max`, give or take a fifth.
  absl::Duration Backoff(absl::Duration base, absl::Duration max, int attempts);

  // A connection that is ready, made if need be; waits out the backoff after a failure. The handler may run
  // from inside this call.
  void Acquire(ChannelId channel, int32_t target, ConnectionHandler handler);
  // The one that is ready now, or null.
  std::shared_ptr<Connection> ReadyConnection(ChannelId channel, int32_t node);
  void CloseChannel(ChannelId channel);

  // Acquire, negotiate, send. No retries. The handler may run from inside this call.
  template <class Request>
  void Call(const Where& where, Request request, absl::Duration timeout,
            absl::AnyInvocable<void(absl::StatusOr<Answer<typename Request::Response>>)> handler);

 private:
  struct Slot {
    explicit Slot(asio::io_context& context) : backoff_timer(context) {}
    std::shared_ptr<Connection> connection;  // Shared with its own pending handlers.
    bool connecting = false;
    int failures = 0;
    absl::Duration retry_at = -absl::InfiniteDuration();
    asio::steady_timer backoff_timer;
    std::vector<ConnectionHandler> waiting;
  };
  using SlotKey = std::pair<ChannelId, Address>;

  Slot& SlotFor(const SlotKey& key);
  void AcquireAddress(const SlotKey& key, ConnectionHandler handler);
  void StartConnect(const SlotKey& key);
  void OnConnected(const SlotKey& key, absl::Status status);
  absl::Status ExplainAdvertised(const Address& address, const absl::Status& status) const;
  bool IsBootstrap(const Address& address) const;

  struct AnySearch;
  void AcquireAny(ChannelId channel, ConnectionHandler handler);
  void TryNext(std::shared_ptr<AnySearch> search);

  const ClientOptions options_;
  const std::vector<Address> bootstrap_;
  std::atomic<ChannelId> next_channel_{kControlChannel + 1};
  IoLoop loop_;

  // Loop thread only, from here on.
  std::shared_ptr<BufferPool> pool_;
  Random random_ = Random::FromSystem();
  bool stopped_ = false;
  absl::flat_hash_map<SlotKey, std::unique_ptr<Slot>> slots_;
  Metadata metadata_;
};

template <class Request>
void Core::Call(const Where& where, Request request, absl::Duration timeout,
                absl::AnyInvocable<void(absl::StatusOr<Answer<typename Request::Response>>)> handler) {
  Acquire(where.channel, where.target,
          [cap = where.version_cap, request = std::move(request), timeout,
           handler = std::move(handler)](absl::StatusOr<std::shared_ptr<Connection>> connection) mutable {
            if (!connection.ok()) {
              handler(connection.status());
              return;
            }
            const absl::StatusOr<int16_t> version = (*connection)->Negotiate(Request::kApiKey, cap);
            if (!version.ok()) {
              handler(version.status());
              return;
            }
            (*connection)
                ->Send(request, {.version = *version, .timeout = timeout, .external = {}},
                       std::move(handler));
          });
}

}  // namespace sluice::client_internal
