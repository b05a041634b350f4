#include "storage/meta/local_metadata_store.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace sluice::storage {
namespace {

constexpr size_t kTransactionBytesMax = 1 << 20;

absl::Status CheckShape(const MetadataTransaction& transaction) {
  size_t size = 0;
  absl::flat_hash_set<absl::string_view> keys;
  for (const MetadataTransaction::Write& write : transaction.writes) {
    if (write.key.empty()) {
      return absl::InvalidArgumentError("metadata commit: a write has an empty key");
    }
    if (!keys.insert(write.key).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("metadata commit: it writes the key \"", absl::CEscape(write.key), "\" twice"));
    }
    size += write.key.size() + (write.value ? write.value->size() : 0);
  }
  if (size > kTransactionBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("metadata commit: its keys and values are ", size,
                                                   " bytes, the limit is ", kTransactionBytesMax,
                                                   ": split it, or store less"));
  }
  return absl::OkStatus();
}

absl::Status LeaseEnded(int64_t lease) {
  return absl::NotFoundError(absl::StrCat("metadata lease ", lease,
                                          " has ended: it was not renewed in time, was revoked, or is of "
                                          "an earlier run; ask for a new one"));
}

std::string DescribeRevision(int64_t revision) {
  return revision == 0 ? std::string("is not there") : absl::StrCat("has revision ", revision);
}

}  // namespace

LocalMetadataStore::LocalMetadataStore(std::unique_ptr<MetadataBackend> backend,
                                       const LocalMetadataOptions& options)
    : backend_(std::move(backend)), clock_(options.clock) {}

absl::StatusOr<std::unique_ptr<LocalMetadataStore>> LocalMetadataStore::Open(
    std::unique_ptr<MetadataBackend> backend, const LocalMetadataOptions& options) {
  auto store = std::unique_ptr<LocalMetadataStore>(new LocalMetadataStore(std::move(backend), options));
  {
    absl::MutexLock lock(&store->mu_);
    ASSIGN_OR_RETURN(store->revision_, store->backend_->ReadRevision());
    ASSIGN_OR_RETURN(const std::vector<std::string> orphans, store->backend_->LeasedKeys());
    RETURN_IF_ERROR(store->DeleteKeys(orphans));
  }
  if (options.lease_check_interval > absl::ZeroDuration()) {
    store->lease_timer_ =
        std::thread(&LocalMetadataStore::RunLeaseTimer, store.get(), options.lease_check_interval);
  }
  return store;
}

LocalMetadataStore::~LocalMetadataStore() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (lease_timer_.joinable()) {
    lease_timer_.join();
  }
}

absl::StatusOr<std::optional<MetadataValue>> LocalMetadataStore::Get(absl::string_view key) {
  return backend_->Get(key);
}

absl::StatusOr<std::vector<MetadataValue>> LocalMetadataStore::Range(absl::string_view prefix) {
  return backend_->Range(prefix);
}

std::unique_ptr<MetadataStore::WatchHandle> LocalMetadataStore::Watch(
    absl::string_view prefix, absl::AnyInvocable<void(const Event&)> listener) {
  return hub_.Add(prefix, std::move(listener));
}

absl::StatusOr<int64_t> LocalMetadataStore::Commit(const MetadataTransaction& transaction) {
  RETURN_IF_ERROR(CheckShape(transaction));
  hub_.WaitForRoom();
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(CheckConditions(transaction));
  RETURN_IF_ERROR(CheckLeases(transaction));
  return transaction.writes.empty() ? absl::StatusOr<int64_t>(revision_) : Apply(transaction.writes);
}

absl::Status LocalMetadataStore::CheckConditions(const MetadataTransaction& transaction) {
  for (const MetadataTransaction::Condition& condition : transaction.conditions) {
    ASSIGN_OR_RETURN(const std::optional<MetadataValue> found, backend_->Get(condition.key));
    const int64_t revision = found ? found->revision : 0;
    if (revision != condition.revision) {
      return absl::FailedPreconditionError(
          absl::StrCat("metadata commit: the key \"", absl::CEscape(condition.key), "\" ",
                       DescribeRevision(revision), ", the commit expects that it ",
                       DescribeRevision(condition.revision), ": it was changed meanwhile, read it again"));
    }
  }
  return absl::OkStatus();
}

