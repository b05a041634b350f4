#include "client/internal/metadata.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "client/internal/core.h"
#include "client/internal/status.h"

namespace sluice::client_internal {
namespace {

using kafka::ErrorCode;
using Response = kafka::MetadataResponse;

constexpr absl::Duration kRetryInterval = absl::Milliseconds(100);
constexpr int32_t kPartitionsMax = 1'000'000;  // More than any cluster has: a guard against a broken answer.

}  // namespace

Metadata::Metadata(Core& core, asio::io_context& context) : core_(core), timer_(context) {}

void Metadata::Stop() {
  stopped_ = true;
  timer_.cancel();
  listeners_.clear();
}

void Metadata::Watch(const std::string& topic, bool create) {
  watched_[topic] |= create;
}

void Metadata::Refresh(Done done) {
  if (in_flight_) {
    waiting_next_.push_back(std::move(done));
    return;
  }
  waiting_.push_back(std::move(done));
  Start();
}

void Metadata::RefreshSoon() {
  if (!in_flight_) {
    ScheduleRefresh(std::max(last_started_ + kRetryInterval - MonotonicNow(), absl::ZeroDuration()));
  }
}

void Metadata::Start() {
  in_flight_ = true;
  last_started_ = MonotonicNow();
  std::vector<std::string> missing = MissingThatMayBeCreated();
  if (missing.empty()) {
    AskForAll();
    return;
  }
  Ask(&missing, true, [this](absl::StatusOr<Response> response) {
    if (!response.ok() || stopped_) {
      OnAnswer(std::move(response));
      return;
    }
    AskForAll();
  });
}

std::vector<std::string> Metadata::MissingThatMayBeCreated() const {
  std::vector<std::string> missing;
  for (const auto& [name, create] : watched_) {
    const TopicInfo* topic = FindTopic(name);
    if (create && (topic == nullptr || topic->unknown_in_a_row > 0)) {
      missing.push_back(name);
    }
  }
  return missing;
}

void Metadata::AskForAll() {
  std::vector<std::string> names;
  for (const auto& [name, create] : watched_) {
    names.push_back(name);
  }
  Ask(watches_all_ ? nullptr : &names, false, [this, all = watches_all_](absl::StatusOr<Response> response) {
    if (all && response.ok()) {
      ApplyMissing(*response);
    }
    OnAnswer(std::move(response));
  });
}

void Metadata::Ask(const std::vector<std::string>* names, bool create,
                   std::function<void(absl::StatusOr<Response>)> done) {
  kafka::MetadataRequest request;
  request.allow_auto_topic_creation = create;
  if (names == nullptr) {
    request.topics.reset();
  } else {
    request.topics.emplace();
    for (const std::string& name : *names) {
      request.topics->emplace_back().name = name;
    }
  }
  core_.Call<kafka::MetadataRequest>(
      {.target = kAnyBroker}, std::move(request), core_.request_timeout(),
      [done = std::move(done)](absl::StatusOr<Answer<Response>> answer) {
        done(answer.ok() ? absl::StatusOr<Response>(std::move(answer->message)) : answer.status());
      });
}

void Metadata::OnAnswer(absl::StatusOr<Response> response) {
  in_flight_ = false;
  if (stopped_) {
    response = ClosedStatus("the client");
  }
  std::vector<Done> done = std::exchange(waiting_, std::exchange(waiting_next_, {}));
  const bool again = !waiting_.empty();
  if (response.ok()) {
    failures_ = 0;
    Apply(*response);
    for (const auto& [id, listener] : std::map(listeners_)) {
      listener();
    }
  } else {
    ++failures_;
  }
  for (Done& waiting : done) {
    waiting(response.status());
  }
  if (stopped_) {
    for (Done& waiting : std::exchange(waiting_, {})) {
      waiting(response.status());
    }
    return;
  }
  if (again && !in_flight_) {
    Start();
  } else if (!in_flight_) {
    ScheduleRefresh(response.ok()
                        ? core_.metadata_max_age()
                        : std::min(kRetryInterval * (1 << std::min(failures_, 4)), absl::Seconds(1)));
  }
}

void Metadata::Apply(const Response& response) {
  if (!response.brokers.empty()) {
    brokers_.clear();
    for (const auto& broker : response.brokers) {
      brokers_[broker.node_id] = {.address = {broker.host, static_cast<uint16_t>(broker.port)},
                                  .rack = broker.rack.value_or("")};
    }
  }
  controller_id_ = response.controller_id;
  cluster_id_ = response.cluster_id.value_or("");
  bool incomplete = false;
  for (const auto& topic : response.topics) {
    ApplyTopic(topic);
    incomplete |= topic.error_code != 0 && kafka::IsRetriable(static_cast<ErrorCode>(topic.error_code));
  }
  if (incomplete) {
    RefreshSoon();
  }
}

void Metadata::ApplyTopic(const Response::MetadataResponseTopic& from) {
  if (!from.name.has_value()) {
    return;
  }
  TopicInfo& topic = topics_[*from.name];
  const int unknown_before = topic.unknown_in_a_row;
  const bool unknown = from.error_code == kafka::ToWire(ErrorCode::kUnknownTopicOrPartition);
  topic = {.name = *from.name,
           .id = from.topic_id,
           .error_code = from.error_code,
           .internal = from.is_internal,
           .partitions = {},
           .unknown_in_a_row = unknown ? unknown_before + 1 : 0};
  for (const auto& partition : from.partitions) {
    if (partition.partition_index < 0 || partition.partition_index >= kPartitionsMax) {
      continue;
    }
    const auto index = static_cast<size_t>(partition.partition_index);
    if (index >= topic.partitions.size()) {
      topic.partitions.resize(index + 1);
    }
    topic.partitions[index] = {.leader = partition.leader_id,
                               .leader_epoch = partition.leader_epoch,
                               .error_code = partition.error_code};
  }
}

void Metadata::ApplyMissing(const Response& response) {
  absl::flat_hash_set<absl::string_view> there;
  for (const auto& topic : response.topics) {
    if (topic.name.has_value()) {
      there.insert(*topic.name);
    }
  }
  for (const auto& [name, create] : watched_) {
    topics_.try_emplace(name, TopicInfo{.name = name});
  }
  for (auto& [name, topic] : topics_) {
    if (!there.contains(name)) {
      topic.error_code = kafka::ToWire(ErrorCode::kUnknownTopicOrPartition);
      topic.partitions.clear();
      ++topic.unknown_in_a_row;
    }
  }
}

void Metadata::ScheduleRefresh(absl::Duration in) {
  const absl::Duration at = MonotonicNow() + in;
  if (stopped_ || (timer_at_ <= at && timer_at_ > MonotonicNow())) {
    return;
  }
  timer_at_ = at;
  timer_.expires_after(absl::ToChronoNanoseconds(in));
  timer_.async_wait([this](const asio::error_code& error) {
    if (!error && !stopped_) {
      timer_at_ = absl::InfiniteDuration();
      if (!in_flight_) {
        Start();
      }
    }
  });
}

const TopicInfo* Metadata::FindTopic(absl::string_view name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : &found->second;
}

std::optional<Address> Metadata::AddressOf(int32_t node) const {
  const auto found = brokers_.find(node);
  return found == brokers_.end() ? std::nullopt : std::optional(found->second.address);
}

absl::Status Metadata::TopicStatus(absl::string_view name) const {
  const TopicInfo* topic = FindTopic(name);
  const std::string what = absl::StrCat("topic \"", name, "\"");
  if (topic == nullptr) {
    return absl::UnavailableError(absl::StrCat(what, " has not been looked up yet; try again shortly"));
  }
  if (topic->error_code == kafka::ToWire(ErrorCode::kUnknownTopicOrPartition)) {
    return KafkaStatus(topic->error_code, what, "the topic does not exist",
                       "create it, or check the name for a typing error");
  }
  if (topic->error_code == 0 && topic->partitions.empty()) {
    return KafkaStatus(ErrorCode::kLeaderNotAvailable, what, "the topic has no partitions yet",
                       "try again shortly");
  }
  return KafkaStatus(topic->error_code, what);
}

Metadata::ListenerId Metadata::AddListener(std::function<void()> listener) {
  listeners_[next_listener_] = std::move(listener);
  return next_listener_++;
}

}  // namespace sluice::client_internal
