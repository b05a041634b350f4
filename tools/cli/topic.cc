// `sluice topic`: create, list, alter, delete, add-partitions.

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

absl::StatusOr<std::vector<ConfigChange>> ToChanges(const TopicOptions& options) {
  std::vector<ConfigChange> changes;
  for (const std::string& config : options.configs) {
    ASSIGN_OR_RETURN(auto pair, SplitPair(config, "--config"));
    changes.push_back({.name = std::move(pair.first), .value = std::move(pair.second)});
  }
  for (const std::string& name : options.unset) {
    changes.push_back({.name = name, .operation = ConfigChange::Operation::kDelete});
  }
  if (changes.empty()) {
    return absl::InvalidArgumentError("nothing to change: give --config KEY=VALUE or --unset KEY");
  }
  return changes;
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

int RunTopicAlter(const Context& context, const TopicOptions& options) {
  return WithAdmin(context, [&](Admin& admin) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<ConfigChange> changes, ToChanges(options));
    for (const std::string& name : options.names) {
      RETURN_IF_ERROR(admin.AlterConfigs({ConfigResourceType::kTopic, name}, changes));
      Note(absl::StrCat("altered topic ", name));
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
