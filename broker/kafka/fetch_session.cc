#include "broker/kafka/fetch_session.h"

#include <limits>
#include <utility>

#include "proto/base/check.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using kafka::FetchRequest;
using kafka::FetchResponse;
using Answer = FetchResponse::PartitionData;

constexpr int16_t kTopicIdsFrom = 13;
constexpr int64_t kNothingTold = -1;

bool HasRecords(const Answer& answer) {
  return answer.records.has_value() && answer.records->external_size > 0;
}

bool Diverges(const Answer& answer) {
  return answer.diverging_epoch.end_offset >= 0;
}

bool IsSameTopic(const auto& topic, const Uuid& id, const std::string& name) {
  return topic.topic_id == id && topic.topic == name;
}

// Calls each(i, topic, answer) for the partitions of a response, counted through.
template <class Each>
void ForEachAnswer(auto& response, Each each) {
  size_t i = 0;
  for (auto& topic : response.responses) {
    for (auto& answer : topic.partitions) {
      each(i++, topic, answer);
    }
  }
}

}  // namespace

int32_t NextSessionEpoch(int32_t epoch) {
  return epoch == std::numeric_limits<int32_t>::max() ? kFirstSessionEpoch : epoch + 1;
}

FetchSession::~FetchSession() {
  std::vector<Registration> ended;
  {
    absl::MutexLock lock(&mu_);
    while (!entries_.empty()) {
      ended.push_back(Forget(entries_.begin()));
    }
  }
  End(ended);
}

void FetchSession::End(const std::vector<Registration>& registrations) {
  for (const Registration& registration : registrations) {
    if (registration.partition != nullptr) {
      registration.partition->RemoveWaiter(registration.watch.get());
    }
  }
}

FetchSession::Size FetchSession::size() const {
  absl::MutexLock lock(&mu_);
  return {.partitions = entries_.size(), .bytes = bytes_};
}

FetchSession::Key FetchSession::KeyOf(const std::string& topic, const Uuid& topic_id,
                                      int32_t partition) const {
  return naming_ == Naming::kById ? Key{.topic_id = topic_id, .topic = {}, .partition = partition}
                                  : Key{.topic_id = {}, .topic = topic, .partition = partition};
}

FetchSession::Entry& FetchSession::Keep(Key key, const FetchRequest::FetchPartition& asked) {
  const auto [found, is_new] = entries_.try_emplace(std::move(key));
  Entry& entry = found->second;
  if (is_new) {
    entry.key = &found->first;
    entry.place = next_place_++;
    bytes_ += kPartitionBytes + entry.key->topic.size();
  }
  entry.asked = asked;
  SetDue(entry);
  return entry;
}

FetchSession::Registration FetchSession::Forget(Entries::iterator found) {
  Entry& entry = found->second;
  SetAtRest(entry);
  if (entry.watch != nullptr) {
    moves_->Forget(*entry.watch);
  }
  Registration registration{.watch = std::move(entry.watch), .partition = entry.partition.lock()};
  bytes_ -= kPartitionBytes + entry.key->topic.size();
  entries_.erase(found);
  return registration;
}

void FetchSession::SetDue(Entry& entry) {
  if (!std::exchange(entry.due, true)) {
    due_.emplace(entry.place, &entry);
  }
}

void FetchSession::SetAtRest(Entry& entry) {
  if (std::exchange(entry.due, false)) {
    due_.erase(entry.place);
  }
}

void FetchSession::MoveToEnd(Entry& entry) {
  const bool due = entry.due;
  SetAtRest(entry);
  entry.place = next_place_++;
  if (due) {
    SetDue(entry);
  }
}

bool FetchSession::IsLatest(int32_t epoch) const {
  return next_epoch_ == NextSessionEpoch(epoch);
}

