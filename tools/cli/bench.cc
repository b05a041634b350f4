// `sluice bench`: a load generator for any broker that speaks Kafka's protocol.

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/status_macros.h"
#include "tools/cli/bench_report.h"
#include "tools/cli/commands.h"

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFlushTimeout{120'000};
constexpr milliseconds kPollTimeout{1'000};

// Bytes that do not compress to nothing, the same in each run.
std::string Payload(size_t size) {
  std::string payload(size, 0);
  uint64_t state = 0x9e3779b97f4a7c15;
  for (char& c : payload) {
    state = state * 6364136223846793005 + 1442695040888963407;
    c = static_cast<char>('a' + (state >> 60));
  }
  return payload;
}

// One producer of the run. Acks come on its client's I/O thread, which alone touches the histogram.
class Load {
 public:
  static absl::StatusOr<std::unique_ptr<Load>> Make(const Context& context, const BenchOptions& options) {
    ProducerOptions producer_options{.idempotent = options.idempotent,
                                     .batch_bytes = static_cast<size_t>(options.batch_bytes),
                                     .linger = milliseconds(options.linger_ms),
                                     .in_flight_max = options.in_flight};
    ASSIGN_OR_RETURN(producer_options.acks, ParseAcks(options.acks));
    ASSIGN_OR_RETURN(producer_options.compression, ParseCompression(options.codec));
    producer_options.idempotent = options.idempotent && producer_options.acks == Acks::kAll;
    auto load = std::make_unique<Load>();
    ASSIGN_OR_RETURN(load->client_, context.Connect());
    ASSIGN_OR_RETURN(load->producer_, load->client_->NewProducer(producer_options));
    return load;
  }

  absl::Status Run(const BenchOptions& options, int64_t records) {
    const std::string payload = Payload(static_cast<size_t>(options.record_bytes));
    const double interval_ns =
        options.rate > 0 ? 1e9 * options.producers / static_cast<double>(options.rate) : 0;
    const auto began = steady_clock::now();
    for (int64_t i = 0; i < records; ++i) {
      const auto due = began + nanoseconds(static_cast<int64_t>(interval_ns * static_cast<double>(i)));
      if (interval_ns > 0) {
        std::this_thread::sleep_until(due);
      }
      // With a rate, latency counts from when the record was due: a stalled producer does not hide its stall.
      const auto sent_at = interval_ns > 0 ? due : steady_clock::now();
      RETURN_IF_ERROR(producer_->Send(
          {.topic = options.topic, .value = BytesOf(payload)},
          [this, sent_at](const absl::StatusOr<Delivery>&) {
            latency_.Add(static_cast<uint64_t>((steady_clock::now() - sent_at) / nanoseconds(1)));
          }));
    }
    return producer_->Close(kFlushTimeout);
  }

  // After Run.
  const LatencyHistogram& latency() const { return latency_; }
  uint64_t acked() const { return producer_->stats().records_acked; }

 private:
  LatencyHistogram latency_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Producer> producer_;
};

absl::Status EnsureTopic(const Context& context, const BenchOptions& options) {
  ASSIGN_OR_RETURN(auto client, context.Connect());
  const absl::Status created =
      client->admin().CreateTopic({.name = options.topic, .partitions = options.partitions});
  return absl::IsAlreadyExists(created) ? absl::OkStatus() : created;
}

absl::StatusOr<BenchReport> BenchProduce(const Context& context, const BenchOptions& options) {
  RETURN_IF_ERROR(EnsureTopic(context, options));
  std::vector<std::unique_ptr<Load>> loads;
  for (int i = 0; i < options.producers; ++i) {
    ASSIGN_OR_RETURN(loads.emplace_back(), Load::Make(context, options));
  }
  std::vector<absl::Status> results(loads.size());
  std::vector<std::thread> threads;
  const BenchClock clock(options.broker_pid);
  for (size_t i = 0; i < loads.size(); ++i) {
    threads.emplace_back(
        [&, i] { results[i] = loads[i]->Run(options, options.records / options.producers); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  BenchReport report{.what = "sent"};
  clock.Stop(&report);
  for (size_t i = 0; i < loads.size(); ++i) {
    RETURN_IF_ERROR(results[i]);
    report.records += loads[i]->acked();
    report.latency.Merge(loads[i]->latency());
  }
  report.bytes = report.records * static_cast<uint64_t>(options.record_bytes);
  return report;
}

absl::StatusOr<BenchReport> BenchConsume(const Context& context, const BenchOptions& options) {
  ASSIGN_OR_RETURN(auto client, context.Connect());
  ASSIGN_OR_RETURN(auto consumer, client->NewConsumer({.partition_bytes_max = options.fetch_bytes}));
  BenchReport report{.what = "read"};
  const BenchClock clock(options.broker_pid);
  RETURN_IF_ERROR(consumer->AssignTopic(options.topic, Position::Beginning()));
  Progress progress;
  while (report.records < static_cast<uint64_t>(options.records) && !consumer->AtEnd()) {
    const auto asked = steady_clock::now();
    ASSIGN_OR_RETURN(const FetchedRecords records, consumer->Poll(kPollTimeout));
    if (!records.empty()) {
      report.latency.Add(static_cast<uint64_t>((steady_clock::now() - asked) / nanoseconds(1)));
    }
    for (const RecordView& record : records) {
      report.bytes += record.value ? record.value->size() : 0;
      ++report.records;
    }
    progress.Show(
        absl::StrFormat("%d records, %.1f MB", report.records, static_cast<double>(report.bytes) / 1e6));
  }
  clock.Stop(&report);
  return report;
}

int Finish(const absl::StatusOr<BenchReport>& report) {
  if (!report.ok()) {
    return Fail(report.status());
  }
  report->Print();
  return kExitOk;
}

}  // namespace

int RunBenchProduce(const Context& context, const BenchOptions& options) {
  if (options.producers < 1 || options.records < options.producers || options.record_bytes < 1) {
    return Fail(absl::InvalidArgumentError(
        "--producers and --record-bytes must be at least 1, --records at least --producers"));
  }
  return Finish(BenchProduce(context, options));
}

int RunBenchConsume(const Context& context, const BenchOptions& options) {
  return Finish(BenchConsume(context, options));
}

}  // namespace sluice::cli
