// sluice_crash_broker: the broker itself, all of it, on a disk that ends it or fails at an exact call
// (armed_disk.h). For tests: it takes --set and --ports-file as sluice-broker does, and CRASH_AT.
#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "broker/app/broker.h"
#include "broker/app/exit_code.h"
#include "broker/config/broker_config.h"
#include "storage/disk/posix_disk.h"
#include "tests/crash/armed_disk.h"

namespace sluice::crash {
namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "sluice_crash_broker: %s\n", status.ToString().c_str());
  return broker::kExitFailed;
}

absl::StatusOr<broker::BrokerConfig> Load(const std::vector<std::string>& sets) {
  broker::BrokerConfig::Sources sources;
  for (const std::string& set : sets) {
    const size_t equals = set.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat("--set ", set, ": expected KEY=VALUE"));
    }
    sources.sets.emplace_back(set.substr(0, equals), set.substr(equals + 1));
  }
  return broker::BrokerConfig::Load(sources);
}

void WritePorts(const std::string& path, const broker::Broker& broker) {
  const std::string temporary = path + ".tmp";
  std::ofstream(temporary) << absl::StrCat("{\"kafka\": ", broker.kafka_port(),
                                           ", \"grpc\": ", broker.grpc_port(), "}\n");
  std::rename(temporary.c_str(), path.c_str());
}

int Run(const std::vector<std::string>& sets, const std::string& ports_file) {
  const absl::Time began = absl::Now();
  std::signal(SIGPIPE, SIG_IGN);
  asio::io_context context;
  asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([](const asio::error_code&, int) {});

  auto config = Load(sets);
  if (!config.ok()) {
    return Fail(config.status());
  }
  const char* const crash_at = std::getenv("CRASH_AT");
  auto rules = ArmedRules::Parse(crash_at == nullptr ? "" : crash_at);
  if (!rules.ok()) {
    return Fail(rules.status());
  }
  storage::PosixDisk posix;
  ArmedDisk disk(posix, **rules);
  StderrLogger logger;
  auto broker = broker::Broker::Start(
      *std::move(config), logger, [](const std::string& line) { std::printf("  %s\n", line.c_str()); },
      {.disk = &disk, .wrap_index = [&rules](std::unique_ptr<storage::OffsetIndex> index) {
         return Arm(std::move(index), **rules);
       }});
  if (!broker.ok()) {
    return Fail(broker.status());
  }
  WritePorts(ports_file, **broker);
  std::printf("ready in %d ms\n", static_cast<int>(absl::ToInt64Milliseconds(absl::Now() - began)));
  std::fflush(stdout);
  context.run();
  const absl::Status stopped = (*broker)->Stop(absl::Seconds(30));
  return stopped.ok() ? 0 : Fail(stopped);
}

}  // namespace
}  // namespace sluice::crash

int main(int argc, char** argv) {
  CLI::App app{"sluice_crash_broker: the broker on a disk that ends it at an exact call; for tests"};
  std::vector<std::string> sets;
  std::string ports_file;
  app.add_option("--set", sets, "KEY=VALUE; may be repeated")->allow_extra_args(false);
  app.add_option("--ports-file", ports_file, "where to write the ports once the broker is ready")->required();
  CLI11_PARSE(app, argc, argv);
  return sluice::crash::Run(sets, ports_file);
}
