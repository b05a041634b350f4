// `sluice log verify`: is every byte of a stopped node's logs what was written?

#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "storage/tools/verify.h"
#include "tools/cli/commands.h"
#include "tools/cli/log_tool.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;
using storage::LogFiles;
using storage::PartitionReport;
using storage::Problem;

struct Totals {
  size_t partitions = 0;
  uint64_t bytes = 0;
  uint64_t problems = 0;
  size_t marked = 0;
};

Json ToJson(const PartitionReport& report) {
  Json json = {{"partition", report.name},
               {"segments", report.segments},
               {"batches", report.batches},
               {"records", report.records},
               {"bytes", report.bytes},
               {"first_offset", report.first_offset.value()},
               {"next_offset", report.next_offset.value()},
               {"tail", std::string(ToStd(NameOf(report.tail)))},
               {"tail_bytes", report.tail_bytes},
               {"marked_damaged", report.marked_damaged},
               {"problem_count", report.problem_count},
               {"problems", Json::array()}};
  for (const Problem& problem : report.problems) {
    json["problems"].push_back({{"kind", std::string(ToStd(NameOf(problem.kind)))},
                                {"file", problem.file},
                                {"position", problem.position},
                                {"offset", problem.offset.value()},
                                {"reason", problem.reason}});
  }
  return json;
}

std::string ToText(const PartitionReport& report) {
  std::string text = absl::StrCat(report.name, ": ", report.segments, " segments, ", report.batches,
                                  " batches, ", report.records, " records, ", ShowBytes(report.bytes),
                                  ", offsets ", report.first_offset.value(), " to ",
                                  report.next_offset.value() - 1, ", tail ", NameOf(report.tail));
  if (report.tail_bytes > 0) {
    absl::StrAppend(&text, " (", report.tail_bytes, " bytes)");
  }
  if (report.marked_damaged) {
    absl::StrAppend(&text, ", marked damaged: it is not served until it was repaired");
  }
  absl::StrAppend(
      &text, report.problem_count == 0 ? ", good" : absl::StrCat(", ", report.problem_count, " problems"));
  for (const Problem& problem : report.problems) {
    absl::StrAppend(&text, "\n  ", NameOf(problem.kind), ": ", problem.file, ": byte ", problem.position,
                    ", offset ", problem.offset.value(), ": ", problem.reason);
  }
  if (report.problem_count > report.problems.size()) {
    absl::StrAppend(&text, "\n  and ", report.problem_count - report.problems.size(), " more");
  }
  return text;
}

absl::StatusOr<Totals> Verify(const Context& context, const LogPathOptions& options) {
  storage::PosixDisk disk;
  ASSIGN_OR_RETURN(const LogFiles files, LogFiles::Open(disk, options.path, LogFiles::For::kReading));
  std::unique_ptr<storage::IndexReader> index;
  if (!files.log_dir().empty()) {
    auto opened = storage::IndexReader::Open(files.index_path());
    if (opened.ok()) {
      index = *std::move(opened);
    } else {
      Note(absl::StrCat(opened.status().message(), "; the segments are verified without it"));
    }
  }
  if (const absl::Status journal = files.CheckJournalIsBehind(disk); !journal.ok()) {
    Note(absl::StrCat(journal.message(), "; what is verified here are the segments alone"));
  }
  WorkProgress progress("verifying");
  Totals totals;
  for (const storage::PartitionFiles& partition : files.partitions()) {
    ASSIGN_OR_RETURN(const PartitionReport report,
                     storage::VerifyPartition({.disk = disk,
                                               .partition = partition,
                                               .index = index.get(),
                                               .clean = files.clean(),
                                               .only_segment = files.only_segment()},
                                              [&](const storage::Progress& now) {
                                                progress.Show(partition.name, now.bytes_done,
                                                              now.bytes_total);
                                              }));
    progress.Clear();
    ++totals.partitions;
    totals.bytes += report.bytes;
    totals.problems += report.problem_count;
    totals.marked += report.marked_damaged ? 1 : 0;
    std::puts(context.json ? ToJson(report).dump(-1, ' ', false, Json::error_handler_t::replace).c_str()
                           : ToText(report).c_str());
  }
  Note(absl::StrCat(totals.partitions, " partitions, ", ShowBytes(totals.bytes), ", ", totals.problems,
                    " problems"));
  return totals;
}

}  // namespace

int RunLogVerify(const Context& context, const LogPathOptions& options) {
  const absl::StatusOr<Totals> totals = Verify(context, options);
  if (!totals.ok()) {
    return Fail(totals.status());
  }
  return totals->problems == 0 && totals->marked == 0 ? kExitOk : kExitFailed;
}

}  // namespace sluice::cli
