#include "tests/fuzz/tcp/fuzz_run.h"

#include <algorithm>
#include <fstream>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/base/endian.h"
#include "proto/base/random.h"
#include "proto/base/status_macros.h"
#include "proto/kafka/gen/api_versions.h"
#include "proto/kafka/gen/create_topics.h"
#include "proto/kafka/gen/produce.h"
#include "tests/fuzz/tcp/mutator.h"

namespace sluice::fuzz {
namespace {

constexpr int16_t kProduceKey = kafka::ProduceRequest::kApiKey;
// So that a torn or a sound request is one of many.
constexpr uint64_t kTornOneIn = 64;
constexpr uint64_t kSoundOneIn = 8;
// The prey is made again when it was deleted.
constexpr uint64_t kPreyEveryRounds = 50;

// Numbers next to each other give seeds far from each other (splitmix64).
uint64_t SeedOf(uint64_t seed, uint64_t number) {
  uint64_t mixed = seed + (number + 1) * 0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

int32_t CorrelationOf(ByteView frame) {
  return frame.size() < sizeof(int32_t) ? -1 : LoadBigEndian<int32_t>(frame.data());
}

Bytes AskVersions(int32_t correlation_id) {
  kafka::WireWriter body;
  kafka::ApiVersionsRequest().Encode(body, 0);
  return MakeFrame(kafka::ApiVersionsRequest::kApiKey, 0, correlation_id, body.buffer());
}

void MakePrey(Connection& connection) {
  kafka::CreateTopicsRequest request;
  request.timeout_ms = 10'000;
  for (const char* const codec : {"producer", "lz4"}) {
    auto& topic = request.topics.emplace_back();
    topic.name = absl::StrCat("prey-", request.topics.size() - 1);
    topic.num_partitions = 2;
    topic.replication_factor = 1;
    auto& config = topic.configs.emplace_back();
    config.name = "compression.type";
    config.value = codec;
  }
  connection.Call(request, 5);
}

}  // namespace

absl::StatusOr<std::vector<Target>> FindTargets(Connection& connection) {
  const auto answer = connection.Call(kafka::ApiVersionsRequest{}, 0);
  if (!answer.has_value() || answer->error_code != 0) {
    return absl::InternalError("the broker does not tell what it serves");
  }
  std::vector<Target> targets;
  for (const auto& api : answer->api_keys) {
    const RequestKind* const kind = FindKind(api.api_key);
    if (kind == nullptr || api.max_version > kind->max_version) {
      return absl::InternalError(
          absl::StrCat("API key ", api.api_key, " is advertised, and not in the codec"));
    }
    for (int16_t version = api.min_version; version <= api.max_version; ++version) {
      targets.push_back({.kind = kind, .version = version});
    }
  }
  return targets;
}

// One request, as it is sent.
struct FuzzRun::Item {
  uint64_t number = 0;
  Target target;
  Bytes body;
  std::optional<Reading> reading;  // None: it is malformed.
  bool is_torn = false;
  bool is_harmful = false;

  int32_t correlation_id() const { return static_cast<int32_t>(number % (1u << 30)) * 2; }
  Bytes Frame() const { return MakeFrame(target.kind->key, target.version, correlation_id(), body); }
  std::string Describe() const {
    return absl::StrCat("request ", number, ", ", target.kind->name, " version ", target.version, " of ",
                        body.size(), " bytes, ", reading.has_value() ? "sound" : "malformed");
  }
};

FuzzRun::FuzzRun(const FuzzOptions& options, std::vector<Target> targets, BrokerProcess& broker,
                 KnownData& known)
    : options_(options),
      targets_(std::move(targets)),
      broker_(broker),
      known_(known),
      vocabulary_(known.MakeVocabulary()),
      next_(options.first) {}

FuzzRun::Item FuzzRun::Make(uint64_t number) const {
  Random random(SeedOf(options_.seed, number));
  kafka::Randomizer randomizer(random.Next(), &vocabulary_);
  const auto make_body = [&](const Target& target) {
    return target.kind->make_body(randomizer, std::max(target.version, target.kind->min_version));
  };
  Item item{.number = number, .target = targets_[random.Below(targets_.size())]};
  item.body = make_body(item.target);
  if (random.Below(kSoundOneIn) != 0) {
    item.body = Mutate(std::move(item.body), make_body(targets_[random.Below(targets_.size())]), random);
  }
  if (item.target.version >= item.target.kind->min_version) {
    item.reading = item.target.kind->read(item.body, item.target.version);
  }
  if (item.reading.has_value()) {
    item.body = item.reading->body;
    item.is_harmful = known_.MayBeChangedBy(item.target.kind->key, item.body, item.reading->wants_no_answer);
  }
  item.is_torn = random.Below(kTornOneIn) == 0;
  return item;
}

// One connection at a time; a new one after each that was closed.
class FuzzRun::Sender {
 public:
  explicit Sender(FuzzRun& run) : run_(run) {}

