// `sluice log repair`: what a damaged log needs to be served again, and with --yes, doing it.

#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/tools/repair.h"
#include "tools/cli/commands.h"
#include "tools/cli/log_tool.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;
using storage::LogFiles;
using storage::LostOffsets;
using storage::RepairReport;

Json ToJson(const RepairReport& report) {
  Json json = {{"partition", report.name},
               {"needed", report.needed},
               {"applied", report.applied},
               {"batches_kept", report.batches_kept},
               {"dropped_bytes", report.dropped_bytes},
               {"lost", Json::array()},
               {"actions", report.actions}};
  for (const LostOffsets& lost : report.lost) {
    json["lost"].push_back(
        {{"first", lost.first.value()}, {"last", lost.last ? Json(lost.last->value()) : Json()}});
  }
  return json;
}

std::string ToText(const RepairReport& report) {
  if (!report.needed) {
    return absl::StrCat(report.name, ": nothing to repair");
  }
  std::string text = absl::StrCat(report.name, ": ", report.applied ? "done:" : "to do:");
  for (const std::string& action : report.actions) {
    absl::StrAppend(&text, "\n  ", action);
  }
  absl::StrAppend(&text, "\n  ", report.batches_kept, " batches kept, ", report.dropped_bytes,
                  " bytes dropped");
  for (const LostOffsets& lost : report.lost) {
    absl::StrAppend(&text, "\n  lost: offsets ", lost.first.value());
    if (lost.last) {
      absl::StrAppend(&text, " to ", lost.last->value(), " (", lost.last->value() - lost.first.value() + 1,
                      ")");
    } else {
      absl::StrAppend(&text, " on; how many there were is not known");
    }
  }
  return text;
}

// How many partitions still need it.
absl::StatusOr<size_t> Repair(const Context& context, const LogRepairOptions& options) {
  storage::PosixDisk disk;
  ASSIGN_OR_RETURN(
      const LogFiles files,
      LogFiles::Open(disk, options.path, options.yes ? LogFiles::For::kChanging : LogFiles::For::kReading));
  if (files.only_segment()) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.path, " is one segment; a repair is of a whole partition: name its directory"));
  }
  RETURN_IF_ERROR(files.CheckJournalIsBehind(disk));
  WorkProgress progress(options.yes ? "repairing" : "looking at");
  size_t needing = 0;
  size_t repaired = 0;
  for (const storage::PartitionFiles& partition : files.partitions()) {
    ASSIGN_OR_RETURN(const RepairReport report,
                     storage::RepairPartition(
                         {.disk = disk,
                          .partition = partition,
                          .index_path = files.index_path(),
                          .clean = files.clean(),
                          .way = options.truncate ? storage::RepairWay::kTruncate : storage::RepairWay::kKeep,
                          .apply = options.yes,
                          .discard = options.discard},
                         [&](const storage::Progress& now) {
                           progress.Show(partition.name, now.bytes_done, now.bytes_total);
                         }));
    progress.Clear();
    needing += report.needed && !report.applied ? 1 : 0;
    repaired += report.applied ? 1 : 0;
    std::puts(context.json ? ToJson(report).dump(-1, ' ', false, Json::error_handler_t::replace).c_str()
                           : ToText(report).c_str());
  }
  Note(absl::StrCat(files.partitions().size(), " partitions, ", repaired, " repaired, ", needing,
                    " to be repaired",
                    needing > 0 ? ": nothing was changed; run it again with --yes to do this" : ""));
  return needing;
}

}  // namespace

int RunLogRepair(const Context& context, const LogRepairOptions& options) {
  const absl::StatusOr<size_t> needing = Repair(context, options);
  if (!needing.ok()) {
    return Fail(needing.status());
  }
  return *needing == 0 ? kExitOk : kExitFailed;
}

}  // namespace sluice::cli
