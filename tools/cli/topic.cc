// `sluice topic`: create, list, describe, delete, add-partitions.

#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/base/status_macros.h"
#include "tools/cli/commands.h"
#include "tools/cli/table.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

void Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}

// Connects, runs `action` with the admin, turns an error into an exit code.
template <class Action>
int WithAdmin(const Context& context, Action action) {
  auto client = context.Connect();
  if (!client.ok()) {
    return Fail(client.status());
  }
  const absl::Status status = action((*client)->admin());
  return status.ok() ? kExitOk : Fail(status);
}

absl::StatusOr<NewTopic> ToNewTopic(const TopicOptions& options, const std::string& name) {
  NewTopic topic{.name = name,
                 .partitions = options.partitions,
                 .replication_factor = static_cast<int16_t>(options.replication),
                 .configs = {}};
  for (const std::string& config : options.configs) {
    ASSIGN_OR_RETURN(auto pair, SplitPair(config, "--config"));
    topic.configs.insert(std::move(pair));
  }
  return topic;
}

struct PartitionOffsets {
  int64_t start = -1;
  int64_t end = -1;
};

absl::StatusOr<std::vector<PartitionOffsets>> OffsetsOf(Admin& admin, const TopicDescription& topic) {
  std::vector<OffsetQuery> queries;
  for (const PartitionDescription& partition : topic.partitions) {
    queries.push_back({topic.name, partition.partition, Position::Beginning()});
    queries.push_back({topic.name, partition.partition, Position::End()});
  }
  ASSIGN_OR_RETURN(const std::vector<OffsetAnswer> answers, admin.ListOffsets(queries));
  std::vector<PartitionOffsets> offsets;
  for (size_t i = 0; i + 1 < answers.size(); i += 2) {
    RETURN_IF_ERROR(answers[i].status);
    RETURN_IF_ERROR(answers[i + 1].status);
    offsets.push_back({answers[i].offset, answers[i + 1].offset});
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
  Table partitions({"PARTITION", "LEADER", "EPOCH", "START", "END", "RECORDS"});
  for (size_t i = 0; i < topic.partitions.size(); ++i) {
    const PartitionDescription& partition = topic.partitions[i];
    partitions.Add({absl::StrCat(partition.partition), absl::StrCat(partition.leader),
                    absl::StrCat(partition.leader_epoch), absl::StrCat(offsets[i].start),
                    absl::StrCat(offsets[i].end), absl::StrCat(offsets[i].end - offsets[i].start)});
  }
  Print(partitions.ToString());
  if (!configs.empty()) {
    Table table({"CONFIG", "VALUE", "SOURCE"});
    for (const ConfigEntry& config : configs) {
      table.Add({config.name, config.value.value_or("(hidden)"), SourceName(config.source)});
    }
    Print("\n" + table.ToString());
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
                                  {"start", offsets[i].start},
                                  {"end", offsets[i].end}});
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

int RunTopicCreate(const Context& context, const TopicOptions& options) {
  return WithAdmin(context, [&](Admin& admin) -> absl::Status {
    for (const std::string& name : options.names) {
      ASSIGN_OR_RETURN(const NewTopic topic, ToNewTopic(options, name));
      const absl::Status created = admin.CreateTopic(topic);
      if (options.if_not_exists && absl::IsAlreadyExists(created)) {
        continue;
      }
      RETURN_IF_ERROR(created);
      Note(absl::StrCat("created topic ", name));
    }
    return absl::OkStatus();
  });
}

int RunTopicList(const Context& context) {
  return WithAdmin(context, [&](Admin& admin) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<TopicDescription> topics, admin.ListTopics());
    if (context.json) {
      Json list = Json::array();
      for (const TopicDescription& topic : topics) {
        list.push_back(
            {{"name", topic.name}, {"partitions", topic.partitions.size()}, {"topic_id", topic.topic_id}});
      }
      Print(list.dump() + "\n");
      return absl::OkStatus();
    }
    Table table({"TOPIC", "PARTITIONS"});
    for (const TopicDescription& topic : topics) {
      table.Add({topic.name, absl::StrCat(topic.partitions.size())});
    }
    Print(table.ToString());
    return absl::OkStatus();
  });
}

int RunTopicDescribe(const Context& context, const TopicOptions& options) {
  return WithAdmin(context, [&](Admin& admin) -> absl::Status {
    for (const std::string& name : options.names) {
      RETURN_IF_ERROR(DescribeOne(context, admin, name, options.all_configs));
    }
    return absl::OkStatus();
  });
}

int RunTopicDelete(const Context& context, const TopicOptions& options) {
  return WithAdmin(context, [&](Admin& admin) -> absl::Status {
    for (const std::string& name : options.names) {
      RETURN_IF_ERROR(admin.DeleteTopic(name));
      Note(absl::StrCat("deleted topic ", name));
    }
    return absl::OkStatus();
  });
}

int RunTopicAddPartitions(const Context& context, const TopicOptions& options) {
  return WithAdmin(context, [&](Admin& admin) -> absl::Status {
    for (const std::string& name : options.names) {
      RETURN_IF_ERROR(admin.AddPartitions(name, options.partitions));
      Note(absl::StrCat("topic ", name, " has ", options.partitions, " partitions"));
    }
    return absl::OkStatus();
  });
}

}  // namespace sluice::cli