void FetchSession::Open(const FetchRequest& request, const FetchResponse& response) {
  absl::MutexLock lock(&mu_);
  isolation_level_ = request.isolation_level;
  entries_.reserve(request.topics.size());
  for (size_t t = 0; t < request.topics.size(); ++t) {
    const FetchRequest::FetchTopic& topic = request.topics[t];
    for (size_t p = 0; p < topic.partitions.size(); ++p) {
      const Answer& answer = response.responses[t].partitions[p];
      Entry& entry =
          Keep(KeyOf(topic.topic, topic.topic_id, topic.partitions[p].partition), topic.partitions[p]);
      entry.told_high_watermark = answer.high_watermark;
      entry.told_log_start = answer.log_start_offset;
    }
  }
}

void FetchSession::TakeOver(const FetchRequest& request) {
  for (const FetchRequest::FetchTopic& topic : request.topics) {
    for (const FetchRequest::FetchPartition& asked : topic.partitions) {
      Keep(KeyOf(topic.topic, topic.topic_id, asked.partition), asked);
    }
  }
}

std::vector<FetchSession::Registration> FetchSession::ForgetAsAsked(const FetchRequest& request) {
  std::vector<Registration> ended;
  for (const FetchRequest::ForgottenTopic& topic : request.forgotten_topics_data) {
    for (const int32_t partition : topic.partitions) {
      const auto found = entries_.find(KeyOf(topic.topic, topic.topic_id, partition));
      if (found != entries_.end()) {
        ended.push_back(Forget(found));
      }
    }
  }
  return ended;
}

ErrorCode FetchSession::Begin(const FetchRequest& request, int16_t version) {
  std::vector<Registration> ended;
  {
    absl::MutexLock lock(&mu_);
    if (request.session_epoch != next_epoch_) {
      return ErrorCode::kInvalidFetchSessionEpoch;
    }
    if ((version >= kTopicIdsFrom) != (naming_ == Naming::kById)) {
      return ErrorCode::kFetchSessionTopicIdError;
    }
    next_epoch_ = NextSessionEpoch(next_epoch_);
    collected_.clear();
    moves_->Ring();  // The request before this one, should it still wait, has nothing to wait for.
    TakeOver(request);
    ended = ForgetAsAsked(request);
    const bool new_version = std::exchange(version_, version) != version;
    const bool new_isolation =
        std::exchange(isolation_level_, request.isolation_level) != request.isolation_level;
    if (new_version || new_isolation) {
      for (auto& [key, entry] : entries_) {
        SetDue(entry);
      }
    }
  }
  End(ended);
  return ErrorCode::kNone;
}

std::optional<FetchRequest> FetchSession::Collect(int32_t epoch, const FetchRequest& request) {
  FetchRequest due;
  due.replica_id = request.replica_id;
  due.replica_state = request.replica_state;
  due.max_wait_ms = request.max_wait_ms;
  due.min_bytes = request.min_bytes;
  due.max_bytes = request.max_bytes;
  due.isolation_level = request.isolation_level;
  absl::MutexLock lock(&mu_);
  if (!IsLatest(epoch)) {
    return std::nullopt;
  }
  any_stale_ = false;
  for (Entry* const moved : moves_->Take()) {
    SetDue(*moved);
  }
  collected_.clear();
  for (auto& [place, entry] : due_) {
    collected_.push_back({.entry = entry});
    const Key& key = *entry->key;
    if (due.topics.empty() || !IsSameTopic(due.topics.back(), key.topic_id, key.topic)) {
      auto& topic = due.topics.emplace_back();
      topic.topic = key.topic;
      topic.topic_id = key.topic_id;
    }
    due.topics.back().partitions.push_back(entry->asked);
  }
  return due;
}

