#include "broker/app/guarded_metadata_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

class GuardedMetadataStore final : public storage::MetadataStore {
 public:
  GuardedMetadataStore(std::unique_ptr<storage::MetadataStore> store,
                       absl::AnyInvocable<absl::Status() const> health)
      : store_(std::move(store)), health_(std::move(health)) {}

  absl::StatusOr<std::optional<storage::MetadataValue>> Get(absl::string_view key) override {
    return store_->Get(key);
  }
  absl::StatusOr<std::vector<storage::MetadataValue>> Range(absl::string_view prefix) override {
    return store_->Range(prefix);
  }
  absl::StatusOr<int64_t> Commit(const storage::MetadataTransaction& transaction) override {
    if (!transaction.writes.empty()) {
      RETURN_IF_ERROR(Check());
    }
    return store_->Commit(transaction);
  }
  std::unique_ptr<WatchHandle> Watch(absl::string_view prefix,
                                     absl::AnyInvocable<void(const Event&)> listener) override {
    return store_->Watch(prefix, std::move(listener));
  }
  absl::StatusOr<int64_t> GrantLease(absl::Duration time_to_live) override {
    RETURN_IF_ERROR(Check());
    return store_->GrantLease(time_to_live);
  }
  absl::Status RenewLease(int64_t lease) override { return store_->RenewLease(lease); }
  absl::Status RevokeLease(int64_t lease) override {
    RETURN_IF_ERROR(Check());
    return store_->RevokeLease(lease);
  }

 private:
  absl::Status Check() const {
    const absl::Status health = health_();
    return health.ok() ? health
                       : absl::InternalError(absl::StrCat(
                             "the broker's metadata cannot be changed, because the log dir that holds it is ",
                             "offline: ", health.message(), ". Check the disk, then start the broker again"));
  }

  const std::unique_ptr<storage::MetadataStore> store_;
  const absl::AnyInvocable<absl::Status() const> health_;
};

}  // namespace

std::unique_ptr<storage::MetadataStore> GuardMetadataStore(std::unique_ptr<storage::MetadataStore> store,
                                                           absl::AnyInvocable<absl::Status() const> health) {
  return std::make_unique<GuardedMetadataStore>(std::move(store), std::move(health));
}

}  // namespace sluice::broker
