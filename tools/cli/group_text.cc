#include "tools/cli/group_text.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "proto/base/status_macros.h"

namespace sluice::cli {
namespace {

constexpr size_t kMembersNamedMax = 5;

absl::StatusOr<int32_t> ParsePartition(absl::string_view text, absl::string_view where) {
  int32_t partition = -1;
  if (!absl::SimpleAtoi(text, &partition) || partition < 0) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": \"", text, "\" is no partition's number"));
  }
  return partition;
}

}  // namespace

std::string PartitionsText(const std::vector<TopicPartition>& partitions) {
  std::string text;
  const std::string* topic = nullptr;
  for (const TopicPartition& partition : partitions) {
    if (topic != nullptr && *topic == partition.topic) {
      absl::StrAppend(&text, ",", partition.partition);
    } else {
      absl::StrAppend(&text, topic == nullptr ? "" : " ", partition.topic, ":", partition.partition);
    }
    topic = &partition.topic;
  }
  return text;
}

absl::StatusOr<TopicChoice> ParseTopicChoice(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  TopicChoice choice{.topic = parts[0], .partitions = {}};
  if (choice.topic.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("--topic ", text, ": use NAME or NAME:0,1"));
  }
  if (parts.size() == 2) {
    for (const absl::string_view number : absl::StrSplit(parts[1], ',')) {
      ASSIGN_OR_RETURN(const int32_t partition, ParsePartition(number, absl::StrCat("--topic ", text)));
      choice.partitions.push_back(partition);
    }
  }
  return choice;
}

absl::StatusOr<std::vector<GroupOffset>> ParseOffsetLines(absl::string_view text) {
  std::vector<GroupOffset> offsets;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    absl::ConsumeSuffix(&line, "\r");
    if (line.empty() || line[0] == '#') {
      continue;
    }
    const std::string where = absl::StrCat("line ", number);
    const std::vector<absl::string_view> parts = absl::StrSplit(line, ',');
    int64_t offset = -1;
    if (parts.size() != 3 || parts[0].empty() || !absl::SimpleAtoi(parts[2], &offset) || offset < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": \"", line, "\" is not topic,partition,offset"));
    }
    ASSIGN_OR_RETURN(const int32_t partition, ParsePartition(parts[1], where));
    offsets.push_back({.topic = std::string(parts[0]), .partition = partition, .offset = offset});
  }
  return offsets;
}

absl::Status RefuseActive(const GroupDescription& group, absl::string_view what) {
  if (group.members.empty()) {
    return absl::OkStatus();
  }
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(group.members.size(), kMembersNamedMax); ++i) {
    const GroupMember& member = group.members[i];
    names.push_back(
        absl::StrCat(member.client_id, " on ", absl::StripPrefix(member.host, "/"),
                     member.instance_id.empty() ? "" : absl::StrCat(" (", member.instance_id, ")"),
                     member.assignment.empty() ? std::string()
                                               : absl::StrCat(" with ", PartitionsText(member.assignment))));
  }
  const size_t more = group.members.size() - names.size();
  return absl::FailedPreconditionError(absl::StrCat(
      what, " \"", group.group_id, "\": it is in use, in state ", group.state, ", by ", group.members.size(),
      " member", group.members.size() == 1 ? "" : "s", ": ", absl::StrJoin(names, "; "),
      more > 0 ? absl::StrCat("; and ", more, " more") : "", ". Stop them first"));
}

}  // namespace sluice::cli
