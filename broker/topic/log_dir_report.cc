#include "broker/topic/log_dir_report.h"

#include <filesystem>
#include <system_error>

namespace sluice::broker {
namespace {

std::string Absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

std::vector<LogDirReport::Log> LogsIn(const storage::LogDir& dir, const std::vector<TopicPtr>& topics) {
  std::vector<LogDirReport::Log> logs;
  for (const TopicPtr& topic : topics) {
    for (const std::shared_ptr<Partition>& partition : topic->partitions) {
      const storage::Log& log = partition->log();
      if (dir.Find(log.id()) != nullptr) {
        logs.push_back({.topic = topic, .partition = partition->id(), .size_bytes = log.size_bytes()});
      }
    }
  }
  return logs;
}

LogDirReport ReportOf(const storage::LogDir& dir, const std::vector<TopicPtr>& topics) {
  LogDirReport report{.path = Absolute(dir.path()), .health = dir.health()};
  if (!report.health.ok()) {
    return report;
  }
  if (const absl::StatusOr<storage::DiskSpace> space = dir.Space(); space.ok()) {
    report.space = *space;
  }
  report.logs = LogsIn(dir, topics);
  return report;
}

}  // namespace

std::vector<LogDirReport> ReportLogDirs(const std::vector<storage::LogDir*>& dirs,
                                        const std::vector<OfflineDir>& unopened,
                                        const std::vector<TopicPtr>& topics) {
  std::vector<LogDirReport> reports;
  for (const storage::LogDir* dir : dirs) {
    reports.push_back(ReportOf(*dir, topics));
  }
  for (const OfflineDir& dir : unopened) {
    reports.push_back({.path = Absolute(dir.path), .health = absl::FailedPreconditionError(dir.reason)});
  }
  return reports;
}

}  // namespace sluice::broker
