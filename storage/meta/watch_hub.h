// Tells listeners of committed changes, in order, from a thread of its own: a commit never waits for a
// listener, and a listener may commit.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "storage/meta/metadata_store.h"

namespace sluice::storage {

// Thread-safe. Handles must be destroyed before it.
class WatchHub {
 public:
  using Listener = absl::AnyInvocable<void(const MetadataStore::Event&)>;

  WatchHub();
  ~WatchHub();

  std::unique_ptr<MetadataStore::WatchHandle> Add(absl::string_view prefix, Listener listener);
  // The caller orders its calls. Watches added later do not see these events.
  void Publish(std::vector<MetadataStore::Event> events);
  // Returns when the listeners are less than a limit behind, so that the queue is bounded; at once on the
  // listeners' own thread. Call it without locks that a listener may need.
  void WaitForRoom();

 private:
  struct Watch {
    std::string prefix;
    Listener listener;
    int64_t from_sequence = 0;
  };
  struct Queued {
    MetadataStore::Event event;
    int64_t sequence = 0;
  };
  class Handle;

  void Remove(int64_t id);
  void Run();
  void Deliver(const Queued& queued) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_ || !queue_.empty(); }

  absl::Mutex mu_;
  int64_t last_id_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t next_sequence_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t running_id_ ABSL_GUARDED_BY(mu_) = 0;  // Whose listener is being called; 0: none.
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<Queued> queue_ ABSL_GUARDED_BY(mu_);
  // Shared with the dispatching thread while it calls the listener: a listener may remove its own watch.
  std::map<int64_t, std::shared_ptr<Watch>> watches_ ABSL_GUARDED_BY(mu_);
  std::thread dispatcher_;  // Set at construction.
};

}  // namespace sluice::storage
