#include "broker/group/group_coordinator.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "broker/group/group_partition.h"
#include "proto/base/status_macros.h"
#include "proto/base/uuid.h"

namespace sluice::broker {

namespace {

ConsumerLimits ConsumerLimitsOf(const BrokerConfig& config) {
  const auto int_of = [&config](absl::string_view key) { return static_cast<int32_t>(config.Int(key)); };
  const std::string& policy = config.String("group.consumer.migration.policy");
  return {.session_timeout_ms = int_of("group.consumer.session.timeout.ms"),
          .heartbeat_interval_ms = int_of("group.consumer.heartbeat.interval.ms"),
          .size_max = int_of("group.consumer.max.size"),
          .regex_refresh_ms = config.Int("group.consumer.regex.refresh.interval.ms"),
          .assignors = config.List("group.consumer.assignors"),
          .may_downgrade = policy == "bidirectional" || policy == "downgrade",
          .may_upgrade = policy == "bidirectional" || policy == "upgrade",
          .classic_size_max = int_of("group.max.size")};
}

}  // namespace

GroupCoordinator::GroupCoordinator(Parts parts)
    : parts_(parts),
      topics_(parts.catalog),
      consumer_limits_(ConsumerLimitsOf(parts.config)),
      configs_(parts.metadata, parts.config) {}

GroupCoordinator::~GroupCoordinator() {
  Stop();
}

absl::Status GroupCoordinator::Start() {
  RETURN_IF_ERROR(configs_.Load(parts_.logger));
  if (const TopicPtr topic = parts_.catalog.Find(kOffsetsTopic); topic != nullptr) {
    Adopt(topic);
  }
  {
    absl::MutexLock lock(&timer_mu_);
    next_expiry_ms_ = NowMs() + parts_.config.Int("offsets.retention.check.interval.ms");
  }
  if (parts_.has_thread) {
    thread_ = std::thread([this] { RunThread(); });
  }
  return absl::OkStatus();
}

void GroupCoordinator::Stop() {
  {
    absl::MutexLock lock(&timer_mu_);
    stopping_ = true;
  }
  if (thread_.joinable()) {
    thread_.join();
  }
  for (const std::shared_ptr<GroupShard>& shard : Shards()) {
    shard->Close();
  }
}

TopicError GroupCoordinator::EnsureTopic() {
  absl::MutexLock create(&create_mu_);
  if (!Shards().empty()) {
    return {};
  }
  const BrokerConfig& config = parts_.config;
  TopicPtr topic;
  const TopicError made = parts_.catalog.Create(
      {.name = kOffsetsTopic,
       .partitions = static_cast<int32_t>(config.Int("offsets.topic.num.partitions")),
       .configs = {{"cleanup.policy", "compact"},
                   {"compression.type", "producer"},
                   {"segment.bytes", absl::StrCat(config.Int("offsets.topic.segment.bytes"))}}},
      /*validate_only=*/false, &topic);
  if (made.ok()) {
    Adopt(topic);
  }
  return made;
}

void GroupCoordinator::Adopt(const TopicPtr& topic) {
  std::vector<std::shared_ptr<GroupShard>> shards;
  for (const std::shared_ptr<Partition>& partition : topic->partitions) {
    shards.push_back(std::make_shared<GroupShard>(ShardParts(partition)));
  }
  {
    absl::MutexLock lock(&mu_);
    shards_ = shards;
  }
  for (const std::shared_ptr<GroupShard>& shard : shards) {
    parts_.pool.Post([shard] { shard->Load(); });
  }
}

GroupShard::Parts GroupCoordinator::ShardParts(std::shared_ptr<Partition> partition) {
  const BrokerConfig& config = parts_.config;
  const auto int_of = [&config](absl::string_view key) { return static_cast<int32_t>(config.Int(key)); };
  return {.partition = std::move(partition),
          .pool = parts_.pool,
          .clock = parts_.clock,
          .logger = parts_.logger,
          .topics = topics_,
          .configs = configs_,
          .limits = {.session_timeout_ms_min = int_of("group.min.session.timeout.ms"),
                     .session_timeout_ms_max = int_of("group.max.session.timeout.ms"),
                     .initial_rebalance_delay_ms = int_of("group.initial.rebalance.delay.ms"),
                     .size_max = int_of("group.max.size")},
          .consumer_limits = consumer_limits_,
          .offsets_retention_ms = config.Int("offsets.retention.minutes") * 60'000,
          .on_alarm = [this](int64_t deadline_ms) { Wake(deadline_ms); }};
}

std::shared_ptr<GroupShard> GroupCoordinator::ShardOf(absl::string_view group_id) const {
  absl::MutexLock lock(&mu_);
  if (shards_.empty()) {
    return nullptr;
  }
  return shards_[static_cast<size_t>(PartitionOfGroup(group_id, static_cast<int32_t>(shards_.size())))];
}

std::vector<std::shared_ptr<GroupShard>> GroupCoordinator::Shards() const {
  absl::MutexLock lock(&mu_);
  return shards_;
}

std::string GroupCoordinator::NewMemberId(absl::string_view prefix) {
  absl::MutexLock lock(&random_mu_);
  return absl::StrCat(prefix, "-", Uuid::Generate(random_).ToString());
}

std::string GroupCoordinator::NewConsumerId() {
  absl::MutexLock lock(&random_mu_);
  return Uuid::Generate(random_).ToString();
}

void GroupCoordinator::OnTopicDeleted(const std::string& topic) {
  for (const std::shared_ptr<GroupShard>& shard : Shards()) {
    shard->OnTopicDeleted(topic);
  }
}

int64_t GroupCoordinator::OnTime() {
  const int64_t now_ms = NowMs();
  bool expiry_due;
  int64_t next_ms;
  {
    absl::MutexLock lock(&timer_mu_);
    expiry_due = next_expiry_ms_ <= now_ms;
    if (expiry_due) {
      next_expiry_ms_ = now_ms + parts_.config.Int("offsets.retention.check.interval.ms");
    }
    next_ms = next_expiry_ms_;
  }
  for (const std::shared_ptr<GroupShard>& shard : Shards()) {
    shard->OnTime(now_ms);
    if (expiry_due) {
      shard->ExpireOffsets();
    }
    next_ms = std::min(next_ms, shard->next_deadline_ms());
  }
  return next_ms;
}

void GroupCoordinator::RunThread() {
  while (true) {
    {
      absl::MutexLock lock(&timer_mu_);
      wake_ms_ = INT64_MAX;  // An alarm that is set from now on is one that OnTime may not have seen.
    }
    const int64_t next_ms = OnTime();
    absl::MutexLock lock(&timer_mu_);
    wake_ms_ = std::min(wake_ms_, next_ms);
    const auto is_due = [this] {
      timer_mu_.AssertHeld();
      return stopping_ || wake_ms_ <= NowMs();
    };
    while (!is_due()) {
      const int64_t until_ms = wake_ms_;
      const auto moved = [this, until_ms] {
        timer_mu_.AssertReaderHeld();
        return stopping_ || wake_ms_ < until_ms;
      };
      timer_mu_.AwaitWithTimeout(absl::Condition(&moved),
                                 absl::Milliseconds(std::max<int64_t>(until_ms - NowMs(), 0)));
    }
    if (stopping_) {
      return;
    }
  }
}

void GroupCoordinator::Wake(int64_t deadline_ms) {
  absl::MutexLock lock(&timer_mu_);
  wake_ms_ = std::min(wake_ms_, deadline_ms);
}

}  // namespace sluice::broker
