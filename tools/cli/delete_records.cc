// `sluice topic delete-records`: everything before an offset, the end, or a time goes. Asks first, when a
// person is there to answer.

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "tools/cli/commands.h"
#include "tools/cli/confirm.h"
#include "tools/cli/position_text.h"
#include "tools/cli/table.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

// What one partition loses.
struct Cut {
  int32_t partition = 0;
  int64_t start = 0;
  int64_t before = 0;
  int64_t end = 0;

  int64_t count() const { return std::max<int64_t>(before - start, 0); }
};

absl::StatusOr<std::vector<int32_t>> PartitionsOf(Admin& admin, const DeleteRecordsOptions& options) {
  ASSIGN_OR_RETURN(const TopicDescription topic, admin.DescribeTopic(options.topic));
  std::vector<int32_t> partitions;
  for (const PartitionDescription& partition : topic.partitions) {
    if (options.partition < 0 || partition.partition == options.partition) {
      partitions.push_back(partition.partition);
    }
  }
  if (partitions.empty()) {
    return absl::NotFoundError(absl::StrCat("delete records of topic \"", options.topic, "\": partition ",
                                            options.partition, " does not exist, the topic has 0 to ",
                                            topic.partitions.size() - 1));
  }
  return partitions;
}

absl::StatusOr<Position> ParseBefore(const DeleteRecordsOptions& options) {
  ASSIGN_OR_RETURN(const Position position, ParsePosition(options.before, std::chrono::system_clock::now()));
  if (position.kind() == Position::Kind::kOffset && options.partition < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--before ", options.before,
                     " is an offset, and each partition has offsets of its own: name one with -p, or give a "
                     "time (@...), end or -N"));
  }
  return position;
}

absl::StatusOr<std::vector<Cut>> PlanCuts(Admin& admin, const DeleteRecordsOptions& options) {
  ASSIGN_OR_RETURN(const Position before, ParseBefore(options));
  ASSIGN_OR_RETURN(const std::vector<int32_t> partitions, PartitionsOf(admin, options));
  std::vector<OffsetQuery> queries;
  for (const int32_t partition : partitions) {
    for (const Position& position : {Position::Beginning(), before, Position::End()}) {
      queries.push_back({options.topic, partition, position});
    }
  }
  ASSIGN_OR_RETURN(const std::vector<OffsetAnswer> answers, admin.ListOffsets(queries));
  std::vector<Cut> cuts;
  for (size_t i = 0; i < partitions.size(); ++i) {
    for (size_t j = 3 * i; j < 3 * i + 3; ++j) {
      RETURN_IF_ERROR(answers[j].status);
    }
    cuts.push_back(
        {partitions[i], answers[3 * i].offset, answers[3 * i + 1].offset, answers[3 * i + 2].offset});
  }
  return cuts;
}

absl::Status Ask(const DeleteRecordsOptions& options, const std::vector<Cut>& cuts) {
  int64_t count = 0;
  for (const Cut& cut : cuts) {
    count += cut.count();
  }
  return Confirm(options.yes || count == 0,
                 absl::StrCat("delete ", count, " offsets of topic ", options.topic, " in ", cuts.size(),
                              " partition", cuts.size() == 1 ? "" : "s", " for good"));
}

void Print(const Context& context, const DeleteRecordsOptions& options, const std::vector<Cut>& cuts,
           const std::vector<DeletedRecords>& deleted) {
  Json json = {{"topic", options.topic}, {"partitions", Json::array()}};
  Table table({"PARTITION", "START", "END", "DELETED"});
  for (size_t i = 0; i < cuts.size(); ++i) {
    const int64_t start = deleted[i].low_watermark;
    const int64_t count = std::max<int64_t>(start - cuts[i].start, 0);
    json["partitions"].push_back(
        {{"partition", cuts[i].partition}, {"start", start}, {"end", cuts[i].end}, {"deleted", count}});
    table.Add({absl::StrCat(cuts[i].partition), absl::StrCat(start), absl::StrCat(cuts[i].end),
               absl::StrCat(count)});
  }
  std::fputs((context.json ? json.dump() + "\n" : table.ToString()).c_str(), stdout);
}

absl::Status DeleteRecordsOf(const Context& context, const DeleteRecordsOptions& options, Admin& admin) {
  ASSIGN_OR_RETURN(const std::vector<Cut> cuts, PlanCuts(admin, options));
  RETURN_IF_ERROR(Ask(options, cuts));
  std::vector<RecordsToDelete> asked;
  for (const Cut& cut : cuts) {
    asked.push_back({options.topic, cut.partition, cut.before});
  }
  ASSIGN_OR_RETURN(const std::vector<DeletedRecords> deleted, admin.DeleteRecords(asked));
  for (const DeletedRecords& one : deleted) {
    RETURN_IF_ERROR(one.status);
  }
  Print(context, options, cuts, deleted);
  return absl::OkStatus();
}

}  // namespace

int RunTopicDeleteRecords(const Context& context, const DeleteRecordsOptions& options) {
  return WithAdmin(context, [&](Admin& admin) { return DeleteRecordsOf(context, options, admin); });
}

}  // namespace sluice::cli
