// Lines to records and back, with an installed Sluice client:
//
//   produce_consume produce localhost:9092 orders < lines.txt     sends each line of stdin
//   produce_consume consume localhost:9092 orders                 prints all records, then ends
#include <chrono>
#include <iostream>
#include <string>
#include <string_view>

#include "sluice/client.h"
#include "sluice/errors.h"

namespace {

using namespace std::chrono_literals;

int Fail(const absl::Status& status) {
  std::cerr << "error: " << status.message() << "\n";
  return 1;
}

int Produce(sluice::Client& client, std::string_view topic) {
  auto producer = client.NewProducer({.compression = sluice::Compression::kLz4});
  if (!producer.ok()) {
    return Fail(producer.status());
  }
  for (std::string line; std::getline(std::cin, line);) {
    // Send copies the line; it waits when the broker does not keep up. What becomes of it, Flush tells.
    const absl::Status queued = (*producer)->Send({.topic = topic, .value = sluice::BytesOf(line)});
    if (!queued.ok()) {
      return Fail(queued);
    }
  }
  const absl::Status delivered = (*producer)->Flush(30s);
  return delivered.ok() ? 0 : Fail(delivered);
}

int Consume(sluice::Client& client, std::string_view topic) {
  auto consumer = client.NewConsumer();
  if (!consumer.ok()) {
    return Fail(consumer.status());
  }
  const absl::Status assigned = (*consumer)->AssignTopic(topic, sluice::Position::Beginning());
  if (!assigned.ok()) {
    return Fail(assigned);
  }
  while (!(*consumer)->AtEnd()) {
    auto records = (*consumer)->Poll(1s);
    if (!records.ok()) {
      return Fail(records.status());
    }
    for (const sluice::RecordView& record : *records) {
      std::cout << sluice::TextOf(record.value.value_or(std::span<const std::byte>())) << "\n";
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view command = argc == 4 ? argv[1] : "";
  if (command != "produce" && command != "consume") {
    std::cerr << "usage: produce_consume produce|consume BROKER TOPIC\n";
    return 2;
  }
  auto client = sluice::Client::Connect({.bootstrap = argv[2]});
  if (!client.ok()) {
    return Fail(client.status());
  }
  const absl::Status created = (*client)->admin().CreateTopic({.name = argv[3]});
  if (!created.ok() && !absl::IsAlreadyExists(created)) {
    return Fail(created);
  }
  return command == "produce" ? Produce(**client, argv[3]) : Consume(**client, argv[3]);
}
