#include "client/internal/sender.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "client/internal/status.h"
#include "proto/base/check.h"

namespace sluice::client_internal {
namespace {

using kafka::ErrorCode;

constexpr absl::Duration kBackoffMax = absl::Seconds(1);
// A topic that was created a moment ago may not have reached the broker that is asked.
constexpr absl::Duration kUnknownTopicGrace = absl::Milliseconds(500);
// From here on topics are named by id (KIP-516), which the broker may not have told.
constexpr int16_t kProduceByTopicId = 13;

}  // namespace

Sender::Sender(Core& core, Accumulator& accumulator, const ProducerOptions& options)
    : core_(core),
      accumulator_(accumulator),
      options_(options),
      channel_(core.NewChannel()),
      timer_(core.loop().context()) {
  core_.loop().RunSync([this] { listener_ = core_.metadata().AddListener([this] { OnMetadata(); }); });
}

void Sender::Stop(const absl::Status& why) {
  if (std::exchange(stopped_, true)) {
    return;
  }
  core_.metadata().RemoveListener(listener_);
  timer_.cancel();
  core_.CloseChannel(channel_);  // What was in flight comes back and is put into the queues,
  for (const std::shared_ptr<Cargo>& cargo : std::vector(in_flight_)) {
    OnAnswer(*cargo, why);  // or had not reached a connection yet.
  }
  FailWaiting(why);
  lifetime_.Revoke();
}

void Sender::LookUpTopic(const std::string& topic) {
  if (stopped_) {
    return;
  }
  if (!looking_up_.insert(topic).second) {
    return;
  }
  core_.metadata().Watch(topic, options_.create_missing_topics);
  CheckLookUp(topic, MonotonicNow());
}

void Sender::CheckLookUp(const std::string& topic, absl::Duration started) {
  core_.metadata().Refresh(lifetime_.Guard([this, topic, started](const absl::Status& status) {
    const TopicInfo* info = core_.metadata().FindTopic(topic);
    const bool retry =
        !status.ok() || info == nullptr ||
        (info->error_code != 0 && kafka::IsRetriable(static_cast<ErrorCode>(info->error_code)));
    const bool unknown = status.ok() && info != nullptr &&
                         info->error_code == kafka::ToWire(ErrorCode::kUnknownTopicOrPartition);
    const bool give_up =
        unknown && !options_.create_missing_topics && MonotonicNow() - started >= kUnknownTopicGrace;
    absl::MutexLock lock(&accumulator_.mu());
    TopicQueues& queues = *accumulator_.topics()[topic];
    queues.status = status.ok() ? core_.metadata().TopicStatus(topic) : status;
    if (!retry || give_up) {
      looking_up_.erase(topic);
      queues.known = true;
      accumulator_.TopicChanged();
      return;
    }
    auto timer = std::make_shared<asio::steady_timer>(core_.loop().context());  // Shared with its handler.
    timer->expires_after(absl::ToChronoNanoseconds(core_.Backoff(absl::Milliseconds(100), kBackoffMax, 1)));
    timer->async_wait(lifetime_.Guard(
        [this, topic, started, timer](const asio::error_code&) { CheckLookUp(topic, started); }));
  }));
}

void Sender::OnMetadata() {
  {
    absl::MutexLock lock(&accumulator_.mu());
    bool changed = false;
    for (const auto& [name, topic] : accumulator_.topics()) {
      changed |= ApplyTopic(*topic);
    }
    if (changed) {
      accumulator_.TopicChanged();
    }
  }
  Drain();
}

bool Sender::ApplyTopic(TopicQueues& topic) {
  const TopicInfo* info = core_.metadata().FindTopic(topic.name);
  if (info == nullptr || info->error_code != 0 || info->partitions.empty()) {
    return false;
  }
  topic.id = info->id;
  topic.status = absl::OkStatus();
  while (topic.partitions.size() < info->partitions.size()) {
    auto partition = std::make_unique<PartitionQueue>();
    partition->topic = &topic;
    partition->index = static_cast<int32_t>(topic.partitions.size());
    topic.partitions.push_back(std::move(partition));
  }
  for (size_t i = 0; i < info->partitions.size(); ++i) {
    topic.partitions[i]->leader = info->partitions[i].leader;
  }
  return !std::exchange(topic.known, true);
}

void Sender::Drain() {
  accumulator_.WakeSeen();
  bool again = true;
  while (again && !stopped_) {
    Plan plan;
    {
      absl::MutexLock lock(&accumulator_.mu());
      const absl::Duration now = MonotonicNow();
      ExpireWaiting(now);
      plan = MakePlan();
    }
    ExpireInFlight(MonotonicNow());
    again = !plan.cargos.empty();
    for (auto& [node, cargo] : plan.cargos) {
      SendCargo(std::move(cargo));
    }
    for (const int32_t node : plan.to_connect) {
      Connect(node);
    }
    if (plan.metadata_stale) {
      core_.metadata().RefreshSoon();
    }
    if (plan.need_producer_id) {
      AskProducerId();
    }
    SetTimer(plan.next_look);
  }
  Report();
}

Sender::Plan Sender::MakePlan() {
  Plan plan;
  const absl::Duration now = MonotonicNow();
  std::vector<PartitionQueue*>& active = accumulator_.active();
  for (PartitionQueue* partition : active) {
    PlanPartition(*partition, now, &plan);
    partition->active = !partition->waiting.empty();
  }
  std::erase_if(active, [](const PartitionQueue* partition) { return !partition->active; });
  if (active.size() > 1) {
    // When a request is full, the partitions at its front shall not be the same each time.
    std::rotate(active.begin(), active.begin() + 1, active.end());
  }
  for (const std::shared_ptr<Cargo>& cargo : in_flight_) {
    for (const std::unique_ptr<Batch>& batch : cargo->batches) {
      if (batch != nullptr && !batch->reported) {
        plan.next_look = std::min(
            plan.next_look,
            std::max(batch->created + absl::FromChrono(options_.delivery_timeout), next_expiry_check_));
      }
    }
  }
  return plan;
}

absl::Duration Sender::ReadyAt(const Batch& batch) const {
  if (batch.attempts > 0) {
    return batch.not_before;
  }
  const bool now = batch.sealed || accumulator_.urgent();
  return now ? -absl::InfiniteDuration() : batch.created + absl::FromChrono(options_.linger);
}

void Sender::PlanPartition(PartitionQueue& partition, absl::Duration now, Plan* plan) {
  if (partition.waiting.empty()) {
    return;
  }
  Batch& first = *partition.waiting.front();
  plan->next_look = std::min(plan->next_look, first.created + absl::FromChrono(options_.delivery_timeout));
  const absl::Duration ready_at = ReadyAt(first);
  if (ready_at > now) {
    plan->next_look = std::min(plan->next_look, ready_at);
    return;
  }
  if (partition.resetting) {
    return;  // Until what is in flight has come back.
  }
  if (partition.leader < 0) {
    plan->metadata_stale = true;
    return;
  }
  if (partition.in_flight > 0 && partition.in_flight_node != partition.leader) {
    return;  // The leader moved: the old one's answers first.
  }
  if (options_.idempotent && producer_id_ == kNoProducerId) {
    plan->need_producer_id = true;
    return;
  }
  if (options_.idempotent && !partition.counting && partition.in_flight > 0) {
    return;  // Alone, until the broker counts.
  }
  Node& node = nodes_[partition.leader];
  if (node.in_flight >= options_.in_flight_max) {
    return;  // An answer will wake us.
  }
  if (core_.ReadyConnection(channel_, partition.leader) == nullptr) {
    if (!node.connecting) {
      node.connecting = true;
      plan->to_connect.push_back(partition.leader);
    }
    return;
  }
  std::shared_ptr<Cargo>& cargo = plan->cargos[partition.leader];
  if (cargo == nullptr) {
    cargo = std::make_shared<Cargo>();
    cargo->node = partition.leader;
  } else if (cargo->bytes + first.builder.EstimatedSize() > options_.request_bytes_max) {
    return;  // In the next request.
  }
  if (!first.sealed) {
    accumulator_.Seal(first);
  }
  if (options_.idempotent && !first.sequenced) {
    Sequence(first);
  }
  cargo->bytes += first.builder.EstimatedSize();
  cargo->batches.push_back(std::move(partition.waiting.front()));
  partition.waiting.pop_front();
  ++partition.in_flight;
  partition.in_flight_node = partition.leader;
}

bool Sender::Sequence(Batch& batch) {
  PartitionQueue& partition = *batch.partition;
  if (partition.producer_id == kNoProducerId) {
    partition.producer_id = producer_id_;
    partition.epoch = epoch_;
    partition.next_sequence = 0;
    partition.counting = false;
  }
  batch.base_sequence = partition.next_sequence;
  partition.next_sequence = record::AdvanceSequence(partition.next_sequence, batch.builder.record_count());
  batch.builder.SetProducer(partition.producer_id, partition.epoch, batch.base_sequence, false);
  batch.sequenced = true;
  batch.built = false;
  return true;
}

void Sender::Connect(int32_t node) {
  core_.Acquire(channel_, node,
                lifetime_.Guard([this, node](const absl::StatusOr<std::shared_ptr<Connection>>& connection) {
                  nodes_[node].connecting = false;
                  {
                    absl::MutexLock lock(&accumulator_.mu());
                    accumulator_.SetProblem(connection.status());
                  }
                  if (!connection.ok()) {
                    core_.metadata().RefreshSoon();  // Its listener drains again.
                  }
                  // Not from inside the call that may have brought us here.
                  core_.loop().Post(lifetime_.Guard([this] { Drain(); }));
                }));
}

void Sender::SetTimer(absl::Duration at) {
  if (at == absl::InfiniteDuration() || stopped_) {
    return;
  }
  timer_.expires_after(absl::ToChronoNanoseconds(std::max(at - MonotonicNow(), absl::ZeroDuration())));
  timer_.async_wait(lifetime_.Guard([this](const asio::error_code& error) {
    if (!error) {
      Drain();
    }
  }));
}

// Hashing and compressing: the long part, outside the mutex.
absl::Status Sender::BuildBatches(Cargo& cargo) {
  cargo.external.clear();
  for (const std::unique_ptr<Batch>& batch : cargo.batches) {
    if (!batch->built) {
      ASSIGN_OR_RETURN(batch->bytes, batch->builder.Build());
      batch->built = true;
    }
    cargo.external.push_back(batch->bytes);
  }
  return absl::OkStatus();
}

int16_t Sender::VersionCap(const Cargo& cargo) const {
  for (const std::unique_ptr<Batch>& batch : cargo.batches) {
    if (batch->partition->topic->id.IsZero()) {
      return kProduceByTopicId - 1;
    }
  }
  return std::numeric_limits<int16_t>::max();
}

kafka::ProduceRequest Sender::MakeRequest(const Cargo& cargo) const {
  kafka::ProduceRequest request;
  request.acks = static_cast<int16_t>(options_.acks);
  request.timeout_ms = static_cast<int32_t>(core_.options().request_timeout.count());
  absl::flat_hash_map<const TopicQueues*, size_t> positions;
  for (size_t i = 0; i < cargo.batches.size(); ++i) {
    const TopicQueues* topic = cargo.batches[i]->partition->topic;
    const auto [position, is_new] = positions.try_emplace(topic, request.topic_data.size());
    if (is_new) {
      auto& entry = request.topic_data.emplace_back();
      entry.name = topic->name;
      entry.topic_id = topic->id;
    }
    auto& entry = request.topic_data[position->second].partition_data.emplace_back();
    entry.index = cargo.batches[i]->partition->index;
    // Only the length: the connection sends the bytes from where they are.
    entry.records = kafka::Records{
        .bytes = {}, .external_size = cargo.external[i].size(), .external_id = static_cast<uint32_t>(i)};
  }
  return request;
}

void Sender::SendCargo(std::shared_ptr<Cargo> cargo) {
  ++nodes_[cargo->node].in_flight;
  in_flight_.push_back(cargo);
  const auto refuse = [&](const absl::Status& why) {
    core_.loop().Post(lifetime_.Guard([this, cargo, why] { OnAnswer(*cargo, why); }));
  };
  const std::shared_ptr<Connection> connection = core_.ReadyConnection(channel_, cargo->node);
  if (connection == nullptr) {
    refuse(absl::UnavailableError("the connection to the leader broke; it is being made again"));
    return;
  }
  if (const absl::Status built = BuildBatches(*cargo); !built.ok()) {
    refuse(built);
    return;
  }
  const absl::StatusOr<int16_t> version =
      connection->Negotiate(kafka::ProduceRequest::kApiKey, VersionCap(*cargo));
  if (!version.ok()) {
    refuse(version.status());
    return;
  }
  connection->Send(
      MakeRequest(*cargo),
      {.version = *version,
       .timeout = core_.request_timeout(),
       .external = cargo->external,
       .expects_answer = options_.acks != Acks::kNone},
      lifetime_.Guard([this, cargo](const absl::StatusOr<Answer<kafka::ProduceResponse>>& answer) {
        OnAnswer(*cargo, answer);
      }));
}

}  // namespace sluice::client_internal
