// A MetadataStore inside this process: revisions, conditions, leases and watches over a backend that only
// stores. Made by OpenRocksMetadataStore (rocks_metadata_store.h) or, for tests, NewMemoryMetadataStore.
//
// Leases live as long as the process: all their holders do too, so opening the store ends those of an earlier
// run. They expire when ExpireLeases() is called, by a thread of the store or by a test.
#pragma once

#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/clock.h"
#include "storage/meta/lease_table.h"
#include "storage/meta/metadata_backend.h"
#include "storage/meta/metadata_store.h"
#include "storage/meta/watch_hub.h"

namespace sluice::storage {

struct LocalMetadataOptions {
  Clock& clock = Clock::System();
  // How often a thread looks for expired leases. Zero: there is no thread, call ExpireLeases().
  absl::Duration lease_check_interval = absl::Seconds(1);
};

class LocalMetadataStore final : public MetadataStore {
 public:
  static absl::StatusOr<std::unique_ptr<LocalMetadataStore>> Open(std::unique_ptr<MetadataBackend> backend,
                                                                  const LocalMetadataOptions& options);
  ~LocalMetadataStore() override;

  absl::StatusOr<std::optional<MetadataValue>> Get(absl::string_view key) override;
  absl::StatusOr<std::vector<MetadataValue>> Range(absl::string_view prefix) override;
  absl::StatusOr<int64_t> Commit(const MetadataTransaction& transaction) override;
  std::unique_ptr<WatchHandle> Watch(absl::string_view prefix,
                                     absl::AnyInvocable<void(const Event&)> listener) override;
  absl::StatusOr<int64_t> GrantLease(absl::Duration time_to_live) override;
  absl::Status RenewLease(int64_t lease) override;
  absl::Status RevokeLease(int64_t lease) override;

  // Deletes the keys of leases whose time is over. One that fails is tried again by the next call.
  absl::Status ExpireLeases();

 private:
  LocalMetadataStore(std::unique_ptr<MetadataBackend> backend, const LocalMetadataOptions& options);

  absl::Status CheckConditions(const MetadataTransaction& transaction) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status CheckLeases(const MetadataTransaction& transaction) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Stores, then tells leases and watches.
  absl::StatusOr<int64_t> Apply(const std::vector<MetadataTransaction::Write>& writes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::vector<Event>> EventsOf(const std::vector<MetadataTransaction::Write>& writes,
                                              int64_t revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status DeleteKeys(const std::vector<std::string>& keys) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status EndLease(int64_t lease) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RunLeaseTimer(absl::Duration interval);

  // Set at construction.
  const std::unique_ptr<MetadataBackend> backend_;
  Clock& clock_;
  WatchHub hub_;

  absl::Mutex mu_;  // Held for a whole commit, its sync included: commits have an order. Reads do without.
  int64_t revision_ ABSL_GUARDED_BY(mu_) = 0;
  LeaseTable leases_ ABSL_GUARDED_BY(mu_);
  absl::Status failed_ ABSL_GUARDED_BY(mu_);  // A write of unknown outcome: nothing may follow it.
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread lease_timer_;  // Set in Open; joined by the destructor.
};

}  // namespace sluice::storage
