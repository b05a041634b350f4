// `sluice log index rebuild`: the offset index of a stopped log dir, made anew from its segments.

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/base/clock.h"
#include "proto/base/status_macros.h"
#include "storage/tools/index_rebuild.h"
#include "tools/cli/commands.h"
#include "tools/cli/log_tool.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;
using storage::LogFiles;

absl::Status Rebuild(const Context& context, const LogPathOptions& options) {
  storage::PosixDisk disk;
  ASSIGN_OR_RETURN(const LogFiles files, LogFiles::Open(disk, options.path, LogFiles::For::kChanging));
  WorkProgress progress("indexing");
  const auto show = [&](const storage::RebuildProgress& now) {
    const double rate = static_cast<double>(now.entries) / std::max(progress.seconds(), 1e-3);
    progress.Show(now.log, now.bytes_done, now.bytes_total,
                  absl::StrFormat(", %d entries, %.0f/s", now.entries, rate));
  };
  ASSIGN_OR_RETURN(const storage::RebuildReport report,
                   storage::RebuildIndex(disk, Clock::System(), files, show));
  progress.Clear();
  if (context.json) {
    const Json json = {{"logs", report.logs},
                       {"segments", report.segments},
                       {"offset_entries", report.offset_entries},
                       {"time_entries", report.time_entries},
                       {"bytes", report.bytes_walked},
                       {"seconds", progress.seconds()}};
    std::puts(json.dump().c_str());
    return absl::OkStatus();
  }
  std::puts(absl::StrFormat("%s: %d logs, %d segments, %s: %d offset entries and %d time entries in %.1f s",
                            files.index_path(), report.logs, report.segments, ShowBytes(report.bytes_walked),
                            report.offset_entries, report.time_entries, progress.seconds())
                .c_str());
  return absl::OkStatus();
}

}  // namespace

int RunLogIndexRebuild(const Context& context, const LogPathOptions& options) {
  const absl::Status status = Rebuild(context, options);
  return status.ok() ? kExitOk : Fail(status);
}

}  // namespace sluice::cli
