// sluice-broker: reads the configuration, runs a Broker until a signal says stop.

#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "broker/app/broker.h"
#include "broker/app/exit_code.h"
#include "broker/app/version.h"
#include "broker/config/broker_config.h"
#include "proto/base/lock_checks.h"

extern char** environ;

namespace sluice::broker {
namespace {

constexpr absl::Duration kStopDeadline = absl::Seconds(30);

struct Arguments {
  std::string config_file;
  std::vector<std::string> sets;
  std::string ports_file;
  bool check = false;
};

// SLUICE_* but for the variable that the command line reads (tools/cli), which a person may well have set
// here too.
std::map<std::string, std::string> SluiceEnvironment() {
  std::map<std::string, std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (text.starts_with("SLUICE_") && !text.starts_with("SLUICE_BROKERS=") && equals != std::string::npos) {
      result[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  return result;
}

absl::StatusOr<BrokerConfig> LoadConfig(const Arguments& arguments) {
  BrokerConfig::Sources sources{
      .file = arguments.config_file, .environment = SluiceEnvironment(), .sets = {}};
  for (const std::string& set : arguments.sets) {
    const size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(absl::StrCat("--set ", set, ": expected KEY=VALUE"));
    }
    sources.sets.emplace_back(set.substr(0, equals), set.substr(equals + 1));
  }
  return BrokerConfig::Load(sources);
}

// Written under another name and renamed, so that whoever waits for the file never reads half of it.
absl::Status WritePorts(const std::string& path, const Broker& broker) {
  const std::string temporary = absl::StrCat(path, ".tmp");
  std::ofstream out(temporary, std::ios::trunc);
  out << absl::StrFormat("{\"kafka\": %d, \"grpc\": %d}\n", broker.kafka_port(), broker.grpc_port());
  out.close();
  if (!out || std::rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::InternalError(absl::StrCat("cannot write the ports file ", path));
  }
  return absl::OkStatus();
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "sluice-broker: %s\n", std::string(status.message()).c_str());
  return status.code() == absl::StatusCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

// SIGTERM and SIGINT from construction on, those that arrive while the broker starts included.
class StopSignal {
 public:
  StopSignal() : signals_(context_, SIGTERM, SIGINT) {
    signals_.async_wait([](const asio::error_code&, int) {});
  }
  // Blocks until one arrives. After that a second one ends the process on the spot.
  void Wait() {
    context_.run();
    signals_.clear();
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGINT, SIG_DFL);
  }

 private:
  asio::io_context context_;
  asio::signal_set signals_;
};

void PrintFarewell(const Broker& broker, absl::Duration took) {
  const Broker::Traffic traffic = broker.traffic();
  const uint64_t out = traffic.bytes_by_sendfile + traffic.bytes_copied;
  std::printf(
      "in %.1f MB, out %.1f MB, %.2f %% of it by sendfile\n", static_cast<double>(traffic.bytes_in) / 1e6,
      static_cast<double>(out) / 1e6,
      out == 0 ? 0.0 : 100.0 * static_cast<double>(traffic.bytes_by_sendfile) / static_cast<double>(out));
  std::printf("stopped cleanly in %d ms\n", static_cast<int>(absl::ToInt64Milliseconds(took)));
}

int Run(const Arguments& arguments) {
  const absl::Time began = absl::Now();
  absl::StatusOr<BrokerConfig> config = LoadConfig(arguments);
  if (!config.ok()) {
    return Fail(config.status());
  }
  if (arguments.check) {
    std::printf("the configuration is valid\n");
    return 0;
  }
  StopSignal stop_signal;
  std::signal(SIGPIPE, SIG_IGN);  // sendfile has no MSG_NOSIGNAL.
  StderrLogger logger;
  std::printf("sluice-broker %s\n", kVersion);
  auto broker = Broker::Start(*std::move(config), logger,
                              [](const std::string& line) { std::printf("  %s\n", line.c_str()); });
  if (!broker.ok()) {
    return Fail(broker.status());
  }
  if (!arguments.ports_file.empty()) {
    if (const absl::Status written = WritePorts(arguments.ports_file, **broker); !written.ok()) {
      return Fail(written);
    }
  }
  std::printf("ready in %d ms\n", static_cast<int>(absl::ToInt64Milliseconds(absl::Now() - began)));
  std::fflush(stdout);

  stop_signal.Wait();
  const absl::Time stop_began = absl::Now();
  const absl::Status stopped = (*broker)->Stop(kStopDeadline);
  if ((*broker)->log_dir_failed()) {
    if (!stopped.ok()) {
      Fail(stopped);
    }
    std::fprintf(stderr, "sluice-broker: stopped, but a log dir failed while it was served: see above\n");
    return kExitStorageFailed;
  }
  if (!stopped.ok()) {
    return Fail(stopped);
  }
  PrintFarewell(**broker, absl::Now() - stop_began);
  return 0;
}

}  // namespace
}  // namespace sluice::broker

int main(int argc, char** argv) {
  sluice::LeaveOutLockChecks();
  CLI::App app{"sluice-broker: an append-only message log broker that speaks Kafka's protocol"};
  sluice::broker::Arguments arguments;
  app.add_option("--config", arguments.config_file, "a .properties file with Kafka's keys")
      ->type_name("FILE");
  app.add_option("--set", arguments.sets, "one key, over file and environment; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--ports-file", arguments.ports_file,
                 "where to write the real ports, as JSON, once the broker is ready")
      ->type_name("FILE");
  app.add_flag("--check", arguments.check, "check the configuration and exit");
  app.set_version_flag("--version", std::string("sluice-broker ") + sluice::broker::kVersion);
  CLI11_PARSE(app, argc, argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return sluice::broker::Run(arguments);
}
