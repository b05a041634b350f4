// Every command of the `sluice` program: its options as they come from the command line, and the function
// that runs it and returns the process's exit code. command_line.cc fills the options.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sluice/options.h"
#include "tools/cli/context.h"

namespace sluice::cli {

// Runs sluice-broker, from beside this program, in this process.
struct StartOptions {
  std::vector<std::string> arguments;  // Passed on.
};
int RunStart(const StartOptions& options);

struct TopicOptions {
  std::vector<std::string> names;
  int partitions = -1;
  int replication = -1;
  std::vector<std::string> configs;  // key=value
  std::vector<std::string> unset;    // Keys.
  bool if_not_exists = false;
  bool all_configs = false;
};
int RunTopicCreate(const Context& context, const TopicOptions& options);
int RunTopicList(const Context& context);
int RunTopicDescribe(const Context& context, const TopicOptions& options);
int RunTopicAlter(const Context& context, const TopicOptions& options);
int RunTopicDelete(const Context& context, const TopicOptions& options);
int RunTopicAddPartitions(const Context& context, const TopicOptions& options);

struct DeleteRecordsOptions {
  std::string topic;
  std::string before;  // As position_text.h reads it.
  int partition = -1;  // All.
  bool yes = false;    // Do not ask.
};
int RunTopicDeleteRecords(const Context& context, const DeleteRecordsOptions& options);

struct ProduceOptions {
  std::string topic;
  std::string key_delimiter;         // Empty: no keys.
  std::vector<std::string> headers;  // k=v
  int partition = -1;
  std::string codec = "none";
  std::string acks = "all";
  bool json = false;
  bool tombstones = false;  // An empty value is a null.
  std::string file;         // Empty: standard input.
};
int RunProduce(const Context& context, const ProduceOptions& options);

struct ConsumeOptions {
  std::vector<std::string> topics;  // One, but for a member of a group.
  std::string position = "end";
  int64_t count = 0;  // 0: no limit.
  bool exit_at_end = false;
  int partition = -1;
  std::string format;  // Empty and !has_format: the value and a newline.
  bool has_format = false;
  bool json = false;

  std::string group;  // Empty: no member of any.
  std::string instance_id;
  std::string assignor = "both";
  double session_seconds = 45;
  bool no_commit = false;
};
int RunConsume(const Context& context, const ConsumeOptions& options);

struct GroupListOptions {
  std::vector<std::string> states;
};
int RunGroupList(const Context& context, const GroupListOptions& options);

struct GroupOptions {
  std::vector<std::string> groups;
  bool yes = false;  // Do not ask.
};
int RunGroupDescribe(const Context& context, const GroupOptions& options);
int RunGroupDelete(const Context& context, const GroupOptions& options);

struct GroupLagOptions {
  std::vector<std::string> groups;
  bool watch = false;
  double interval_seconds = 2;
};
int RunGroupLag(const Context& context, const GroupLagOptions& options);

struct GroupSeekOptions {
  std::string group;
  std::string to;                   // As position_text.h reads it,
  std::optional<int64_t> shift;     // or by so many,
  std::string file;                 // or a line each: topic,partition,offset.
  std::vector<std::string> topics;  // NAME or NAME:0,1; empty: all that the group has committed.
  bool execute = false;
};
int RunGroupSeek(const Context& context, const GroupSeekOptions& options);

int RunStatus(const Context& context);

struct LogDumpOptions {
  std::string path;
  int64_t from = 0;  // Offsets...
  int64_t to = std::numeric_limits<int64_t>::max();
  bool records = false;       // Each record too, not only the batches.
  bool records_only = false;  // As `produce --json` takes them back.
  bool running = false;       // A broker may have the directory.
};
int RunLogDump(const Context& context, const LogDumpOptions& options);

struct LogPathOptions {
  std::string path;
};
int RunLogVerify(const Context& context, const LogPathOptions& options);
int RunLogIndexRebuild(const Context& context, const LogPathOptions& options);

struct LogRepairOptions {
  std::string path;
  bool yes = false;  // Do it; else only tell.
  bool truncate = false;
  bool discard = false;
};
int RunLogRepair(const Context& context, const LogRepairOptions& options);

struct BenchOptions {
  std::string topic;
  int64_t records = 1'000'000;
  int record_bytes = 1024;
  int batch_bytes = 256 << 10;
  int linger_ms = 5;
  int producers = 1;
  int in_flight = 5;  // Requests of one producer ahead of their answers.
  std::string acks = "all";
  std::string codec = "none";
  bool idempotent = true;
  int partitions = 1;  // Of the topic that is made when it is missing.
  int broker_pid = 0;  // Whose CPU seconds are told; 0: not told.
  int64_t rate = 0;    // Records a second; 0: as fast as it goes.
  int fetch_bytes = 8 << 20;
};
int RunBenchProduce(const Context& context, const BenchOptions& options);
int RunBenchConsume(const Context& context, const BenchOptions& options);

// Shared by several commands.
absl::StatusOr<Acks> ParseAcks(const std::string& text);
absl::StatusOr<Compression> ParseCompression(const std::string& text);
// "key=value"; InvalidArgument otherwise.
absl::StatusOr<std::pair<std::string, std::string>> SplitPair(const std::string& text, const char* what);

}  // namespace sluice::cli