  absl::Status Send(const Item& item) {
    if (connection_ == nullptr) {
      connection_ = std::make_unique<Connection>(run_.broker_.port());
      if (!connection_->valid()) {
        RETURN_IF_ERROR(run_.broker_.CheckAlive());
        return absl::InternalError("the broker takes no connection");
      }
    }
    ++counts_.sent;
    return item.is_torn ? SendTorn(item) : SendWhole(item);
  }
  const Counts& counts() const { return counts_; }
  void LeaveOut() { ++counts_.harmful; }

 private:
  absl::Status SendTorn(const Item& item) {
    ++counts_.torn;
    const Bytes frame = item.Frame();
    connection_->Send(ByteView(frame).first(frame.size() - 1 - item.number % (frame.size() - 1)));
    connection_ = nullptr;
    return absl::OkStatus();
  }

  absl::Status SendWhole(const Item& item) {
    Bytes frames = item.Frame();
    const Bytes second = AskVersions(item.correlation_id() + 1);
    frames.insert(frames.end(), second.begin(), second.end());
    connection_->Send(frames);
    Bytes answer;
    switch (connection_->Receive(&answer)) {
      case Connection::Event::kFrame:
        return CheckAnswer(item, answer);
      case Connection::Event::kClosed:
        return CheckClose(item);
      case Connection::Event::kSilent:
        break;
    }
    return absl::InternalError("neither an answer nor a close");
  }

  absl::Status CheckAnswer(const Item& item, Bytes& answer) {
    if (CorrelationOf(answer) == item.correlation_id() + 1) {
      ++counts_.unanswered;
      const bool good = item.reading.has_value() && item.reading->wants_no_answer;
      return good ? absl::OkStatus() : absl::InternalError("no answer, and no close either");
    }
    ++counts_.answered;
    if (CorrelationOf(answer) != item.correlation_id()) {
      return absl::InternalError("the answer to another request");
    }
    if (!item.reading.has_value()) {
      return absl::InternalError("an answer to what is no request");
    }
    if (const std::string wrong = item.target.kind->check_answer(answer, item.target.version);
        !wrong.empty()) {
      return absl::InternalError(absl::StrCat("an answer that cannot be read: ", wrong));
    }
    if (item.target.kind->key == kProduceKey) {
      run_.known_.NoteAnswer(answer, item.target.version);
    }
    if (connection_->Receive(&answer) != Connection::Event::kFrame ||
        CorrelationOf(answer) != item.correlation_id() + 1) {
      return absl::InternalError("no answer to the sound request behind it");
    }
    return absl::OkStatus();
  }

  absl::Status CheckClose(const Item& item) {
    connection_ = nullptr;
    ++counts_.refused;
    RETURN_IF_ERROR(run_.broker_.CheckAlive());
    return item.reading.has_value() && !item.reading->wants_no_answer
               ? absl::InternalError("a sound request closed its connection")
               : absl::OkStatus();
  }

  FuzzRun& run_;
  std::unique_ptr<Connection> connection_;
  Counts counts_;
};

void FuzzRun::SendAll() {
  Sender sender(*this);
  for (uint64_t number = next_++; number < options_.first + options_.requests && Goes(); number = next_++) {
    const Item item = Make(number);
    if (item.is_harmful) {
      sender.LeaveOut();
      continue;
    }
    if (const absl::Status sent = sender.Send(item); !sent.ok()) {
      const std::string path = absl::StrCat("tcp_fuzzer-", options_.seed, "-", number, ".bin");
      const Bytes frame = item.Frame();
      std::ofstream(path, std::ios::binary) << AsText(frame);
      Find(absl::InternalError(absl::StrCat(item.Describe(), " (", path, "): ", sent.message())));
    }
  }
  absl::MutexLock lock(&mu_);
  counts_.sent += sender.counts().sent;
  counts_.answered += sender.counts().answered;
  counts_.refused += sender.counts().refused;
  counts_.unanswered += sender.counts().unanswered;
  counts_.torn += sender.counts().torn;
  counts_.harmful += sender.counts().harmful;
}

// As fast as they are answered, from the beginning to the end.
void FuzzRun::SendGood() {
  Connection connection(broker_.port());
  for (uint64_t round = 0; Goes() && !all_sent_; ++round) {
    const absl::Time began = absl::Now();
    if (const absl::Status checked = known_.CheckWire(connection); !checked.ok()) {
      Find(checked);
    }
    const absl::Duration took = absl::Now() - began;
    if (round % kPreyEveryRounds == 0) {
      MakePrey(connection);
    }
    absl::MutexLock lock(&mu_);
    ++counts_.good;
    counts_.slowest_good = std::max(counts_.slowest_good, took);
  }
}

absl::Status FuzzRun::Run() {
  std::thread good([this] { SendGood(); });
  std::vector<std::thread> senders;
  for (int i = 0; i < options_.connections; ++i) {
    senders.emplace_back([this] { SendAll(); });
  }
  for (std::thread& sender : senders) {
    sender.join();
  }
  all_sent_ = true;
  good.join();
  absl::MutexLock lock(&mu_);
  return finding_;
}

void FuzzRun::Find(absl::Status what) {
  absl::MutexLock lock(&mu_);
  finding_.Update(std::move(what));
  found_ = true;
}

FuzzRun::Counts FuzzRun::counts() const {
  absl::MutexLock lock(&mu_);
  return counts_;
}

}  // namespace sluice::fuzz
