// sluice_crash_load: producers and consumers that go on through whatever happens to the broker, and the
// judgement of what they saw. It is told on standard input what to do, a word a line:
//
//   progress     answers {"acked": N}
//   drain        the producers end: answers the same when every send has come to its end
//   (the end)    everything in the topic is read once more and checked; the answer says what was found
//
// Exit 0: no anomaly. 1: anomalies, on standard error the first of each kind. 2: it could not be found out.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "tests/crash/checker.h"
#include "tests/crash/workers.h"

namespace sluice::crash {
namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "sluice_crash_load: %s\n", status.ToString().c_str());
  return 2;
}

class Load {
 public:
  explicit Load(const LoadOptions& options) : options_(options) {}

  absl::Status Start() {
    for (int id = 0; id < options_.idempotent; ++id) {
      auto client = Connect(options_);
      if (!client.ok()) {
        return client.status();
      }
      idempotent_.push_back(std::make_unique<IdempotentSender>(*std::move(client), options_, id, state_));
    }
    for (int id = 0; id < options_.plain; ++id) {
      plain_.push_back(std::make_unique<PlainSender>(options_, options_.idempotent + id, state_));
    }
    for (int id = 0; id < options_.consumers; ++id) {
      auto client = Connect(options_);
      if (!client.ok()) {
        return client.status();
      }
      const bool jumps = id == options_.consumers - 1 && id > 0;
      readers_.push_back(std::make_unique<Reader>(*std::move(client), options_, id, jumps, state_));
    }
    auto client = Connect(options_);
    if (!client.ok()) {
      return client.status();
    }
    end_watcher_ = std::make_unique<EndWatcher>(*std::move(client), options_, state_);
    return absl::OkStatus();
  }

  void Drain() {
    if (state_.stop_producers.HasBeenNotified()) {
      return;
    }
    state_.stop_producers.Notify();
    for (const auto& sender : idempotent_) {
      sender->Finish();
    }
    for (const auto& sender : plain_) {
      sender->Finish();
    }
  }

  absl::StatusOr<Findings> Finish() {
    Drain();
    state_.stop_consumers.Notify();
    for (const auto& reader : readers_) {
      reader->Finish();
    }
    end_watcher_->Finish();
    auto client = Connect(options_);
    if (!client.ok()) {
      return client.status();
    }
    if (absl::Status read = ReadAllAtLast(**client, options_, state_); !read.ok()) {
      return read;
    }
    return Check(state_.history.Take());
  }

  const LoadState& state() const { return state_; }

 private:
  const LoadOptions options_;
  LoadState state_;
  std::vector<std::unique_ptr<IdempotentSender>> idempotent_;
  std::vector<std::unique_ptr<PlainSender>> plain_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::unique_ptr<EndWatcher> end_watcher_;
};

void Print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

std::string Progress(const Load& load) {
  return absl::StrCat("{\"acked\": ", load.state().acked.load(), "}");
}

std::string Result(const Findings& found, const LoadState& state) {
  std::string anomalies;
  for (size_t kind = 0; kind < Findings::kKinds; ++kind) {
    if (found.counts[kind] > 0) {
      absl::StrAppend(&anomalies, anomalies.empty() ? "" : ", ", "\"", NameOf(static_cast<Anomaly>(kind)),
                      "\": ", found.counts[kind]);
    }
  }
  return absl::StrCat("{\"acked\": ", found.values_acked, ", \"sends\": {\"ok\": ", found.sends_ok,
                      ", \"refused\": ", found.sends_failed, ", \"unknown\": ", found.sends_unknown,
                      "}, \"read\": ", found.values_read, ", \"polls\": ", found.polls,
                      ", \"given_up\": ", state.given_up.load(),
                      ", \"poll_errors\": ", state.poll_errors.load(), ", \"anomalies\": {", anomalies, "}}");
}

int Run(const LoadOptions& options) {
  Load load(options);
  if (const absl::Status started = load.Start(); !started.ok()) {
    std::fprintf(stderr, "sluice_crash_load: %s\n", started.ToString().c_str());
    std::_Exit(2);  // Its threads still run.
  }
  std::string command;
  while (std::getline(std::cin, command)) {
    if (command == "drain") {
      load.Drain();
    }
    Print(Progress(load));
  }
  const absl::StatusOr<Findings> found = load.Finish();
  if (!found.ok()) {
    return Fail(found.status());
  }
  Print(Result(*found, load.state()));
  std::fprintf(stderr, "%s", found->ToString().c_str());
  return found->none() && found->values_acked > 0 ? 0 : 1;
}

}  // namespace
}  // namespace sluice::crash

int main(int argc, char** argv) {
  CLI::App app{"sluice_crash_load: a load that goes on through crashes, and the judgement of what it saw"};
  sluice::crash::LoadOptions options;
  std::string address;
  app.add_option("--broker", address, "where the broker listens, over all its restarts")->required();
  app.add_option("--topic", options.topic, "a topic that exists");
  app.add_option("--partitions", options.partitions, "of the topic");
  app.add_option("--idempotent", options.idempotent, "producers that retry until they are acknowledged");
  app.add_option("--plain", options.plain, "producers that try once");
  app.add_option("--consumers", options.consumers, "readers that read along");
  app.add_option("--value-bytes", options.value_bytes, "the longest value");
  app.add_option("--burst-ms", options.burst_ms, "between two bursts of a producer");
  app.add_option("--seed", options.seed, "of partitions and sizes");
  CLI11_PARSE(app, argc, argv);
  const size_t colon = address.rfind(':');
  CHECK(colon != std::string::npos);
  options.host = address.substr(0, colon);
  options.port = static_cast<uint16_t>(std::stoi(address.substr(colon + 1)));
  return sluice::crash::Run(options);
}
