// `sluice group seek`: where a group shall go on. Shows what would change, and does it when told to.

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "tools/cli/commands.h"
#include "tools/cli/group_text.h"
#include "tools/cli/position_text.h"
#include "tools/cli/table.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Move {
  TopicPartition partition;
  int64_t before = -1;  // -1: nothing is committed.
  int64_t after = -1;
  int64_t start = 0;
  int64_t end = 0;
  bool bent = false;  // What was asked for is not in the log: the nearest that is.
};

using Committed = std::map<TopicPartition, int64_t>;

absl::Status CheckOptions(const GroupSeekOptions& options) {
  const int ways =
      (options.to.empty() ? 0 : 1) + (options.shift.has_value() ? 1 : 0) + (options.file.empty() ? 0 : 1);
  if (ways != 1) {
    return absl::InvalidArgumentError("say where to: exactly one of --to, --shift and --from-file");
  }
  if (!options.file.empty() && !options.topics.empty()) {
    return absl::InvalidArgumentError("--from-file names the partitions itself; leave --topic away");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<GroupOffset>> ReadFile(const std::string& path) {
  std::ifstream in(path);
  if (!in) {
    return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  }
  std::ostringstream text;
  text << in.rdbuf();
  absl::StatusOr<std::vector<GroupOffset>> offsets = ParseOffsetLines(text.str());
  return offsets.ok() ? std::move(offsets) : WithContext(offsets.status(), path);
}

absl::Status AddTopic(Admin& admin, const TopicChoice& choice, std::vector<TopicPartition>* partitions) {
  ASSIGN_OR_RETURN(const TopicDescription topic, admin.DescribeTopic(choice.topic));
  const auto count = static_cast<int32_t>(topic.partitions.size());
  for (const int32_t asked : choice.partitions) {
    if (asked >= count) {
      return absl::NotFoundError(absl::StrCat("partition ", choice.topic, "-", asked,
                                              " does not exist, the topic has 0 to ", count - 1));
    }
    partitions->push_back({choice.topic, asked});
  }
  for (int32_t i = 0; choice.partitions.empty() && i < count; ++i) {
    partitions->push_back({choice.topic, i});
  }
  return absl::OkStatus();
}

// What --topic names, or all that the group has committed.
absl::StatusOr<std::vector<TopicPartition>> ChoosePartitions(Admin& admin, const GroupSeekOptions& options,
                                                             const Committed& committed) {
  std::vector<TopicPartition> partitions;
  for (const std::string& text : options.topics) {
    ASSIGN_OR_RETURN(const TopicChoice choice, ParseTopicChoice(text));
    RETURN_IF_ERROR(AddTopic(admin, choice, &partitions));
  }
  for (const auto& [partition, offset] : committed) {
    if (options.topics.empty()) {
      partitions.push_back(partition);
    }
  }
  std::sort(partitions.begin(), partitions.end());
  partitions.erase(std::unique(partitions.begin(), partitions.end()), partitions.end());
  if (partitions.empty()) {
    return absl::NotFoundError(
        absl::StrCat("group \"", options.group, "\" has committed nothing; name what to set with --topic"));
  }
  return partitions;
}

absl::StatusOr<std::vector<std::pair<TopicPartition, Position>>> Targets(Admin& admin,
                                                                         const GroupSeekOptions& options,
                                                                         const Committed& committed) {
  std::vector<std::pair<TopicPartition, Position>> targets;
  if (!options.file.empty()) {
    ASSIGN_OR_RETURN(const std::vector<GroupOffset> lines, ReadFile(options.file));
    for (const GroupOffset& line : lines) {
      targets.emplace_back(TopicPartition{line.topic, line.partition}, Position::At(line.offset));
    }
    return targets;
  }
  Position to = Position::End();
  if (!options.to.empty()) {
    ASSIGN_OR_RETURN(to, ParsePosition(options.to, std::chrono::system_clock::now()));
  }
  ASSIGN_OR_RETURN(const std::vector<TopicPartition> partitions, ChoosePartitions(admin, options, committed));
  for (const TopicPartition& partition : partitions) {
    if (options.shift.has_value()) {
      const auto before = committed.find(partition);
      if (before == committed.end()) {
        return absl::FailedPreconditionError(
            absl::StrCat("group \"", options.group, "\" has committed nothing in ", partition.topic, "-",
                         partition.partition, " that --shift could count from; use --to"));
      }
      to = Position::At(std::max<int64_t>(before->second + *options.shift, 0));
    }
    targets.emplace_back(partition, to);
  }
  return targets;
}

absl::StatusOr<std::vector<Move>> Plan(Admin& admin, const GroupSeekOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<GroupOffset> offsets, admin.ListGroupOffsets(options.group));
  Committed committed;
  for (const GroupOffset& offset : offsets) {
    committed[{offset.topic, offset.partition}] = offset.offset;
  }
  ASSIGN_OR_RETURN(const auto targets, Targets(admin, options, committed));
  std::vector<OffsetQuery> queries;
  for (const auto& [partition, to] : targets) {
    for (const Position& position : {Position::Beginning(), to, Position::End()}) {
      queries.push_back({partition.topic, partition.partition, position});
    }
  }
  ASSIGN_OR_RETURN(const std::vector<OffsetAnswer> answers, admin.ListOffsets(queries));
  std::vector<Move> moves;
  for (size_t i = 0; i < targets.size(); ++i) {
    for (size_t j = 3 * i; j < 3 * i + 3; ++j) {
      RETURN_IF_ERROR(answers[j].status);
    }
    const TopicPartition& partition = targets[i].first;
    Move& move = moves.emplace_back();
    move.partition = partition;
    move.before = committed.contains(partition) ? committed[partition] : -1;
    move.start = answers[3 * i].offset;
    move.end = answers[3 * i + 2].offset;
    move.after = std::clamp(answers[3 * i + 1].offset, move.start, move.end);
    move.bent = move.after != answers[3 * i + 1].offset;
  }
  return moves;
}

void Print(const Context& context, const GroupSeekOptions& options, const std::vector<Move>& moves) {
  Json json = {{"group", options.group}, {"executed", options.execute}, {"partitions", Json::array()}};
  Table table({"TOPIC", "PARTITION", "START", "END", "BEFORE", "AFTER", "CHANGE"});
  for (const Move& move : moves) {
    const bool known = move.before >= 0;
    json["partitions"].push_back({{"topic", move.partition.topic},
                                  {"partition", move.partition.partition},
                                  {"start", move.start},
                                  {"end", move.end},
                                  {"before", known ? Json(move.before) : Json()},
                                  {"after", move.after}});
    const int64_t change = move.after - move.before;
    table.Add({move.partition.topic, absl::StrCat(move.partition.partition), absl::StrCat(move.start),
               absl::StrCat(move.end), known ? absl::StrCat(move.before) : "-", absl::StrCat(move.after),
               known ? absl::StrCat(change > 0 ? "+" : "", change) : "-"});
  }
  std::fputs((context.json ? json.dump() + "\n" : table.ToString()).c_str(), stdout);
}

// A group that is not there yet has no members.
absl::Status CheckIsIdle(Admin& admin, const GroupSeekOptions& options) {
  const absl::StatusOr<GroupDescription> group = admin.DescribeGroup(options.group);
  if (absl::IsNotFound(group.status())) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(group.status());
  return RefuseActive(*group, "seek group");
}

absl::Status Execute(Admin& admin, const GroupSeekOptions& options, const std::vector<Move>& moves) {
  std::vector<GroupOffset> offsets;
  for (const Move& move : moves) {
    offsets.push_back(
        {.topic = move.partition.topic, .partition = move.partition.partition, .offset = move.after});
  }
  ASSIGN_OR_RETURN(const std::vector<absl::Status> results, admin.AlterGroupOffsets(options.group, offsets));
  for (const absl::Status& result : results) {
    RETURN_IF_ERROR(result);
  }
  return absl::OkStatus();
}

absl::Status Seek(const Context& context, const GroupSeekOptions& options, Admin& admin) {
  const absl::Status idle = CheckIsIdle(admin, options);
  if (options.execute) {
    RETURN_IF_ERROR(idle);
  }
  ASSIGN_OR_RETURN(const std::vector<Move> moves, Plan(admin, options));
  if (options.execute) {
    RETURN_IF_ERROR(Execute(admin, options, moves));
  }
  Print(context, options, moves);
  for (const Move& move : moves) {
    if (move.bent) {
      Note(absl::StrCat(move.partition.topic, "-", move.partition.partition, " holds ", move.start, " to ",
                        move.end, ": the nearest of them is taken"));
    }
  }
  if (!options.execute) {
    Note(idle.ok() ? "nothing was changed: say --execute to do it"
                   : absl::StrCat("nothing was changed, and --execute would be refused: ", idle.message()));
  }
  return absl::OkStatus();
}

}  // namespace

int RunGroupSeek(const Context& context, const GroupSeekOptions& options) {
  if (const absl::Status status = CheckOptions(options); !status.ok()) {
    return Fail(status);
  }
  return WithAdmin(context, [&](Admin& admin) { return Seek(context, options, admin); });
}

}  // namespace sluice::cli
