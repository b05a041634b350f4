#include "broker/net/connection_host.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/net/connection.h"

namespace sluice::broker {

ConnectionHost::ConnectionHost(NetworkThread& network_thread, const NetOptions& net_options,
                               const NetParts& net_parts, ReceiveBudget& receive_budget,
                               LogLimiter& log_limiter)
    : thread(network_thread),
      options(net_options),
      parts(net_parts),
      budget(receive_budget),
      write_tools(net_options.transfer, net_options.copied_range_bytes_max, net_parts.stats,
                  net_parts.disk_pool),
      log_limiter_(log_limiter),
      timer_(network_thread.context()),
      now_(net_parts.clock.Monotonic()) {}

void ConnectionHost::ForEach(absl::FunctionRef<void(Connection&)> visit) {
  // A copy, because connections leave the set when they close.
  const std::vector<Connection*> all(connections_.begin(), connections_.end());
  for (Connection* connection : all) {
    visit(*connection);
  }
}

void ConnectionHost::StartTicking() {
  timer_.expires_after(absl::ToChronoNanoseconds(options.tick));
  timer_.async_wait([this](const asio::error_code& error) {
    if (!error) {
      Tick();
      StartTicking();
    }
  });
}

void ConnectionHost::Tick() {
  now_ = parts.clock.Monotonic();
  ForEach([](Connection& connection) { connection.CheckDeadlines(); });
}

void ConnectionHost::LogClose(LogLevel level, absl::string_view peer, absl::string_view reason) {
  std::string held_back;
  if (level == LogLevel::kWarning) {
    const std::optional<uint64_t> count = log_limiter_.Admit();
    if (!count.has_value()) {
      return;
    }
    held_back = HeldBack(*count);
  }
  parts.logger.Log(level, "net", absl::StrCat("closed ", peer, ": ", reason, held_back));
}

}  // namespace sluice::broker
