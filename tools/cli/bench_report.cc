#include "tools/cli/bench_report.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/cli/context.h"

namespace sluice::cli {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

// User and system time of another process: fields 14 and 15 of /proc/PID/stat (proc(5)). -1 when there is
// none.
double CpuSecondsOf(int pid) {
  std::ifstream stat(absl::StrCat("/proc/", pid, "/stat"));
  std::string text;
  std::getline(stat, text);
  const size_t name_end = text.rfind(')');
  double user = 0;
  double system = 0;
  if (name_end == std::string::npos ||
      std::sscanf(text.c_str() + name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf", &user,
                  &system) != 2) {
    return -1;
  }
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

BenchClock::BenchClock(int broker_pid)
    : broker_pid_(broker_pid),
      began_(std::chrono::steady_clock::now()),
      client_cpu_(OwnCpuSeconds()),
      broker_cpu_(broker_pid > 0 ? CpuSecondsOf(broker_pid) : -1) {}

void BenchClock::Stop(BenchReport* report) const {
  report->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  report->client_cpu_seconds = OwnCpuSeconds() - client_cpu_;
  if (broker_cpu_ >= 0) {
    report->broker_cpu_seconds = CpuSecondsOf(broker_pid_) - broker_cpu_;
  }
}

void BenchReport::Print() const {
  const double rate = static_cast<double>(records) / seconds;
  const double megabytes = static_cast<double>(bytes) / 1e6;
  Note(
      absl::StrFormat("%d records %s, %.0f records/sec (%.2f MB/sec), %.2f ms 50th, %.2f ms 95th, %.2f ms "
                      "99th, %.2f ms 99.9th, %.2f ms max latency.",
                      records, what, rate, megabytes / seconds, latency.PercentileUs(0.5) / 1e3,
                      latency.PercentileUs(0.95) / 1e3, latency.PercentileUs(0.99) / 1e3,
                      latency.PercentileUs(0.999) / 1e3, latency.MaxUs() / 1e3));
  nlohmann::ordered_json json = {{"records", records},
                                 {"bytes", bytes},
                                 {"seconds", seconds},
                                 {"records_per_second", rate},
                                 {"megabytes_per_second", megabytes / seconds},
                                 {"latency_us",
                                  {{"p50", latency.PercentileUs(0.5)},
                                   {"p95", latency.PercentileUs(0.95)},
                                   {"p99", latency.PercentileUs(0.99)},
                                   {"p999", latency.PercentileUs(0.999)},
                                   {"max", latency.MaxUs()}}},
                                 {"client_cpu_seconds", client_cpu_seconds}};
  if (broker_cpu_seconds >= 0) {
    json["broker_cpu_seconds"] = broker_cpu_seconds;
    json["broker_cpu_seconds_per_gigabyte"] = broker_cpu_seconds / (static_cast<double>(bytes) / 1e9);
  }
  std::puts(json.dump().c_str());
}

}  // namespace sluice::cli
