// What consumer groups cost against a running broker: how long a rebalance takes, and how many commits and
// fetches of offsets are answered in a second.
//
//   sluice topic create bench -p 1000
//   sluice_group_bench --port 9092 --topic bench [--protocol both] [--json]
//
// A rebalance is timed from the request of the one who joins or leaves, or from the moment one is cut off, to
// the moment at which the last member knows its final assignment. So it holds what members wait for: a
// classic one learns of a rebalance with its next heartbeat (--heartbeat-ms; clients' default is 3000), one
// of KIP-848 at the interval that the broker sets (group.consumer.heartbeat.interval.ms), and one that is cut
// off is missed when its session ends (--session-timeout-ms; group.consumer.session.timeout.ms). For figures
// of the broker alone let it run with group.initial.rebalance.delay.ms=0. One thread runs all members.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/base/check.h"
#include "proto/kafka/gen/metadata.h"
#include "tests/bench/group_commits.h"
#include "tests/bench/group_crowd.h"

namespace sluice::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int16_t kMetadataVersion = 12;

struct Plan {
  AsyncConnection::Options connection = {.timeout = std::chrono::seconds(120)};
  GroupMemberOptions member = {.session_timeout_ms = 6'000, .rebalance_timeout_ms = 60'000};
  std::vector<GroupProtocol> protocols = {};
  std::vector<int> members = {3, 30, 300};
  int rounds = 5;
  int32_t heartbeat_ms = 500;
  std::vector<int> committers = {1, 10};
  std::vector<int> commit_partitions = {1, 10, 100};
  std::vector<int> in_flight = {1, 8, 64};
  int commit_ms = 3'000;
  bool json = false;
};

const char* NameOf(GroupProtocol protocol) {
  return protocol == GroupProtocol::kClassic ? "classic" : "consumer";
}

double MedianOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Lines of a table for people, or objects of a JSON array.
class Report {
 public:
  explicit Report(bool json) : json_(json) {}
  ~Report() {
    if (json_) {
      std::printf("[%s]\n", absl::StrJoin(objects_, ",\n ").c_str());
    }
  }
  void Rebalance(GroupProtocol protocol, int members, const char* what, double median_ms, double worst_ms) {
    if (json_) {
      objects_.push_back(absl::StrCat("{\"what\": \"", what, "\", \"protocol\": \"", NameOf(protocol),
                                      "\", \"members\": ", members, ", \"median_ms\": ", median_ms,
                                      ", \"worst_ms\": ", worst_ms, "}"));
      return;
    }
    std::printf("%-9s %4d members  %-10s median %9.1f ms   worst %9.1f ms\n", NameOf(protocol), members, what,
                median_ms, worst_ms);
    std::fflush(stdout);
  }
  void Commits(const char* who, const CommitLoad& load, const CommitFigures& figures) {
    const char* const what = load.call == OffsetCall::kCommit ? "commit" : "fetch";
    if (json_) {
      objects_.push_back(absl::StrCat(
          "{\"what\": \"", what, "\", \"who\": \"", who, "\", \"members\": ", load.members,
          ", \"partitions\": ", load.partitions, ", \"in_flight\": ", load.in_flight, ", \"per_second\": ",
          figures.per_second, ", \"p50_us\": ", figures.p50_us, ", \"p99_us\": ", figures.p99_us, "}"));
      return;
    }
    std::printf("%-6s %-9s %3d x %3d in flight, %4d partitions: %9.0f /s   p50 %8.0f us   p99 %8.0f us\n",
                what, who, load.members, load.in_flight, load.partitions, figures.per_second, figures.p50_us,
                figures.p99_us);
    std::fflush(stdout);
  }

 private:
  const bool json_;
  std::vector<std::string> objects_;
};

template <class Work>
void RunOn(asio::io_context& context, Work work) {
  auto done = asio::co_spawn(context, std::move(work), asio::use_future);
  context.restart();
  context.run();
  done.get();
}

asio::awaitable<void> FindTopic(asio::io_context& context, Plan* plan) {
  AsyncConnection connection(context, plan->connection);
  const bool connected = co_await connection.Connect();
  CHECK(connected);
  kafka::MetadataRequest request;
  request.topics.emplace().emplace_back().name = plan->member.topic;
  const auto answer = co_await connection.Call(request, kMetadataVersion);
  CHECK(answer && answer->topics.size() == 1);
  CHECK_EQ(answer->topics[0].error_code, 0);
  plan->member.topic_id = answer->topics[0].topic_id;
  plan->member.partitions = static_cast<int32_t>(answer->topics[0].partitions.size());
}

