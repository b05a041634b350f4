// A member of a consumer group, with an installed Sluice client. Start it several times: the members share
// the topic's partitions. Ctrl-C ends it in good order.
//
//   group_consume localhost:9092 billing orders      prints each record's value, once for all members
#include <chrono>
#include <csignal>
#include <iostream>
#include <string_view>

#include "sluice/client.h"
#include "sluice/errors.h"

namespace {

using namespace std::chrono_literals;

volatile std::sig_atomic_t stopped = 0;

int Fail(const absl::Status& status) {
  std::cerr << "error: " << status.message() << "\n";
  return 1;
}

int Run(sluice::Client& client, const char* group, const char* topic) {
  auto made = client.NewConsumer({.offset_reset = sluice::OffsetReset::kEarliest, .group_id = group});
  if (!made.ok()) {
    return Fail(made.status());
  }
  sluice::Consumer& consumer = **made;
  // [docs/client.md: a member]
  absl::Status status = consumer.Subscribe(
      {topic},
      {.assigned = [](const auto& partitions) { std::cerr << "got " << partitions.size() << "\n"; },
       .revoked = [](const auto& partitions) { std::cerr << "gave " << partitions.size() << "\n"; }});
  while (status.ok() && stopped == 0) {
    auto records = consumer.Poll(200ms);  // Commits what the last one returned, every auto_commit_interval.
    status = records.status();
    if (records.ok()) {
      for (const sluice::RecordView& record : *records) {
        std::cout << sluice::TextOf(record.value.value_or(std::span<const std::byte>())) << "\n";
      }
      std::cout.flush();
    }
  }
  const absl::Status closed = consumer.Close(5s);  // Commits and leaves, so that others go on at once.
  // [end]
  return status.ok() && closed.ok() ? 0 : Fail(status.ok() ? closed : status);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: group_consume BROKER GROUP TOPIC\n";
    return 2;
  }
  std::signal(SIGINT, [](int) { stopped = 1; });
  std::signal(SIGTERM, [](int) { stopped = 1; });
  auto client = sluice::Client::Connect({.bootstrap = argv[1]});
  return client.ok() ? Run(**client, argv[2], argv[3]) : Fail(client.status());
}
