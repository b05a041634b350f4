#include "broker/net/server.h"

#include <asio/post.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/net/connection.h"

namespace sluice::broker {
namespace {

constexpr absl::Duration kLogInterval = absl::Seconds(1);
// How long Stop() waits for handlers to come to their end before it destroys them.
constexpr absl::Duration kHandlerGrace = absl::Seconds(2);

std::string PeerName(const asio::ip::tcp::endpoint& peer) {
  return absl::StrCat(peer.address().to_string(), ":", peer.port());
}

// An IPv4 peer of a socket that listens on both is ::ffff:1.2.3.4: make it 1.2.3.4 again.
asio::ip::address Plain(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address;
}

ConnectionInfo MakeInfo(const std::string& listener, const asio::ip::tcp::endpoint& peer,
                        asio::ip::tcp::socket& socket) {
  asio::error_code ignored;
  const asio::ip::tcp::endpoint local = socket.local_endpoint(ignored);
  return {.listener = listener,
          .peer = PeerName(peer),
          .local_host = Plain(local.address()).to_string(),
          .local_port = local.port(),
          .executor = socket.get_executor()};
}

// On the connection's own thread.
void Serve(ConnectionHost& host, const std::string& listener, storage::UniqueFd fd,
           const asio::ip::tcp::endpoint& peer, ConnectionLimits::Ticket ticket) {
  asio::ip::tcp::socket socket(host.thread.context());
  asio::error_code error;
  socket.assign(peer.address().is_v4() ? asio::ip::tcp::v4() : asio::ip::tcp::v6(), fd.get(), error);
  if (error) {
    host.parts.logger.Error("net", absl::StrCat("cannot serve ", PeerName(peer), ": ", error.message()));
    return;
  }
  fd.Release();
  const asio::ip::tcp::endpoint plain(Plain(peer.address()), peer.port());
  ConnectionInfo info = MakeInfo(listener, plain, socket);
  std::make_shared<Connection>(host, std::move(socket), std::move(info))->Start(std::move(ticket));
}

}  // namespace

Server::Server(const Options& options, const NetParts& parts)
    : options_(options),
      parts_(parts),
      budget_(options.receive_budget_bytes),
      limits_(options.connections_max, options.connections_per_address_max),
      close_limiter_(parts.clock, kLogInterval),
      refuse_limiter_(parts.clock, kLogInterval),
      threads_(options.threads) {
  for (size_t i = 0; i < threads_.size(); ++i) {
    hosts_.push_back(
        std::make_unique<ConnectionHost>(threads_[i], options_, parts_, budget_, close_limiter_));
  }
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options,
                                                      const std::vector<ListenAddress>& addresses,
                                                      const NetParts& parts) {
  std::unique_ptr<Server> server(new Server(options, parts));
  for (const ListenAddress& address : addresses) {
    auto listener = Listener::Bind(server->threads_[0], address, server->options_, parts.stats, parts.logger,
                                   server->refuse_limiter_);
    if (!listener.ok()) {
      return listener.status();
    }
    server->listeners_.push_back(*std::move(listener));
  }
  for (auto& host : server->hosts_) {
    host->StartTicking();
  }
  for (auto& listener : server->listeners_) {
    listener->Start(
        [&server = *server, name = listener->name()](storage::UniqueFd socket, asio::ip::tcp::endpoint peer) {
          server.OnAccept(name, std::move(socket), peer);
        });
  }
  server->threads_.Start();
  return server;
}

Server::~Server() {
  Stop();
}

std::vector<uint16_t> Server::ports() const {
  std::vector<uint16_t> ports;
  for (const auto& listener : listeners_) {
    ports.push_back(listener->port());
  }
  return ports;
}

void Server::OnAccept(const std::string& listener, storage::UniqueFd socket,
                      const asio::ip::tcp::endpoint& peer) {
  auto ticket = limits_.Admit(Plain(peer.address()));
  if (!ticket.ok()) {
    Refuse(peer, ticket.status());
    return;
  }
  ConnectionHost& host = *hosts_[next_host_++ % hosts_.size()];
  asio::post(host.thread.context(),
             [&host, listener, socket = std::move(socket), peer, ticket = *std::move(ticket)]() mutable {
               Serve(host, listener, std::move(socket), peer, std::move(ticket));
             });
}

void Server::Refuse(const asio::ip::tcp::endpoint& peer, const absl::Status& why) {
  parts_.stats.connections_refused.Add();
  if (auto held_back = refuse_limiter_.Admit()) {
    parts_.logger.Warning("net", absl::StrCat("refused ", PeerName(peer), ": ",
                                              absl::string_view(why.message()), HeldBack(*held_back)));
  }
}

void Server::ForEachConnection(absl::FunctionRef<void(Connection&)> visit) {
  for (auto& host : hosts_) {
    host->thread.Run([&] { host->ForEach(visit); });
  }
}

void Server::StopAccepting() {
  if (std::exchange(accepting_, false)) {
    threads_[0].Run([this] {
      for (auto& listener : listeners_) {
        listener->Stop();
      }
    });
  }
}

void Server::StopReading() {
  StopAccepting();
  ForEachConnection([](Connection& connection) { connection.FinishInFlight(); });
}

bool Server::Drain(absl::Duration at_most) {
  if (stopped_) {
    return true;
  }
  StopReading();
  return limits_.AwaitNone(at_most);
}

void Server::Stop() {
  if (std::exchange(stopped_, true)) {
    return;
  }
  const auto close = [](Connection& connection) { connection.Close(LogLevel::kDebug, "the broker stops"); };
  StopAccepting();
  ForEachConnection(close);
  limits_.AwaitNone(kHandlerGrace);
  threads_.Stop();
  // No thread runs any more. What is left: connections that were handed over but not served yet, and handlers
  // that wait for something that did not come.
  ForEachConnection(close);
  threads_.DestroyPending();
}

}  // namespace sluice::broker
