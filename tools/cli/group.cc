// `sluice group`: list, describe, delete. group_lag.cc and group_seek.cc have the others.

#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/base/status_macros.h"
#include "tools/cli/commands.h"
#include "tools/cli/confirm.h"
#include "tools/cli/group_text.h"
#include "tools/cli/table.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

void Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}

std::string OrDash(const std::string& text) {
  return text.empty() ? "-" : text;
}

void PrintTable(const GroupDescription& group) {
  Print(absl::StrCat("group ", group.group_id, "  state ", group.state, "  type ", group.type, "  assignor ",
                     OrDash(group.assignor), "  coordinator ", group.coordinator, "  members ",
                     group.members.size(), "\n"));
  if (group.members.empty()) {
    return;
  }
  Table table({"CLIENT", "HOST", "INSTANCE", "MEMBER", "PARTITIONS"});
  for (const GroupMember& member : group.members) {
    table.Add({member.client_id, member.host, OrDash(member.instance_id), member.member_id,
               OrDash(PartitionsText(member.assignment))});
  }
  Print(table.ToString());
}

void PrintJson(const GroupDescription& group) {
  Json json = {{"group", group.group_id},    {"state", group.state},
               {"type", group.type},         {"protocol_type", group.protocol_type},
               {"assignor", group.assignor}, {"coordinator", group.coordinator},
               {"members", Json::array()}};
  for (const GroupMember& member : group.members) {
    Json assignment = Json::array();
    for (const TopicPartition& partition : member.assignment) {
      assignment.push_back({{"topic", partition.topic}, {"partition", partition.partition}});
    }
    json["members"].push_back(
        {{"member_id", member.member_id},
         {"instance_id", member.instance_id.empty() ? Json() : Json(member.instance_id)},
         {"client_id", member.client_id},
         {"host", member.host},
         {"topics", member.topics},
         {"assignment", std::move(assignment)}});
  }
  Print(json.dump() + "\n");
}

absl::Status List(const Context& context, const GroupListOptions& options, Admin& admin) {
  ASSIGN_OR_RETURN(const std::vector<GroupListing> groups, admin.ListGroups(options.states));
  Json list = Json::array();
  Table table({"GROUP", "STATE", "TYPE", "PROTOCOL"});
  for (const GroupListing& group : groups) {
    list.push_back({{"group", group.group_id},
                    {"state", group.state},
                    {"type", group.type},
                    {"protocol_type", group.protocol_type}});
    table.Add({group.group_id, OrDash(group.state), OrDash(group.type), OrDash(group.protocol_type)});
  }
  Print(context.json ? list.dump() + "\n" : table.ToString());
  return absl::OkStatus();
}

absl::Status Describe(const Context& context, const GroupOptions& options, Admin& admin) {
  ASSIGN_OR_RETURN(const auto groups, admin.DescribeGroups(options.groups));
  absl::Status status;
  for (const absl::StatusOr<GroupDescription>& group : groups) {
    if (!group.ok()) {
      status.Update(group.status());
    } else if (context.json) {
      PrintJson(*group);
    } else {
      PrintTable(*group);
    }
  }
  return status;
}

absl::Status Delete(const GroupOptions& options, Admin& admin) {
  size_t offsets = 0;
  for (const std::string& group : options.groups) {
    ASSIGN_OR_RETURN(const GroupDescription found, admin.DescribeGroup(group));
    RETURN_IF_ERROR(RefuseActive(found, "delete group"));
    ASSIGN_OR_RETURN(const std::vector<GroupOffset> committed, admin.ListGroupOffsets(group));
    offsets += committed.size();
  }
  RETURN_IF_ERROR(Confirm(options.yes, absl::StrCat("delete group ", absl::StrJoin(options.groups, ", "),
                                                    " and ", offsets, " committed offsets for good")));
  ASSIGN_OR_RETURN(const std::vector<absl::Status> results, admin.DeleteGroups(options.groups));
  absl::Status status;
  for (size_t i = 0; i < results.size(); ++i) {
    status.Update(results[i]);
    if (results[i].ok()) {
      Note(absl::StrCat("deleted group ", options.groups[i]));
    }
  }
  return status;
}

}  // namespace

int RunGroupList(const Context& context, const GroupListOptions& options) {
  return WithAdmin(context, [&](Admin& admin) { return List(context, options, admin); });
}

int RunGroupDescribe(const Context& context, const GroupOptions& options) {
  return WithAdmin(context, [&](Admin& admin) { return Describe(context, options, admin); });
}

int RunGroupDelete(const Context& context, const GroupOptions& options) {
  return WithAdmin(context, [&](Admin& admin) { return Delete(options, admin); });
}

}  // namespace sluice::cli
