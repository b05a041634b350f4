// What a fetch of many partitions costs when few of them, or none, have news: named one by one each time, and
// in a fetch session.
//
//   sluice_fetch_session_bench [partitions=1000] [fetches=2000] [sessions=200]
//
// One broker in this process, one consumer's connection. CPU is the broker's: the process's without the
// consumer's thread.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "proto/kafka/gen/fetch.h"
#include "proto/kafka/gen/produce.h"
#include "proto/record/batch_builder.h"
#include "tests/support/raw_client.h"
#include "tests/support/test_broker.h"

namespace sluice {
namespace {

constexpr int16_t kVersion = 12;
constexpr int32_t kNoSession = -1;

struct Plan {
  int32_t partitions = 1000;
  int fetches = 2000;
  int sessions = 200;
};

double CpuSeconds(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  return absl::ToDoubleSeconds(absl::DurationFromTimeval(usage.ru_utime) +
                               absl::DurationFromTimeval(usage.ru_stime));
}
double BrokerCpuSeconds() {
  return CpuSeconds(RUSAGE_SELF) - CpuSeconds(RUSAGE_THREAD);
}

double ResidentMiB() {
  std::ifstream in("/proc/self/statm");
  uint64_t size = 0;
  uint64_t resident = 0;
  in >> size >> resident;
  return static_cast<double>(resident) * 4096 / (1 << 20);
}

class Consumer {
 public:
  Consumer(const Plan& plan, uint16_t port)
      : plan_(plan), client_(port), offsets_(static_cast<size_t>(plan.partitions)) {}

  // From then on in a session.
  void OpenSession() {
    kafka::FetchRequest request = All();
    request.session_epoch = 0;
    session_id_ = client_.Call(request, kVersion).session_id;
    CHECK_NE(session_id_, 0);
    epoch_ = 1;
  }

  // Returns how many partitions the answer names. What it gives is read on from.
  size_t Fetch(int32_t max_wait_ms) {
    kafka::FetchRequest request = session_id_ != 0 ? Changed() : All();
    request.max_wait_ms = max_wait_ms;
    const kafka::FetchResponse response = client_.Call(request, kVersion);
    CHECK_EQ(response.error_code, 0);
    size_t named = 0;
    moved_.clear();
    for (const auto& topic : response.responses) {
      for (const auto& answer : topic.partitions) {
        ++named;
        if (!answer.records->bytes.empty()) {
          offsets_[static_cast<size_t>(answer.partition_index)] = answer.high_watermark;
          moved_.push_back(answer.partition_index);
        }
      }
    }
    client_.Forget();
    return named;
  }

 private:
  kafka::FetchRequest All() const {
    kafka::FetchRequest request = Empty();
    request.session_epoch = kNoSession;
    for (int32_t i = 0; i < plan_.partitions; ++i) {
      Add(&request, i);
    }
    return request;
  }
  kafka::FetchRequest Changed() {
    kafka::FetchRequest request = Empty();
    request.session_id = session_id_;
    request.session_epoch = epoch_++;
    for (const int32_t partition : moved_) {
      Add(&request, partition);
    }
    return request;
  }
  static kafka::FetchRequest Empty() {
    kafka::FetchRequest request;
    request.min_bytes = 1;
    request.max_bytes = 50 << 20;
    return request;
  }
  void Add(kafka::FetchRequest* request, int32_t partition) const {
    if (request->topics.empty()) {
      request->topics.emplace_back().topic = "many";
    }
    auto& asked = request->topics[0].partitions.emplace_back();
    asked.partition = partition;
    asked.fetch_offset = offsets_[static_cast<size_t>(partition)];
    asked.partition_max_bytes = 1 << 20;
  }

