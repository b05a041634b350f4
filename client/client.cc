#include "sluice/client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "client/internal/consumer_core.h"
#include "client/internal/core.h"
#include "client/internal/options_check.h"
#include "client/internal/producer_core.h"
#include "client/internal/status.h"

namespace sluice {

using client_internal::Core;

Client::Client(std::shared_ptr<Core> core)
    : core_(std::move(core)), admin_(std::make_unique<Admin>(*core_)) {}

Client::~Client() = default;

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(ClientOptions options) {
  RETURN_IF_ERROR(client_internal::CheckOptions(options));
  ASSIGN_OR_RETURN(std::vector<client_internal::Address> bootstrap,
                   client_internal::ParseBootstrap(ToAbsl(options.bootstrap)));
  auto core = std::make_shared<Core>(std::move(options), std::move(bootstrap));
  absl::Status status;
  absl::Notification done;
  core->loop().Post([&] {
    core->metadata().Refresh([&](const absl::Status& refreshed) {
      status = refreshed;
      done.Notify();
    });
  });
  done.WaitForNotification();
  RETURN_IF_ERROR(status);
  return std::unique_ptr<Client>(new Client(std::move(core)));
}

absl::StatusOr<std::unique_ptr<Producer>> Client::NewProducer(ProducerOptions options) {
  RETURN_IF_ERROR(client_internal::CheckOptions(options));
  return std::make_unique<Producer>(std::make_shared<client_internal::ProducerCore>(core_, options));
}

absl::StatusOr<std::unique_ptr<Consumer>> Client::NewConsumer(ConsumerOptions options) {
  RETURN_IF_ERROR(client_internal::CheckOptions(options));
  return std::make_unique<Consumer>(std::make_shared<client_internal::ConsumerCore>(core_, options));
}

}  // namespace sluice