struct Times {
  std::vector<double> ms;
  void Add(Clock::time_point begin) {
    ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
};

asio::awaitable<void> Rebalance(asio::io_context& context, const Plan& plan, GroupProtocol protocol,
                                int members, Report& report) {
  CrowdOptions options{.protocol = protocol,
                       .connection = plan.connection,
                       .member = plan.member,
                       .heartbeat_ms = plan.heartbeat_ms};
  options.member.group =
      absl::StrCat("bench-", NameOf(protocol), "-", members, "-", Clock::now().time_since_epoch().count());
  GroupCrowd crowd(context, options);
  Times start, join, leave, kill;
  Clock::time_point begin = Clock::now();
  crowd.Add(members);
  co_await crowd.AwaitFinal();
  start.Add(begin);
  for (int round = 0; round < plan.rounds; ++round) {
    begin = Clock::now();
    crowd.Add(1);
    co_await crowd.AwaitFinal();
    join.Add(begin);
    begin = Clock::now();
    co_await crowd.LetOneLeave();
    co_await crowd.AwaitFinal();
    leave.Add(begin);
    crowd.Add(1);
    co_await crowd.AwaitFinal();
    begin = Clock::now();
    crowd.KillOne();
    co_await crowd.AwaitFinal();
    kill.Add(begin);
  }
  co_await crowd.LetAllLeave();
  const auto tell = [&](const char* what, const Times& times) {
    report.Rebalance(protocol, members, what, MedianOf(times.ms),
                     *std::max_element(times.ms.begin(), times.ms.end()));
  };
  tell("all come", start);
  tell("one joins", join);
  tell("one leaves", leave);
  tell("one killed", kill);
}

void MeasureRebalances(asio::io_context& context, const Plan& plan, Report& report) {
  for (const GroupProtocol protocol : plan.protocols) {
    for (const int members : plan.members) {
      RunOn(context, Rebalance(context, plan, protocol, members, report));
    }
  }
}

void MeasureOffsets(asio::io_context& context, const Plan& plan, Report& report) {
  CommitLoad load{.connection = plan.connection,
                  .member = plan.member,
                  .time = std::chrono::milliseconds(plan.commit_ms)};
  const auto measure = [&](const char* who) {
    for (const int members : plan.committers) {
      for (const int partitions : plan.commit_partitions) {
        for (const int in_flight : plan.in_flight) {
          load.members = members;
          load.partitions = std::min<int>(partitions, plan.member.partitions);
          load.in_flight = in_flight;
          load.member.group = absl::StrCat("bench-", who, "-", Clock::now().time_since_epoch().count());
          report.Commits(who, load, MeasureCommits(context, load));
        }
      }
    }
  };
  for (const OffsetCall call : {OffsetCall::kCommit, OffsetCall::kFetch}) {
    load.call = call;
    load.committers = Committers::kMembers;
    for (const GroupProtocol protocol : plan.protocols) {
      load.protocol = protocol;
      measure(NameOf(protocol));
    }
    load.protocol = GroupProtocol::kClassic;
    load.committers = Committers::kSimple;
    measure("simple");
  }
}

int Main(Plan plan, const std::string& what) {
  asio::io_context context(1);
  RunOn(context, FindTopic(context, &plan));
  Report report(plan.json);
  if (what != "offsets") {
    MeasureRebalances(context, plan, report);
  }
  if (what != "rebalances") {
    MeasureOffsets(context, plan, report);
  }
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using sluice::GroupProtocol;
  CLI::App app{
      "sluice_group_bench: rebalances, and commits and fetches of offsets, against a running broker"};
  sluice::bench::Plan plan;
  std::string protocol = "classic";
  std::string what = "all";
  app.add_option("--port", plan.connection.port, "where the broker listens on 127.0.0.1")->required();
  app.add_option("--topic", plan.member.topic, "a topic that exists; it is not read")->required();
  app.add_option("--what", what)->check(CLI::IsMember({"all", "rebalances", "offsets"}));
  app.add_option("--protocol", protocol)->check(CLI::IsMember({"classic", "consumer", "both"}));
  app.add_option("--members", plan.members, "of the groups that rebalance")->delimiter(',');
  app.add_option("--rounds", plan.rounds, "that medians are of");
  app.add_option("--heartbeat-ms", plan.heartbeat_ms, "of classic members");
  app.add_option("--session-timeout-ms", plan.member.session_timeout_ms, "of classic members");
  app.add_option("--committers", plan.committers, "that commit side by side")->delimiter(',');
  app.add_option("--commit-partitions", plan.commit_partitions, "in each request")->delimiter(',');
  app.add_option("--in-flight", plan.in_flight, "of each committer")->delimiter(',');
  app.add_option("--commit-ms", plan.commit_ms, "of each measurement");
  app.add_flag("--json", plan.json, "an array of objects in place of the table");
  CLI11_PARSE(app, argc, argv);
  if (protocol != "consumer") {
    plan.protocols.push_back(GroupProtocol::kClassic);
  }
  if (protocol != "classic") {
    plan.protocols.push_back(GroupProtocol::kConsumer);
  }
  return sluice::bench::Main(std::move(plan), what);
}
