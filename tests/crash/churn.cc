// sluice_crash_churn: consumer groups whose members come and go through whatever happens to the broker, and
// the judgement of what they were told. What to do comes on standard input, a word a line; each is answered
// with how far it is:
//
//   died         the broker is dead, and the next one has not been started
//   progress
//   settle       nobody comes or goes any more: answered when everything is read and committed
//   (the end)    the committed offsets are asked for once more, all is judged, the answer says what was found
//
// Exit 0: no anomaly. 1: anomalies, on standard error the first of each kind. 2: it could not be found out,
// or the groups did not come to rest.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/crash/churn_checker.h"
#include "tests/crash/churn_run.h"

namespace sluice::crash {
namespace {

void Print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

std::string NamesOf(const ChurnFindings& found) {
  std::vector<std::string> names;
  for (size_t kind = 0; kind < ChurnFindings::kKinds; ++kind) {
    if (found.counts[kind] > 0) {
      names.push_back(
          absl::StrCat("\"", NameOf(static_cast<ChurnAnomaly>(kind)), "\": ", found.counts[kind]));
    }
  }
  return absl::StrJoin(names, ", ");
}

std::string ResultOf(const std::string& group, const ChurnFindings& found) {
  return absl::StrCat("\"", group, "\": {\"commits\": {\"ok\": ", found.commits_ok,
                      ", \"refused\": ", found.commits_refused, ", \"unknown\": ", found.commits_unknown,
                      "}, \"overslept_refused\": ", found.overslept_refused, ", \"read\": ", found.read,
                      ", \"epoch\": ", found.epoch_max, ", \"deaths\": ", found.deaths, ", \"anomalies\": {",
                      NamesOf(found), "}}");
}

int Judge(ChurnRun& run) {
  bool good = true;
  std::vector<std::string> results;
  for (const auto& group : run.groups()) {
    const ChurnFindings found =
        CheckChurn(group->history.Take(), {.classic = group->protocol == GroupProtocol::kClassic});
    good = good && found.none() && found.commits_ok > 0;
    results.push_back(ResultOf(group->name, found));
    std::fprintf(stderr, "%s", found.ToString().c_str());
  }
  Print(absl::StrCat("{", absl::StrJoin(results, ", "), "}"));
  return good ? 0 : 1;
}

int Main(const ChurnOptions& options, const std::vector<GroupProtocol>& protocols) {
  ChurnRun run(options, protocols);
  std::string command;
  while (std::getline(std::cin, command)) {
    if (command == "died") {
      run.NoteDeath();
    } else if (command == "settle" && !run.Settle()) {
      std::fprintf(stderr, "%s", run.Describe().c_str());
      std::_Exit(2);  // Its threads still run.
    }
    Print(run.Progress());
  }
  if (!run.Finish()) {
    std::fprintf(stderr, "%s", run.Describe().c_str());
    std::_Exit(2);
  }
  return Judge(run);
}

}  // namespace
}  // namespace sluice::crash

int main(int argc, char** argv) {
  using sluice::GroupProtocol;
  CLI::App app{
      "sluice_crash_churn: consumer groups that never come to rest, and the judgement of what they saw"};
  sluice::crash::ChurnOptions options;
  std::string protocol = "classic";
  app.add_option("--port", options.connection.port,
                 "where the broker listens on 127.0.0.1, over all its restarts")
      ->required();
  app.add_option("--topic", options.topic, "a topic that exists and is empty");
  app.add_option("--protocol", protocol, "classic, consumer (KIP-848), or both: a group of each")
      ->check(CLI::IsMember({"classic", "consumer", "both"}));
  app.add_option("--members", options.members, "places of a group");
  app.add_option("--static-members", options.static_members, "of them");
  app.add_option("--session-timeout-ms", options.session_timeout_ms,
                 "the broker's own for KIP-848 must be the same");
  app.add_option("--seed", options.seed, "of everything that is left to chance");
  CLI11_PARSE(app, argc, argv);
  std::vector<GroupProtocol> protocols;
  if (protocol != "consumer") {
    protocols.push_back(GroupProtocol::kClassic);
  }
  if (protocol != "classic") {
    protocols.push_back(GroupProtocol::kConsumer);
  }
  return sluice::crash::Main(options, protocols);
}