absl::Status LocalMetadataStore::CheckLeases(const MetadataTransaction& transaction) {
  const absl::Duration now = clock_.Monotonic();
  for (const MetadataTransaction::Write& write : transaction.writes) {
    if (write.value && write.lease != 0 && !leases_.IsLive(write.lease, now)) {
      return LeaseEnded(write.lease);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> LocalMetadataStore::Apply(const std::vector<MetadataTransaction::Write>& writes) {
  RETURN_IF_ERROR(failed_);
  const int64_t revision = revision_ + 1;
  ASSIGN_OR_RETURN(std::vector<Event> events, EventsOf(writes, revision));
  if (const absl::Status applied = backend_->Apply(revision, writes); !applied.ok()) {
    if (!absl::IsResourceExhausted(applied)) {
      failed_ = WithContext(applied, "a write failed and may or may not be on the disk; restart to go on");
    }
    return applied;
  }
  revision_ = revision;
  for (const MetadataTransaction::Write& write : writes) {
    leases_.Attach(write.key, write.value ? write.lease : 0);
  }
  hub_.Publish(std::move(events));
  return revision;
}

// Before the commit, for only then it can be told whether a deleted key was there.
absl::StatusOr<std::vector<MetadataStore::Event>> LocalMetadataStore::EventsOf(
    const std::vector<MetadataTransaction::Write>& writes, int64_t revision) {
  std::vector<Event> events;
  for (const MetadataTransaction::Write& write : writes) {
    if (write.value) {
      events.push_back({.value = {.key = write.key, .value = *write.value, .revision = revision}});
      continue;
    }
    ASSIGN_OR_RETURN(const std::optional<MetadataValue> found, backend_->Get(write.key));
    if (found) {
      events.push_back({.value = {.key = write.key, .value = "", .revision = revision}, .deleted = true});
    }
  }
  return events;
}

absl::Status LocalMetadataStore::DeleteKeys(const std::vector<std::string>& keys) {
  std::vector<MetadataTransaction::Write> writes;
  for (const std::string& key : keys) {
    writes.push_back({.key = key});
  }
  return writes.empty() ? absl::OkStatus() : Apply(writes).status();
}

absl::StatusOr<int64_t> LocalMetadataStore::GrantLease(absl::Duration time_to_live) {
  if (time_to_live <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(absl::StrCat("metadata lease: a time to live of ",
                                                   absl::FormatDuration(time_to_live),
                                                   " is over before it begins; give a positive one"));
  }
  absl::MutexLock lock(&mu_);
  return leases_.Grant(time_to_live, clock_.Monotonic());
}

absl::Status LocalMetadataStore::RenewLease(int64_t lease) {
  absl::MutexLock lock(&mu_);
  return leases_.Renew(lease, clock_.Monotonic()) ? absl::OkStatus() : LeaseEnded(lease);
}

absl::Status LocalMetadataStore::RevokeLease(int64_t lease) {
  hub_.WaitForRoom();
  absl::MutexLock lock(&mu_);
  return leases_.Has(lease) ? EndLease(lease) : LeaseEnded(lease);
}

absl::Status LocalMetadataStore::EndLease(int64_t lease) {
  RETURN_IF_ERROR(DeleteKeys(leases_.KeysOf(lease)));
  leases_.Remove(lease);
  return absl::OkStatus();
}

absl::Status LocalMetadataStore::ExpireLeases() {
  absl::MutexLock lock(&mu_);
  absl::Status first_error;
  for (const int64_t lease : leases_.Expired(clock_.Monotonic())) {
    first_error.Update(EndLease(lease));
  }
  return first_error;
}

void LocalMetadataStore::RunLeaseTimer(absl::Duration interval) {
  absl::MutexLock lock(&mu_);
  while (!mu_.AwaitWithTimeout(absl::Condition(&stopping_), interval)) {
    mu_.Unlock();
    ExpireLeases().IgnoreError();  // A disk that refuses tells every Commit so too.
    mu_.Lock();
  }
}

}  // namespace sluice::storage
