// `sluice group lag`: how far groups are behind, in records and in seconds.
//
// Seconds: how long the oldest record that the group has not read has been waiting, by its timestamp. So one
// record that nobody reads is late by more each second, and a group that reads all is at 0.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/base/status_macros.h"
#include "tools/cli/commands.h"
#include "tools/cli/table.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

// Reading one record of each partition that is behind may take so long; what is not there then is not told.
constexpr std::chrono::milliseconds kReadMax{3'000};
constexpr std::chrono::milliseconds kPoll{100};

volatile std::sig_atomic_t interrupted = 0;

struct Lag {
  TopicPartition partition;
  int64_t committed = -1;  // -1: nothing.
  int64_t start = 0;
  int64_t end = 0;
  int64_t waiting_since_ms = -1;  // The timestamp of the first unread record; -1: unknown, or none.
  std::string member;             // Its client id and host; empty: nobody.

  std::optional<int64_t> records() const {
    return committed < 0 ? std::nullopt
                         : std::optional(std::max<int64_t>(end - std::max(committed, start), 0));
  }
};

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::optional<double> SecondsOf(const Lag& lag, int64_t now_ms) {
  if (lag.records() == 0) {
    return 0.0;
  }
  if (lag.waiting_since_ms < 0) {
    return std::nullopt;
  }
  return static_cast<double>(std::max<int64_t>(now_ms - lag.waiting_since_ms, 0)) / 1000;
}

absl::Status FillOffsets(Admin& admin, std::vector<Lag>* lags) {
  std::vector<OffsetQuery> queries;
  for (const Lag& lag : *lags) {
    queries.push_back({lag.partition.topic, lag.partition.partition, Position::Beginning()});
    queries.push_back({lag.partition.topic, lag.partition.partition, Position::End()});
  }
  ASSIGN_OR_RETURN(const std::vector<OffsetAnswer> answers, admin.ListOffsets(queries));
  for (size_t i = 0; i < lags->size(); ++i) {
    const absl::Status& status = answers[2 * i].status;
    if (absl::IsNotFound(status)) {
      (*lags)[i].end = (*lags)[i].committed;  // The topic is gone: there is nothing to read.
      continue;
    }
    RETURN_IF_ERROR(status);
    RETURN_IF_ERROR(answers[2 * i + 1].status);
    (*lags)[i].start = answers[2 * i].offset;
    (*lags)[i].end = answers[2 * i + 1].offset;
  }
  return absl::OkStatus();
}

// One record each, as small a fetch as brokers allow, of the partitions that are behind.
absl::Status FillTimes(Client& client, std::vector<Lag>* lags) {
  std::map<TopicPartition, Lag*> behind;
  std::vector<Assignment> assignments;
  for (Lag& lag : *lags) {
    if (lag.records().value_or(0) > 0) {
      behind[lag.partition] = &lag;
      assignments.push_back(
          {lag.partition.topic, lag.partition.partition, Position::At(std::max(lag.committed, lag.start))});
    }
  }
  if (assignments.empty()) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const auto consumer, client.NewConsumer({.offset_reset = OffsetReset::kEarliest,
                                                            .partition_bytes_max = 1,
                                                            .prefetch_responses = 1}));
  RETURN_IF_ERROR(consumer->Assign(std::move(assignments)));
  const auto deadline = std::chrono::steady_clock::now() + kReadMax;
  while (!behind.empty() && std::chrono::steady_clock::now() < deadline && interrupted == 0) {
    ASSIGN_OR_RETURN(const FetchedRecords records, consumer->Poll(kPoll));
    for (const RecordView& record : records) {
      const auto found = behind.find({std::string(record.topic), record.partition});
      if (found != behind.end()) {
        found->second->waiting_since_ms = record.timestamp_ms;
        behind.erase(found);
        RETURN_IF_ERROR(consumer->Pause(record.topic, record.partition));
      }
    }
    for (auto it = behind.begin(); it != behind.end();) {  // Control records and gaps are no records.
      const auto next = consumer->NextOffset(it->first.topic, it->first.partition);
      it = next.ok() && *next >= it->second->end ? behind.erase(it) : std::next(it);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Lag>> Measure(Client& client, const std::string& group_id) {
  Admin& admin = client.admin();
  ASSIGN_OR_RETURN(const GroupDescription group, admin.DescribeGroup(group_id));
  ASSIGN_OR_RETURN(const std::vector<GroupOffset> committed, admin.ListGroupOffsets(group_id));
  std::map<TopicPartition, Lag> found;
  for (const GroupOffset& offset : committed) {
    Lag& lag = found[{offset.topic, offset.partition}];
    lag.committed = offset.offset;
  }
  for (const GroupMember& member : group.members) {
    for (const TopicPartition& partition : member.assignment) {
      found[partition].member = absl::StrCat(member.client_id, member.host);
    }
  }
  std::vector<Lag> lags;
  for (auto& [partition, lag] : found) {
    lag.partition = partition;
    lags.push_back(std::move(lag));
  }
  RETURN_IF_ERROR(FillOffsets(admin, &lags));
  RETURN_IF_ERROR(FillTimes(client, &lags));
  return lags;
}

struct Total {
  int64_t records = 0;
  std::optional<double> seconds;
};

Total TotalOf(const std::vector<Lag>& lags, int64_t now_ms) {
  Total total;
  for (const Lag& lag : lags) {
    total.records += lag.records().value_or(0);
    if (const auto seconds = SecondsOf(lag, now_ms)) {
      total.seconds = std::max(total.seconds.value_or(0), *seconds);
    }
  }
  return total;
}

std::string Text(const std::optional<int64_t>& number) {
  return number.has_value() ? absl::StrCat(*number) : "-";
}
std::string Text(const std::optional<double>& seconds) {
  return seconds.has_value() ? absl::StrFormat("%.1f", *seconds) : "-";
}

std::string ToTable(const std::string& group, const std::vector<Lag>& lags, int64_t now_ms) {
  Table table({"TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "SECONDS", "MEMBER"});
  for (const Lag& lag : lags) {
    table.Add({lag.partition.topic, absl::StrCat(lag.partition.partition),
               lag.committed < 0 ? "-" : absl::StrCat(lag.committed), absl::StrCat(lag.end),
               Text(lag.records()), Text(SecondsOf(lag, now_ms)), lag.member.empty() ? "-" : lag.member});
  }
  const Total total = TotalOf(lags, now_ms);
  return absl::StrCat("group ", group, "  lag ", total.records, "  seconds ", Text(total.seconds), "\n",
                      table.ToString());
}

std::string ToJson(const std::string& group, const std::vector<Lag>& lags, int64_t now_ms) {
  const auto of = [](const auto& value) { return value.has_value() ? Json(*value) : Json(); };
  const Total total = TotalOf(lags, now_ms);
  Json json = {{"group", group},
               {"lag", total.records},
               {"seconds", of(total.seconds)},
               {"partitions", Json::array()}};
  for (const Lag& lag : lags) {
    json["partitions"].push_back({{"topic", lag.partition.topic},
                                  {"partition", lag.partition.partition},
                                  {"committed", lag.committed < 0 ? Json() : Json(lag.committed)},
                                  {"start", lag.start},
                                  {"end", lag.end},
                                  {"lag", of(lag.records())},
                                  {"seconds", of(SecondsOf(lag, now_ms))},
                                  {"member", lag.member.empty() ? Json() : Json(lag.member)}});
  }
  return json.dump() + "\n";
}

absl::Status ShowOnce(const Context& context, const GroupLagOptions& options, Client& client) {
  std::string out;
  for (const std::string& group : options.groups) {
    ASSIGN_OR_RETURN(const std::vector<Lag> lags, Measure(client, group));
    absl::StrAppend(&out, context.json ? ToJson(group, lags, NowMs()) : ToTable(group, lags, NowMs()));
  }
  if (options.watch && isatty(STDOUT_FILENO) != 0) {
    out.insert(0, "\033[H\033[2J");
  }
  std::fputs(out.c_str(), stdout);
  return std::fflush(stdout) == 0 ? absl::OkStatus() : absl::CancelledError("nobody reads the output");
}

// In short steps, so that Ctrl-C is heard.
void WaitFor(std::chrono::duration<double> time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  while (interrupted == 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

absl::Status Show(const Context& context, const GroupLagOptions& options) {
  ASSIGN_OR_RETURN(const auto client, context.Connect());
  for (;;) {
    RETURN_IF_ERROR(ShowOnce(context, options, *client));
    if (options.watch) {
      WaitFor(std::chrono::duration<double>(options.interval_seconds));
    }
    if (!options.watch || interrupted != 0) {
      return absl::OkStatus();
    }
  }
}

}  // namespace

int RunGroupLag(const Context& context, const GroupLagOptions& options) {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  std::signal(SIGPIPE, SIG_IGN);
  const absl::Status status = Show(context, options);
  return status.ok() ? kExitOk : Fail(status);
}

}  // namespace sluice::cli
