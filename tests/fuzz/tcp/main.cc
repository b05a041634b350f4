// tcp_fuzzer: sends nearly good requests to a broker that it starts, and says what should not have happened.
// Exit 0: nothing was found. 1: something was, on standard error. 2: it could not be found out.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "proto/base/status_macros.h"
#include "tests/fuzz/tcp/broker_process.h"
#include "tests/fuzz/tcp/fuzz_run.h"
#include "tests/fuzz/tcp/known_data.h"

namespace sluice::fuzz {
namespace {

struct Arguments {
  FuzzOptions run = {.seed = Random::FromSystem().Next() % 1'000'000'000};
  std::string broker;
  uint64_t memory_mb_max = 1024;
};

// Waits that are short, limits that are reached.
std::vector<std::string> Settings() {
  return {"group.initial.rebalance.delay.ms=0", "group.min.session.timeout.ms=1",
          "offsets.topic.num.partitions=2",     "auto.create.topics.enable=true",
          "sluice.partitions.max=500",          "sluice.journal.bytes=16777216"};
}

int Fail(int code, const absl::Status& status, const BrokerProcess& broker) {
  std::fprintf(stderr, "tcp_fuzzer: %s\n", std::string(status.message()).c_str());
  const std::vector<std::string> lines = broker.LinesWith({""});
  for (size_t i = lines.size() - std::min<size_t>(lines.size(), 20); i < lines.size(); ++i) {
    std::fprintf(stderr, "  broker: %s\n", lines[i].c_str());
  }
  return code;
}

absl::Status Compare(KnownData& known, const BrokerProcess& broker) {
  Connection connection(broker.port());
  RETURN_IF_ERROR(known.CheckWire(connection));
  RETURN_IF_ERROR(known.CheckAppended(connection));
  return known.CheckFiles(broker.log_dir());
}

// What shows only when all is sent: its memory, what it said, and that it stops and starts again.
absl::Status LookAfterwards(const Arguments& arguments, BrokerProcess& broker, KnownData& known) {
  RETURN_IF_ERROR(broker.CheckAlive());
  const uint64_t memory_mb = broker.MemoryPeak() >> 20;
  absl::PrintF("memory of the broker: %d MB at most\n", memory_mb);
  if (memory_mb > arguments.memory_mb_max) {
    return absl::ResourceExhaustedError(absl::StrFormat("more memory than %d MB", arguments.memory_mb_max));
  }
  RETURN_IF_ERROR(Compare(known, broker));
  RETURN_IF_ERROR(broker.Stop());
  RETURN_IF_ERROR(known.CheckFiles(broker.log_dir()));
  RETURN_IF_ERROR(broker.Start());
  RETURN_IF_ERROR(Compare(known, broker));
  RETURN_IF_ERROR(broker.Stop());
  const std::vector<std::string> bugs = broker.LinesWith({"cannot encode", " failed: "});
  return bugs.empty() ? absl::OkStatus()
                      : absl::InternalError(absl::StrCat("the broker says: ", bugs.front()));
}

void Print(const FuzzRun::Counts& counts, absl::Duration took) {
  absl::PrintF(
      "%d requests in %.1f s: %d answered, %d refused by a close, %d without an answer, %d torn; %d left "
      "out.\n"
      "%d rounds of good requests meanwhile, the slowest in %d ms\n",
      counts.sent, absl::ToDoubleSeconds(took), counts.answered, counts.refused, counts.unanswered,
      counts.torn, counts.harmful, counts.good, absl::ToInt64Milliseconds(counts.slowest_good));
}

absl::Status Prepare(BrokerProcess& broker, KnownData& known, std::vector<Target>* targets) {
  RETURN_IF_ERROR(broker.Start());
  Connection connection(broker.port());
  ASSIGN_OR_RETURN(*targets, FindTargets(connection));
  return known.Create(connection);
}

int Main(const Arguments& arguments) {
  BrokerProcess broker(arguments.broker, Settings());
  KnownData known;
  std::vector<Target> targets;
  if (const absl::Status ready = Prepare(broker, known, &targets); !ready.ok()) {
    return Fail(2, ready, broker);
  }
  absl::PrintF("seed %d: %d API versions\n", arguments.run.seed, targets.size());
  FuzzRun run(arguments.run, std::move(targets), broker, known);
  const absl::Time began = absl::Now();
  absl::Status found = run.Run();
  Print(run.counts(), absl::Now() - began);
  if (found.ok()) {
    found = LookAfterwards(arguments, broker, known);
  }
  return found.ok() ? 0 : Fail(1, found, broker);
}

}  // namespace
}  // namespace sluice::fuzz

int main(int argc, char** argv) {
  CLI::App app("Sends nearly good requests to a broker of its own.");
  sluice::fuzz::Arguments arguments;
  arguments.broker = std::filesystem::canonical("/proc/self/exe").parent_path() / "sluice-broker";
  app.add_option("--broker", arguments.broker, "the program to start")->check(CLI::ExistingFile);
  app.add_option("--seed", arguments.run.seed, "what the requests come from");
  app.add_option("--first", arguments.run.first, "the number of the first request");
  app.add_option("--requests", arguments.run.requests, "how many");
  app.add_option("--connections", arguments.run.connections, "how many at a time")->check(CLI::Range(1, 256));
  app.add_option("--memory-mb-max", arguments.memory_mb_max, "the most memory that the broker may take");
  CLI11_PARSE(app, argc, argv);
  return sluice::fuzz::Main(arguments);
}
