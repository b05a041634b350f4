// `sluice topic describe`: partitions, offsets and configs.

#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "tools/cli/commands.h"
#include "tools/cli/table.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

void Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}

// Of a partition that has a leader; else unknown.
struct PartitionOffsets {
  int64_t start = -1;
  int64_t end = -1;
  bool known = false;
};

absl::StatusOr<std::vector<PartitionOffsets>> OffsetsOf(Admin& admin, const TopicDescription& topic) {
  std::vector<OffsetQuery> queries;
  for (const PartitionDescription& partition : topic.partitions) {
    if (partition.leader < 0) {
      continue;
    }
    queries.push_back({topic.name, partition.partition, Position::Beginning()});
    queries.push_back({topic.name, partition.partition, Position::End()});
  }
  ASSIGN_OR_RETURN(const std::vector<OffsetAnswer> answers, admin.ListOffsets(queries));
  std::vector<PartitionOffsets> offsets;
  size_t next = 0;
  for (const PartitionDescription& partition : topic.partitions) {
    PartitionOffsets& found = offsets.emplace_back();
    if (partition.leader < 0) {
      continue;
    }
    RETURN_IF_ERROR(answers[next].status);
    RETURN_IF_ERROR(answers[next + 1].status);
    found = {answers[next].offset, answers[next + 1].offset, true};
    next += 2;
  }
  return offsets;
}

const char* SourceName(ConfigEntry::Source source) {
  switch (source) {
    case ConfigEntry::Source::kTopic:
      return "topic";
    case ConfigEntry::Source::kDynamicBroker:
    case ConfigEntry::Source::kDynamicDefaultBroker:
      return "broker (dynamic)";
    case ConfigEntry::Source::kStaticBroker:
      return "broker";
    default:
      return "default";
  }
}

void PrintTopicTable(const TopicDescription& topic, const std::vector<PartitionOffsets>& offsets,
                     const std::vector<ConfigEntry>& configs) {
  Print(absl::StrCat("topic ", topic.name, "  id ", topic.topic_id, "\n"));
  bool any_offline = false;
  Table partitions({"PARTITION", "LEADER", "EPOCH", "START", "END", "RECORDS"});
  for (size_t i = 0; i < topic.partitions.size(); ++i) {
    const PartitionDescription& partition = topic.partitions[i];
    if (!offsets[i].known) {
      partitions.Add({absl::StrCat(partition.partition), "OFFLINE", "-", "-", "-", "-"});
      any_offline = true;
      continue;
    }
    partitions.Add({absl::StrCat(partition.partition), absl::StrCat(partition.leader),
                    absl::StrCat(partition.leader_epoch), absl::StrCat(offsets[i].start),
                    absl::StrCat(offsets[i].end), absl::StrCat(offsets[i].end - offsets[i].start)});
  }
  Print(partitions.ToString());
  if (any_offline) {
    Print("offline: damaged, or its log dir failed; the broker's log says which file and what to do\n");
  }
  if (!configs.empty()) {
    Table table({"CONFIG", "VALUE", "SOURCE"});
    for (const ConfigEntry& config : configs) {
      table.Add({config.name, config.value.value_or("(hidden)"), SourceName(config.source)});
    }
    Print("\n");
    Print(table.ToString());
  }
}

void PrintTopicJson(const TopicDescription& topic, const std::vector<PartitionOffsets>& offsets,
                    const std::vector<ConfigEntry>& configs) {
  Json json = {{"name", topic.name},
               {"topic_id", topic.topic_id},
               {"partitions", Json::array()},
               {"configs", Json::object()}};
  for (size_t i = 0; i < topic.partitions.size(); ++i) {
    const PartitionDescription& partition = topic.partitions[i];
    json["partitions"].push_back({{"partition", partition.partition},
                                  {"leader", partition.leader},
                                  {"leader_epoch", partition.leader_epoch},
                                  {"offline", !offsets[i].known},
                                  {"start", offsets[i].known ? Json(offsets[i].start) : Json()},
                                  {"end", offsets[i].known ? Json(offsets[i].end) : Json()}});
  }
  for (const ConfigEntry& config : configs) {
    json["configs"][config.name] = {{"value", config.value ? Json(*config.value) : Json()},
                                    {"source", SourceName(config.source)}};
  }
  Print(json.dump() + "\n");
}

absl::Status DescribeOne(const Context& context, Admin& admin, const std::string& name, bool all_configs) {
  ASSIGN_OR_RETURN(const TopicDescription topic, admin.DescribeTopic(name));
  ASSIGN_OR_RETURN(const std::vector<PartitionOffsets> offsets, OffsetsOf(admin, topic));
  ASSIGN_OR_RETURN(std::vector<ConfigEntry> configs,
                   admin.DescribeConfigs({ConfigResourceType::kTopic, name}));
  if (!all_configs) {
    std::erase_if(configs,
                  [](const ConfigEntry& config) { return config.source == ConfigEntry::Source::kDefault; });
  }
  if (context.json) {
    PrintTopicJson(topic, offsets, configs);
  } else {
    PrintTopicTable(topic, offsets, configs);
  }
  return absl::OkStatus();
}

}  // namespace

int RunTopicDescribe(const Context& context, const TopicOptions& options) {
  return WithAdmin(context, [&](Admin& admin) -> absl::Status {
    for (const std::string& name : options.names) {
      RETURN_IF_ERROR(DescribeOne(context, admin, name, options.all_configs));
    }
    return absl::OkStatus();
  });
}

}  // namespace sluice::cli