  const Plan plan_;
  RawClient client_;
  std::vector<int64_t> offsets_;
  std::vector<int32_t> moved_;
  int32_t session_id_ = 0;
  int32_t epoch_ = 0;
};

class Producer {
 public:
  explicit Producer(uint16_t port) : client_(port) {
    CHECK_OK(builder_.Append(Clock::System().NowMs(), AsBytes("key"), AsBytes("value")));
  }
  void Put(int32_t partition) {
    kafka::ProduceRequest request;
    request.acks = 1;
    request.timeout_ms = 10'000;
    auto& topic = request.topic_data.emplace_back();
    topic.name = "many";
    auto& data = topic.partition_data.emplace_back();
    data.index = partition;
    data.records = kafka::Records{.bytes = *builder_.Build()};
    client_.Call(request, 9);
    client_.Forget();
  }

 private:
  RawClient client_;
  record::BatchBuilder builder_;
};

class Measurement {
 public:
  Measurement(const Plan& plan, TestBroker& broker) : plan_(plan), broker_(broker) {}

  void Run(const char* what, bool in_session, bool with_news) {
    Consumer consumer(plan_, broker_.port());
    Producer producer(broker_.port());
    if (in_session) {
      consumer.OpenSession();
    }
    while (consumer.Fetch(0) > 0 && in_session) {  // What is there already.
    }
    const uint64_t in = broker_.net_stats().bytes_in.value();
    const uint64_t out = BytesOut();
    const double cpu = BrokerCpuSeconds();
    const absl::Time began = absl::Now();
    size_t named = 0;
    for (int i = 0; i < plan_.fetches; ++i) {
      if (with_news) {
        producer.Put((i * 37) % plan_.partitions);
      }
      named += consumer.Fetch(with_news ? 1'000 : 0);
    }
    const double seconds = absl::ToDoubleSeconds(absl::Now() - began);
    const double fetches = plan_.fetches;
    std::printf("| %-32s | %9.0f | %8.1f | %9.0f | %9.0f | %8.1f |\n", what, fetches / seconds,
                (BrokerCpuSeconds() - cpu) / fetches * 1e6,
                static_cast<double>(broker_.net_stats().bytes_in.value() - in) / fetches,
                static_cast<double>(BytesOut() - out) / fetches, static_cast<double>(named) / fetches);
  }

  // What the cache counts, beside what the process grew by.
  void MeasureMemory() {
    const double before = ResidentMiB();
    std::vector<std::unique_ptr<Consumer>> consumers;
    for (int i = 0; i < plan_.sessions; ++i) {
      consumers.push_back(std::make_unique<Consumer>(plan_, broker_.port()));
      consumers.back()->OpenSession();
      consumers.back()->Fetch(0);
    }
    const auto stats = broker_.fetch_session_stats();
    const double grown = ResidentMiB() - before;
    std::printf(
        "%zu sessions, %zu partitions: %.1f MiB counted, %.1f MiB more in the process: %.0f bytes a "
        "partition\n",
        stats.sessions, stats.partitions, static_cast<double>(stats.bytes) / (1 << 20), grown,
        grown * (1 << 20) / static_cast<double>(stats.partitions));
  }

 private:
  uint64_t BytesOut() const {
    return broker_.net_stats().bytes_out_copied.value() + broker_.net_stats().bytes_out_transferred.value();
  }

  const Plan plan_;
  TestBroker& broker_;
};

int Main(const Plan& plan) {
  TestBroker broker({.configs = {{"sluice.durability", "page-cache"}}});
  broker.CreateTopic("many", plan.partitions);
  Measurement measurement(plan, broker);
  std::printf("%d partitions\n", plan.partitions);
  std::printf(
      "| fetch                            | fetches/s | CPU us   | bytes in  | bytes out | answers  |\n");
  std::printf("|---|---|---|---|---|---|\n");
  measurement.Run("all named, nothing new", false, false);
  measurement.Run("session, nothing new", true, false);
  measurement.Run("all named, one has a record", false, true);
  measurement.Run("session, one has a record", true, true);
  measurement.MeasureMemory();
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  sluice::Plan plan;
  if (argc > 1) plan.partitions = std::atoi(argv[1]);
  if (argc > 2) plan.fetches = std::atoi(argv[2]);
  if (argc > 3) plan.sessions = std::atoi(argv[3]);
  return sluice::Main(plan);
}
