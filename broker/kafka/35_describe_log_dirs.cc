// DescribeLogDirs (35): what lies in each of the broker's log.dirs, and how much room there is.
//
//   v1 the first that is served      v2 flexible      v3 an error for the whole
//   v4 the size of the file system   v5 whether the dir is cordoned, which none ever is here
//
// Every log dir is listed, whatever was asked for, as in Kafka: one that is offline with KAFKA_STORAGE_ERROR
// and nothing else. Topics and partitions that do not exist are left out.
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "broker/kafka/handlers.h"
#include "broker/net/disk_pool.h"
#include "broker/topic/log_dir_report.h"
#include "proto/kafka/error_code.h"

namespace sluice::broker {
namespace {

using Request = kafka::DescribeLogDirsRequest;
using Response = kafka::DescribeLogDirsResponse;
using Result = Response::DescribeLogDirsResult;

// The partitions that were asked for; null asks for all.
class Wanted {
 public:
  explicit Wanted(const Request& request) : all_(!request.topics.has_value()) {
    if (!all_) {
      for (const auto& topic : *request.topics) {
        partitions_[topic.topic].insert(topic.partitions.begin(), topic.partitions.end());
      }
    }
  }
  bool Has(const LogDirReport::Log& log) const {
    if (all_) {
      return true;
    }
    const auto topic = partitions_.find(log.topic->name);
    return topic != partitions_.end() && topic->second.contains(log.partition.value());
  }

 private:
  const bool all_;
  absl::flat_hash_map<std::string, absl::flat_hash_set<int32_t>> partitions_;
};

void AddLog(const LogDirReport::Log& log, Result* result) {
  if (result->topics.empty() || result->topics.back().name != log.topic->name) {
    result->topics.emplace_back().name = log.topic->name;
  }
  auto& partition = result->topics.back().partitions.emplace_back();
  partition.partition_index = log.partition.value();
  partition.partition_size = static_cast<int64_t>(log.size_bytes);
}

Result ToWire(const LogDirReport& report, const Wanted& wanted) {
  Result result;
  result.log_dir = report.path;
  if (!report.health.ok()) {
    result.error_code = kafka::ToWire(kafka::ErrorCode::kKafkaStorageError);
    return result;
  }
  if (report.space.has_value()) {
    result.total_bytes = static_cast<int64_t>(report.space->total_bytes);
    result.usable_bytes = static_cast<int64_t>(report.space->usable_bytes);
  }
  for (const LogDirReport::Log& log : report.logs) {
    if (wanted.Has(log)) {
      AddLog(log, &result);
    }
  }
  return result;
}

// Blocks.
Response DescribeAll(const Request& request, const Catalog& catalog) {
  const Wanted wanted(request);
  Response response;
  for (const LogDirReport& report : catalog.ReportLogDirs()) {
    response.results.push_back(ToWire(report, wanted));
  }
  return response;
}

}  // namespace

asio::awaitable<kafka::DescribeLogDirsResponse> HandleDescribeLogDirs(const Request& request, Call& call) {
  co_return co_await OnPool(call.services.pool, [&] { return DescribeAll(request, call.services.catalog); });
}

}  // namespace sluice::broker
