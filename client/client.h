// The door to a Kafka or Sluice cluster: one client holds the connections and one I/O thread, and gives out
// producers, consumers and an admin that share them.
//
//   auto client = sluice::Client::Connect({.bootstrap = "localhost:9092"});
//   if (!client.ok()) { std::cerr << client.status().message() << "\n"; return 1; }
//   auto producer = (*client)->NewProducer();
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "sluice/admin.h"
#include "sluice/consumer.h"
#include "sluice/options.h"
#include "sluice/producer.h"

namespace sluice {

namespace client_internal {
class Core;
}

// Thread-safe. Producers and consumers keep what they need of it alive, so they may outlive it; the I/O
// thread ends with the last of them.
class Client {
 public:
  // Connects to the first bootstrap address that answers and learns the cluster's brokers. Unavailable,
  // within a few milliseconds when connections are refused, and after connect_timeout at most when nothing
  // answers; the message names every address that was tried. InvalidArgument when an option makes no sense.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(ClientOptions options = {});

  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // InvalidArgument when options contradict each other. Does not talk to the cluster yet.
  absl::StatusOr<std::unique_ptr<Producer>> NewProducer(ProducerOptions options = {});
  absl::StatusOr<std::unique_ptr<Consumer>> NewConsumer(ConsumerOptions options = {});

  // Lives as long as the client.
  Admin& admin() { return *admin_; }

 private:
  explicit Client(std::shared_ptr<client_internal::Core> core);

  std::shared_ptr<client_internal::Core> core_;
  std::unique_ptr<Admin> admin_;
};

}  // namespace sluice
