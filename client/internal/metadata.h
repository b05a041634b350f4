// What the client knows of the cluster: brokers, and for the topics that somebody watches their partitions
// and leaders. Asked again when an error says that it is stale, and at least every metadata_max_age. Loop
// thread only.
#pragma once

#include <asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/internal/address.h"
#include "client/internal/io_loop.h"
#include "proto/base/uuid.h"
#include "proto/kafka/gen/metadata.h"

namespace sluice::client_internal {

class Core;

struct PartitionInfo {
  int32_t leader = -1;
  int32_t leader_epoch = -1;
  int16_t error_code = 0;
};

struct TopicInfo {
  std::string name;
  Uuid id;                 // Zero when the broker has none.
  int16_t error_code = 0;  // Then there are no partitions.
  bool internal = false;
  std::vector<PartitionInfo> partitions;
  int unknown_in_a_row = 0;  // Refreshes that said UNKNOWN_TOPIC_OR_PARTITION since one that did not.
};

struct BrokerInfo {
  Address address;
  std::string rack;
};

class Metadata {
 public:
  using Done = absl::AnyInvocable<void(const absl::Status&)>;
  using ListenerId = int;

  Metadata(Core& core, asio::io_context& context);

  // From the next refresh on the topic is asked for. With `create` the broker may create it.
  void Watch(const std::string& topic, bool create);
  // And so are all topics of the cluster, for those who choose by a pattern.
  void WatchAll() { watches_all_ = true; }

  // Asks now, or as soon as the question under way is answered; `done` runs when an answer covers what is
  // watched at this moment, or could not be had.
  void Refresh(Done done);
  // Asks soon: not more often than each retry interval, however many errors come in.
  void RefreshSoon();

  const TopicInfo* FindTopic(absl::string_view name) const;
  template <class Visit>
  void ForEachTopic(Visit visit) const {
    for (const auto& [name, topic] : topics_) {
      visit(topic);
    }
  }
  const std::map<int32_t, BrokerInfo>& brokers() const { return brokers_; }
  std::optional<Address> AddressOf(int32_t node) const;
  int32_t controller_id() const { return controller_id_; }
  const std::string& cluster_id() const { return cluster_id_; }
  // NotFound, Unavailable and so on: why records of the topic cannot be sent or fetched. OK when it is well
  // known.
  absl::Status TopicStatus(absl::string_view name) const;

  // `listener` runs after each refresh that succeeded.
  ListenerId AddListener(std::function<void()> listener);
  void RemoveListener(ListenerId id) { listeners_.erase(id); }

  void Stop();

 private:
  // A request has one flag that lets the broker create all topics it names. Those that may be created are
  // therefore asked for by themselves first: a typing error elsewhere shall not make a topic.
  void Start();
  std::vector<std::string> MissingThatMayBeCreated() const;
  void AskForAll();
  // Null: for all topics.
  void Ask(const std::vector<std::string>* names, bool create,
           std::function<void(absl::StatusOr<kafka::MetadataResponse>)> done);
  void OnAnswer(absl::StatusOr<kafka::MetadataResponse> response);
  void Apply(const kafka::MetadataResponse& response);
  void ApplyTopic(const kafka::MetadataResponse::MetadataResponseTopic& from);
  // What an answer about all topics does not mention does not exist.
  void ApplyMissing(const kafka::MetadataResponse& response);
  void ScheduleRefresh(absl::Duration in);

  Core& core_;
  asio::steady_timer timer_;
  absl::Duration timer_at_ = absl::InfiniteDuration();
  bool stopped_ = false;

  absl::flat_hash_map<std::string, bool> watched_;  // Value: create.
  bool watches_all_ = false;
  std::map<int32_t, BrokerInfo> brokers_;
  absl::flat_hash_map<std::string, TopicInfo> topics_;
  int32_t controller_id_ = -1;
  std::string cluster_id_;

  bool in_flight_ = false;
  std::vector<Done> waiting_;       // For the answer under way.
  std::vector<Done> waiting_next_;  // For the one after it.
  absl::Duration last_started_ = -absl::InfiniteDuration();
  int failures_ = 0;

  std::map<ListenerId, std::function<void()>> listeners_;
  ListenerId next_listener_ = 0;
};

}  // namespace sluice::client_internal
