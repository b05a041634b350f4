// `sluice status`: the cluster at a glance.

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

struct Counts {
  size_t partitions = 0;
  int64_t records = 0;               // Of those that have a leader.
  std::vector<std::string> offline;  // "orders-3"
};

absl::StatusOr<Counts> Count(Admin& admin, const std::vector<TopicDescription>& topics) {
  Counts counts;
  std::vector<OffsetQuery> queries;
  for (const TopicDescription& topic : topics) {
    counts.partitions += topic.partitions.size();
    for (const PartitionDescription& partition : topic.partitions) {
      if (partition.leader < 0) {
        counts.offline.push_back(absl::StrCat(topic.name, "-", partition.partition));
        continue;
      }
      queries.push_back({topic.name, partition.partition, Position::Beginning()});
      queries.push_back({topic.name, partition.partition, Position::End()});
    }
  }
  ASSIGN_OR_RETURN(const std::vector<OffsetAnswer> answers, admin.ListOffsets(queries));
  for (size_t i = 0; i + 1 < answers.size(); i += 2) {
    if (answers[i].status.ok() && answers[i + 1].status.ok()) {
      counts.records += answers[i + 1].offset - answers[i].offset;
    }
  }
  return counts;
}

absl::Status Show(const Context& context) {
  ASSIGN_OR_RETURN(auto client, context.Connect());
  Admin& admin = client->admin();
  ASSIGN_OR_RETURN(const ClusterDescription cluster, admin.DescribeCluster());
  ASSIGN_OR_RETURN(const std::vector<TopicDescription> topics, admin.ListTopics());
  ASSIGN_OR_RETURN(const Counts counts, Count(admin, topics));
  if (context.json) {
    Json json = {{"cluster_id", cluster.cluster_id},
                 {"controller", cluster.controller_id},
                 {"brokers", Json::array()},
                 {"topics", topics.size()},
                 {"partitions", counts.partitions},
                 {"records", counts.records},
                 {"offline_partitions", counts.offline}};
    for (const BrokerNode& broker : cluster.brokers) {
      json["brokers"].push_back({{"id", broker.id}, {"host", broker.host}, {"port", broker.port}});
    }
    std::puts(json.dump().c_str());
    return absl::OkStatus();
  }
  std::printf("cluster %s: %zu topics, %zu partitions, %lld records\n", cluster.cluster_id.c_str(),
              topics.size(), counts.partitions, static_cast<long long>(counts.records));
  Table table({"BROKER", "ADDRESS", "CONTROLLER"});
  for (const BrokerNode& broker : cluster.brokers) {
    table.Add({absl::StrCat(broker.id), absl::StrCat(broker.host, ":", broker.port),
               broker.id == cluster.controller_id ? "yes" : "no"});
  }
  std::fputs(table.ToString().c_str(), stdout);
  if (!counts.offline.empty()) {
    std::printf("%zu partitions OFFLINE: %s; the broker's log says why and what to do\n",
                counts.offline.size(), absl::StrJoin(counts.offline, ", ").c_str());
  }
  return absl::OkStatus();
}

}  // namespace

int RunStatus(const Context& context) {
  const absl::Status status = Show(context);
  return status.ok() ? kExitOk : Fail(status);
}

}  // namespace sluice::cli
