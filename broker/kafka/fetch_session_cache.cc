#include "broker/kafka/fetch_session_cache.h"

#include <limits>

#include "proto/base/check.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;

constexpr int32_t kNoSession = 0;
constexpr int16_t kTopicIdsFrom = 13;

size_t CountPartitions(const kafka::FetchRequest& request) {
  size_t count = 0;
  for (const auto& topic : request.topics) {
    count += topic.partitions.size();
  }
  return count;
}

}  // namespace

std::shared_ptr<FetchSession> FetchSessionCache::Find(int32_t id) const {
  absl::MutexLock lock(&mu_);
  const auto found = slots_.find(id);
  return found == slots_.end() ? nullptr : found->second.session;
}

// A session ends outside the lock: it takes leave of each of its partitions.
void FetchSessionCache::Close(int32_t id) {
  std::shared_ptr<FetchSession> closed;
  absl::MutexLock lock(&mu_);
  closed = Remove(id);
}

FetchSessionCache::Resumed FetchSessionCache::Resume(const kafka::FetchRequest& request, int16_t version) {
  std::shared_ptr<FetchSession> session = Find(request.session_id);
  if (session == nullptr) {
    return {.error = ErrorCode::kFetchSessionIdNotFound};
  }
  if (const ErrorCode error = session->Begin(request, version); error != ErrorCode::kNone) {
    return {.error = error};
  }
  const FetchSession::Size size = session->size();
  if (size.partitions == 0) {
    Close(session->id());
    return {};
  }
  if (!Touch(session->id(), size)) {
    return {.error = ErrorCode::kFetchSessionIdNotFound};
  }
  return {.session = std::move(session)};
}

// It was used now, and is so large. False: it is gone, or its bytes were too many.
bool FetchSessionCache::Touch(int32_t id, const FetchSession::Size& size) {
  std::shared_ptr<FetchSession> outgrown;
  absl::MutexLock lock(&mu_);
  const auto found = slots_.find(id);
  if (found == slots_.end()) {
    return false;
  }
  Slot& slot = found->second;
  Delist(id, slot);
  slot.size = size;
  slot.last_used = clock_.Monotonic();
  Enlist(id, slot);
  if (stats_.bytes > limits_.bytes_max) {
    outgrown = Remove(id);
    ++stats_.evictions;
    return false;
  }
  return true;
}

int32_t FetchSessionCache::Open(const kafka::FetchRequest& request, const kafka::FetchResponse& response,
                                int16_t version, Rank rank) {
  if (!HasRoom(rank, CountPartitions(request))) {
    return kNoSession;
  }
  int32_t id;
  {
    absl::MutexLock lock(&mu_);
    id = NewId();
  }
  // Filled outside the lock, and then looked whether the room is there still.
  auto session = std::make_shared<FetchSession>(
      id, version >= kTopicIdsFrom ? FetchSession::Naming::kById : FetchSession::Naming::kByName);
  session->Open(request, response);
  const FetchSession::Size size = session->size();
  const absl::Duration now = clock_.Monotonic();
  std::shared_ptr<FetchSession> replaced;
  absl::MutexLock lock(&mu_);
  if (slots_.contains(id) || stats_.bytes + size.bytes > limits_.bytes_max) {
    return kNoSession;
  }
  if (slots_.size() >= limits_.slots) {
    const Slot* const evictable = FindEvictable(rank, size.partitions, now);
    if (evictable == nullptr) {
      return kNoSession;
    }
    replaced = Remove(evictable->session->id());
    ++stats_.evictions;
  }
  Slot& slot = slots_[id];
  slot = {.session = std::move(session), .rank = rank, .opened = now, .last_used = now, .size = size};
  Enlist(id, slot);
  return id;
}

bool FetchSessionCache::HasRoom(Rank rank, size_t partitions) const {
  absl::MutexLock lock(&mu_);
  return slots_.size() < limits_.slots || FindEvictable(rank, partitions, clock_.Monotonic()) != nullptr;
}

const FetchSessionCache::Slot* FetchSessionCache::FindEvictable(Rank rank, size_t partitions,
                                                                absl::Duration now) const {
  if (by_last_use_.empty()) {
    return nullptr;
  }
  const auto& [last_used, idle] = *by_last_use_.begin();
  if (now - last_used > limits_.idle_max) {
    return &slots_.at(idle);
  }
  const auto& evictable = rank == Rank::kFollower ? for_followers_ : for_consumers_;
  // Of two of the same size the one that is there stays.
  const Value newcomer(rank == Rank::kFollower, partitions, kNoSession);
  return evictable.empty() || newcomer < *evictable.begin() ? nullptr
                                                            : &slots_.at(std::get<2>(*evictable.begin()));
}

std::shared_ptr<FetchSession> FetchSessionCache::Remove(int32_t id) {
  const auto found = slots_.find(id);
  if (found == slots_.end()) {
    return nullptr;
  }
  Delist(id, found->second);
  std::shared_ptr<FetchSession> removed = std::move(found->second.session);
  slots_.erase(found);
  return removed;
}

void FetchSessionCache::Enlist(int32_t id, Slot& slot) {
  const bool is_old = slot.last_used - slot.opened > limits_.idle_max;
  by_last_use_.emplace(slot.last_used, id);
  if (is_old || slot.rank == Rank::kConsumer) {
    for_followers_.insert(ValueOf(id, slot));
  }
  if (is_old) {
    for_consumers_.insert(ValueOf(id, slot));
  }
  ++stats_.sessions;
  stats_.partitions += slot.size.partitions;
  stats_.bytes += slot.size.bytes;
}

void FetchSessionCache::Delist(int32_t id, const Slot& slot) {
  by_last_use_.erase({slot.last_used, id});
  for_followers_.erase(ValueOf(id, slot));
  for_consumers_.erase(ValueOf(id, slot));
  --stats_.sessions;
  stats_.partitions -= slot.size.partitions;
  stats_.bytes -= slot.size.bytes;
}

// Positive, and hard to guess: a session belongs to whoever knows its id.
int32_t FetchSessionCache::NewId() {
  while (true) {
    const auto id = static_cast<int32_t>(1 + random_.Below(std::numeric_limits<int32_t>::max()));
    if (!slots_.contains(id)) {
      return id;
    }
  }
}

FetchSessionCache::Stats FetchSessionCache::stats() const {
  absl::MutexLock lock(&mu_);
  return stats_;
}

}  // namespace sluice::broker
