// The half of the consumer that runs on the loop's thread: asks the leaders, one request a broker under way,
// and queues what they answer.
#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "client/internal/consumer_core.h"
#include "client/internal/offset_lookup.h"
#include "client/internal/status.h"
#include "sluice/errors.h"

namespace sluice::client_internal {
namespace {

using kafka::ErrorCode;

constexpr absl::Duration kRetryBackoff = absl::Milliseconds(100);
constexpr absl::Duration kRetryBackoffMax = absl::Seconds(1);
// From here on topics are named by id (KIP-516), which the broker may not have told.
constexpr int16_t kFetchByTopicId = 13;
// Refreshes in a row that must say that a topic does not exist before it is believed.
constexpr int kUnknownInARow = 3;

std::string NameOf(const std::string& topic, int32_t partition) {
  return absl::StrCat("partition ", topic, "-", partition);
}

// The whole batches at the front of `records`: a broker may cut the last one off.
ByteView WholeBatches(ByteView records, int64_t* next_offset) {
  size_t whole = 0;
  while (whole < records.size()) {
    const ByteView rest = records.subspan(whole);
    const std::optional<size_t> size = record::PeekBatchSize(rest);
    if (!size.has_value() || *size > rest.size()) {
      break;
    }
    *next_offset = std::max(*next_offset, record::BatchView(rest.first(*size)).next_offset().value());
    whole += *size;
  }
  return records.first(whole);
}

}  // namespace

void ConsumerCore::Stop() {
  core_->metadata().RemoveListener(listener_);
  timer_.cancel();
  lifetime_.Revoke();
  for (const ChannelId channel : channels_) {
    core_->CloseChannel(channel);
  }
}

void ConsumerCore::Pump() {
  absl::Duration next_look = absl::InfiniteDuration();
  bool stale = false;
  std::map<int32_t, FetchPlan> plans;
  {
    absl::MutexLock lock(&mu_);
    kicked_ = false;
    plans = MakePlans(&next_look, &stale);
    for (auto& [id, plan] : plans) {
      Node& node = nodes_[id];
      node.in_flight = true;
      node.under_way = plan.asked;
      plan.request = ++node.request;
      plan.channel = channels_[node.channel];
    }
  }
  for (auto& [node, plan] : plans) {
    SendFetch(node, std::move(plan));
  }
  if (stale) {
    core_->metadata().RefreshSoon();
  }
  SetTimer(next_look);
}

std::map<int32_t, ConsumerCore::FetchPlan> ConsumerCore::MakePlans(absl::Duration* next_look, bool* stale) {
  std::map<int32_t, FetchPlan> plans;
  const absl::Duration now = MonotonicNow();
  for (auto& [id, node] : nodes_) {
    AbandonStale(node);
  }
  std::vector<PartitionPtr> order;
  for (const auto& [key, partition] : partitions_) {
    order.push_back(partition);
  }
  if (!order.empty()) {
    // When an answer is full, the partitions at its front shall not be the same each time.
    std::rotate(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(rotation_++ % order.size()),
                order.end());
  }
  for (const PartitionPtr& partition : order) {
    if (partition->paused || partition->failed || partition->resetting) {
      continue;
    }
    if (partition->not_before > now) {
      *next_look = std::min(*next_look, partition->not_before);
      continue;
    }
    const TopicInfo* topic = core_->metadata().FindTopic(*partition->topic);
    const auto index = static_cast<size_t>(partition->index);
    const int32_t leader =
        topic != nullptr && index < topic->partitions.size() ? topic->partitions[index].leader : -1;
    if (leader < 0) {
      *stale = true;
      continue;
    }
    const Node& node = nodes_[leader];
    if (node.in_flight || node.queued_answers >= options_.prefetch_responses) {
      continue;
    }
    FetchPlan& plan = plans[leader];
    if (plan.asked.empty()) {
      plan.version_cap = std::numeric_limits<int16_t>::max();
    }
    plan.asked.push_back({partition, partition->generation, partition->fetch_offset});
    plan.topic_ids[*partition->topic] = topic->id;
    plan.at_once |= !std::exchange(partition->asked, true);
    if (topic->id.IsZero()) {
      plan.version_cap = kFetchByTopicId - 1;
    }
  }
  return plans;
}

// After a seek nobody wants what is under way, but it may wait at the broker for fetch_wait_max, and hold up
// what follows it on its connection.
void ConsumerCore::AbandonStale(Node& node) {
  const bool wanted = std::any_of(node.under_way.begin(), node.under_way.end(), [](const Asked& asked) {
    return asked.partition->generation == asked.generation;
  });
  if (node.in_flight && !wanted) {
    node.in_flight = false;
    node.under_way.clear();
    ++node.request;
    node.channel = 1 - node.channel;
  }
}

kafka::FetchRequest ConsumerCore::MakeRequest(const FetchPlan& plan) const {
  kafka::FetchRequest request;
  request.max_wait_ms = plan.at_once ? 0 : static_cast<int32_t>(options_.fetch_wait_max.count());
  request.min_bytes = options_.fetch_bytes_min;
  request.max_bytes = options_.fetch_bytes_max;
  request.session_epoch = -1;  // No fetch session (KIP-227): it pays with thousands of partitions only.
  absl::flat_hash_map<absl::string_view, size_t> positions;
  for (const Asked& asked : plan.asked) {
    const std::string& name = *asked.partition->topic;
    const auto [position, is_new] = positions.try_emplace(name, request.topics.size());
    if (is_new) {
      auto& topic = request.topics.emplace_back();
      topic.topic = name;
      topic.topic_id = plan.topic_ids.at(name);
    }
    auto& partition = request.topics[position->second].partitions.emplace_back();
    partition.partition = asked.partition->index;
    partition.fetch_offset = asked.offset;
    partition.partition_max_bytes = options_.partition_bytes_max;
  }
  return request;
}

void ConsumerCore::SendFetch(int32_t node, FetchPlan plan) {
  kafka::FetchRequest request = MakeRequest(plan);
  const Core::Where where{.channel = plan.channel, .target = node, .version_cap = plan.version_cap};
  const absl::Duration timeout = core_->request_timeout() + absl::FromChrono(options_.fetch_wait_max);
  core_->Call<kafka::FetchRequest>(
      where, std::move(request), timeout,
      lifetime_.Guard(
          [this, node, plan = std::move(plan)](const absl::StatusOr<Answer<kafka::FetchResponse>>& answer) {
            OnAnswer(node, plan, answer);
            // Not from inside Core::Call, where an error may come from.
            core_->loop().Post(lifetime_.Guard([this] { Pump(); }));
          }));
}

void ConsumerCore::OnAnswer(int32_t node, const FetchPlan& plan,
                            const absl::StatusOr<Answer<kafka::FetchResponse>>& answer) {
  absl::MutexLock lock(&mu_);
  if (nodes_[node].request == plan.request) {
    nodes_[node].in_flight = false;
    nodes_[node].under_way.clear();
  }
  if (!answer.ok()) {
    BackOff(plan, answer.status());
    return;
  }
  if (answer->message.error_code != 0) {
    BackOff(plan, KafkaStatus(answer->message.error_code, absl::StrCat("fetch from broker ", node)));
    return;
  }
  last_error_ = absl::OkStatus();
  absl::flat_hash_map<Uuid, const std::string*> names;
  for (const auto& [name, id] : plan.topic_ids) {
    names[id] = &name;
  }
  absl::flat_hash_map<std::pair<absl::string_view, int32_t>, const Asked*> asked;
  for (const Asked& one : plan.asked) {
    asked[{*one.partition->topic, one.partition->index}] = &one;
  }
  FetchedAnswer fetched{.node = node, .buffer = answer->buffer, .slices = {}};
  for (const auto& topic : answer->message.responses) {
    const auto by_id = names.find(topic.topic_id);
    const std::string& name = topic.topic.empty() && by_id != names.end() ? *by_id->second : topic.topic;
    for (const PartitionData& data : topic.partitions) {
      const auto found = asked.find({name, data.partition_index});
      if (found != asked.end()) {
        TakeIn(*found->second, data, &fetched);
      }
    }
  }
  if (!fetched.slices.empty()) {
    ++nodes_[node].queued_answers;
    ready_.push_back(std::move(fetched));
  }
  news_.SignalAll();
}

void ConsumerCore::BackOff(const FetchPlan& plan, const absl::Status& why) {
  last_error_ = why;
  core_->metadata().RefreshSoon();
  const bool retry = IsRetriable(why) || absl::IsCancelled(why) || absl::IsDataLoss(why);
  for (const Asked& asked : plan.asked) {
    if (asked.partition->generation != asked.generation) {
      continue;
    }
    if (retry) {
      asked.partition->not_before = MonotonicNow() + core_->Backoff(kRetryBackoff, kRetryBackoffMax,
                                                                    ++asked.partition->errors_in_a_row);
    } else {
      FailPartition(*asked.partition,
                    Annotated(why, NameOf(*asked.partition->topic, asked.partition->index)));
    }
  }
}

void ConsumerCore::TakeIn(const Asked& asked, const PartitionData& data, FetchedAnswer* fetched) {
  Partition& partition = *asked.partition;
  if (partition.generation != asked.generation) {
    return;  // Moved in the meantime.
  }
  if (data.error_code != 0) {
    TakeError(asked, data.error_code);
    return;
  }
  partition.errors_in_a_row = 0;
  partition.watermarks = Watermarks{.low = data.log_start_offset, .high = data.high_watermark};
  if (data.records.has_value() && !data.records->bytes.empty()) {
    TakeRecords(asked, data.records->bytes, fetched);
  }
}

void ConsumerCore::TakeRecords(const Asked& asked, ByteView records, FetchedAnswer* fetched) {
  Partition& partition = *asked.partition;
  int64_t next_offset = asked.offset;
  const ByteView whole = WholeBatches(records, &next_offset);
  if (whole.empty()) {
    FailPartition(partition,
                  absl::DataLossError(absl::StrCat(
                      NameOf(*partition.topic, partition.index), ": what the broker sent for offset ",
                      asked.offset, " is not a whole record batch (", records.size(),
                      " bytes); is the log damaged? Seek beyond it to skip it")));
    return;
  }
  partition.fetch_offset = next_offset;
  fetched->slices.push_back({.partition = asked.partition,
                             .generation = asked.generation,
                             .next_offset = next_offset,
                             .data = {.topic = partition.topic,
                                      .partition = partition.index,
                                      .first_offset = asked.offset,
                                      .bytes = whole}});
}

void ConsumerCore::TakeError(const Asked& asked, int16_t code) {
  Partition& partition = *asked.partition;
  const bool out_of_range = code == kafka::ToWire(ErrorCode::kOffsetOutOfRange);
  const absl::Status status = KafkaStatus(
      code, absl::StrCat("fetch offset ", asked.offset, " of ", NameOf(*partition.topic, partition.index)),
      {}, out_of_range ? "Seek to where to go on, or set offset_reset to kEarliest or kLatest" : "");
  if (out_of_range) {
    OnOutOfRange(asked, status);
    return;
  }
  if (!kafka::IsRetriable(static_cast<ErrorCode>(code)) ||
      code == kafka::ToWire(ErrorCode::kCorruptMessage)) {
    FailPartition(partition, status);
    return;
  }
  last_error_ = status;
  partition.not_before =
      MonotonicNow() + core_->Backoff(kRetryBackoff, kRetryBackoffMax, ++partition.errors_in_a_row);
  core_->metadata().RefreshSoon();
}

void ConsumerCore::OnOutOfRange(const Asked& asked, const absl::Status& status) {
  Partition& partition = *asked.partition;
  if (options_.offset_reset == OffsetReset::kError) {
    FailPartition(partition, status);
    return;
  }
  ResetSoon(asked.partition);
}

void ConsumerCore::ResetSoon(const PartitionPtr& partition) {
  partition->resetting = true;
  core_->loop().Post(lifetime_.Guard(
      [this, partition, generation = partition->generation] { StartReset(partition, generation); }));
}

void ConsumerCore::StartReset(const PartitionPtr& partition, int64_t generation) {
  const Position to =
      options_.offset_reset == OffsetReset::kEarliest ? Position::Beginning() : Position::End();
  LookUpOffsets(*core_, {{*partition->topic, partition->index, to}}, core_->request_timeout(),
                lifetime_.Guard([this, partition, generation](const std::vector<OffsetAnswer>& answers) {
                  {
                    absl::MutexLock lock(&mu_);
                    if (partition->generation != generation) {
                      return;
                    }
                    const absl::Status& status = answers.front().status;
                    if (status.ok()) {
                      MoveTo(*partition, answers.front().offset);
                    } else if (subscribed_ && IsRetriable(status)) {
                      last_error_ = status;  // The group takes the partition away if it is gone for good.
                      ResetSoon(partition);
                    } else {
                      partition->resetting = false;
                      FailPartition(*partition, status);
                    }
                  }
                  Pump();
                }));
}

void ConsumerCore::FailPartition(Partition& partition, const absl::Status& status) {
  partition.failed = true;
  partition.generation = next_generation_++;
  partition.fetch_offset = partition.next_offset;
  errors_.push_back(status);
  news_.SignalAll();
}

void ConsumerCore::CheckTopics() {
  for (const auto& [key, partition] : partitions_) {
    const TopicInfo* topic = core_->metadata().FindTopic(*partition->topic);
    if (partition->failed || topic == nullptr || topic->error_code == 0) {
      continue;
    }
    const absl::Status status = core_->metadata().TopicStatus(*partition->topic);
    last_error_ = status;
    // From a member the group takes it away.
    const bool gone = topic->unknown_in_a_row >= kUnknownInARow && !subscribed_;
    if (gone || !kafka::IsRetriable(static_cast<ErrorCode>(topic->error_code))) {
      FailPartition(*partition,
                    Annotated(status, absl::StrCat("fetch from ", NameOf(key.first, key.second))));
    }
  }
}

void ConsumerCore::SetTimer(absl::Duration at) {
  if (at == absl::InfiniteDuration()) {
    return;
  }
  timer_.expires_after(absl::ToChronoNanoseconds(std::max(at - MonotonicNow(), absl::ZeroDuration())));
  timer_.async_wait(lifetime_.Guard([this](const asio::error_code& error) {
    if (!error) {
      Pump();
    }
  }));
}

}  // namespace sluice::client_internal