// Outside the lock, for a partition may call back at once. Whatever came between the plan and the
// registration is not told, so each is looked at again. Returns which of plan.watched stood still.
std::vector<bool> FetchSession::Register(int32_t epoch, const FetchPlan& plan) {
  std::vector<std::shared_ptr<SessionMoves::Watch>> watches;
  watches.reserve(plan.watched.size());
  {
    absl::MutexLock lock(&mu_);
    if (!IsLatest(epoch)) {
      return {};
    }
    for (const FetchPlan::Watched& watched : plan.watched) {
      Entry* const entry = collected_[watched.answer_index].entry;
      if (entry->watch == nullptr) {
        entry->watch = std::make_shared<SessionMoves::Watch>(moves_, entry);
      }
      entry->partition = watched.partition;
      watches.push_back(entry->watch);
    }
  }
  std::vector<bool> stood_still;
  stood_still.reserve(watches.size());
  for (size_t i = 0; i < watches.size(); ++i) {
    plan.watched[i].partition->AddWaiter(std::move(watches[i]));
    stood_still.push_back(!IsStale(plan.watched[i]));
  }
  return stood_still;
}

void FetchSession::Settle(int32_t epoch, const FetchPlan& plan) {
  const std::vector<bool> stood_still = Register(epoch, plan);
  absl::MutexLock lock(&mu_);
  if (!IsLatest(epoch)) {
    return;
  }
  for (size_t i = 0; i < stood_still.size(); ++i) {
    Collected& collected = collected_[plan.watched[i].answer_index];
    any_stale_ |= !stood_still[i];
    collected.can_rest = stood_still[i] && plan.watched[i].at_end;
  }
  ForEachAnswer(plan.response, [this](size_t i, const auto&, const Answer& answer) {
    mu_.AssertHeld();
    const Collected& collected = collected_[i];
    if (collected.can_rest && !HasNews(*collected.entry, answer)) {
      SetAtRest(*collected.entry);
    }
  });
}

bool FetchSession::any_at_rest() const {
  absl::MutexLock lock(&mu_);
  return due_.size() < entries_.size();
}

bool FetchSession::Arm(int32_t epoch, absl::AnyInvocable<void()> bell) {
  absl::MutexLock lock(&mu_);  // A later request rings under it.
  return any_stale_ || !IsLatest(epoch) || !moves_->Arm(std::move(bell));
}

// What is told counts as told, even if the connection breaks before it arrives: then the consumer opens a new
// session.
ErrorCode FetchSession::Finish(int32_t epoch, FetchResponse* response) {
  absl::MutexLock lock(&mu_);
  response->session_id = id_;
  if (!IsLatest(epoch)) {
    response->responses.clear();
    return ErrorCode::kInvalidFetchSessionEpoch;
  }
  moves_->Disarm();
  std::vector<FetchResponse::FetchableTopicResponse> told;
  ForEachAnswer(*response, [&](size_t i, const auto& topic, Answer& answer) {
    mu_.AssertHeld();
    Entry& entry = *collected_[i].entry;
    const bool is_news = HasNews(entry, answer);
    entry.told_high_watermark = answer.error_code == 0 ? answer.high_watermark : kNothingTold;
    entry.told_log_start = answer.log_start_offset;
    if (HasRecords(answer)) {
      MoveToEnd(entry);
    } else if (collected_[i].can_rest && answer.error_code == 0 && !Diverges(answer)) {
      SetAtRest(entry);
    }
    if (is_news) {
      if (told.empty() || !IsSameTopic(told.back(), topic.topic_id, topic.topic)) {
        auto& same = told.emplace_back();
        same.topic = topic.topic;
        same.topic_id = topic.topic_id;
      }
      told.back().partitions.push_back(std::move(answer));
    }
  });
  response->responses = std::move(told);
  return ErrorCode::kNone;
}

bool FetchSession::HasNews(const Entry& entry, const Answer& answer) {
  return HasRecords(answer) || answer.error_code != 0 || Diverges(answer) ||
         answer.high_watermark != entry.told_high_watermark ||
         answer.log_start_offset != entry.told_log_start;
}

}  // namespace sluice::broker
