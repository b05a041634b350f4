// All groups of the broker: finds the shard that a group belongs to, makes __consumer_offsets when the first
// group comes, and wakes shards when time is up.
//
//   GroupCoordinator groups({...});
//   groups.Start();                                      // Loads what there is, on the pool.
//   groups.Join("shop", request, [](JoinAnswer a) {});   // Any thread; the answer comes on any thread.
//   groups.Stop();                                       // Whoever waits is told NOT_COORDINATOR.
//
// Threads: every method from any thread; none blocks but EnsureTopic(), Start() and Stop(). One thread of its
// own sleeps until the next deadline.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/config/broker_config.h"
#include "broker/group/catalog_topics.h"
#include "broker/group/group_configs.h"
#include "broker/group/group_shard.h"
#include "broker/topic/catalog.h"
#include "proto/base/clock.h"
#include "proto/base/logger.h"
#include "proto/base/random.h"
#include "storage/disk/executor.h"
#include "storage/meta/metadata_store.h"

namespace sluice::broker {

class GroupCoordinator {
 public:
  struct Parts {
    Catalog& catalog;
    storage::MetadataStore& metadata;
    const BrokerConfig& config;
    storage::Executor& pool;
    Clock& clock;
    Logger* logger = nullptr;  // Null: says nothing.
    bool has_thread = true;    // False: a test calls OnTime() itself.
  };
  // Everything must outlive it, and the pool's tasks must be done before it goes.
  explicit GroupCoordinator(Parts parts);
  ~GroupCoordinator();

  absl::Status Start();
  void Stop();

  // Makes __consumer_offsets if there is none. Blocks. Not ok: what to tell the client.
  TopicError EnsureTopic();

  // The shard of a group; null while __consumer_offsets does not exist: then there are no groups.
  std::shared_ptr<GroupShard> ShardOf(absl::string_view group_id) const;
  std::vector<std::shared_ptr<GroupShard>> Shards() const;

  // `client_id` or the instance id, and what makes it unique.
  std::string NewMemberId(absl::string_view prefix);
  // The same for members of the consumer protocol, whose ids are nothing but unique.
  std::string NewConsumerId();
  GroupConfigs& configs() { return configs_; }
  const ConsumerLimits& consumer_limits() const { return consumer_limits_; }

  void OnTopicDeleted(const std::string& topic);
  // What is due; returns when to come again, on the monotonic clock.
  int64_t OnTime();

 private:
  void Adopt(const TopicPtr& topic);
  GroupShard::Parts ShardParts(std::shared_ptr<Partition> partition);
  void RunThread();
  void Wake(int64_t deadline_ms);
  int64_t NowMs() const { return absl::ToInt64Milliseconds(parts_.clock.Monotonic()); }

  const Parts parts_;
  const CatalogTopics topics_;
  const ConsumerLimits consumer_limits_;
  GroupConfigs configs_;
  absl::Mutex create_mu_;  // Held while the topic is made.

  mutable absl::Mutex mu_;
  std::vector<std::shared_ptr<GroupShard>> shards_
      ABSL_GUARDED_BY(mu_);  // By partition. Shared with answers.

  absl::Mutex random_mu_;
  Random random_ ABSL_GUARDED_BY(random_mu_) = Random::FromSystem();

  absl::Mutex timer_mu_;
  int64_t wake_ms_ ABSL_GUARDED_BY(timer_mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(timer_mu_) = false;
  int64_t next_expiry_ms_ ABSL_GUARDED_BY(timer_mu_) = 0;
  std::thread thread_;
};

}  // namespace sluice::broker
