#include "storage/meta/memory_metadata_store.h"

#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/check.h"

namespace sluice::storage {
namespace {

class MemoryBackend final : public MetadataBackend {
 public:
  absl::StatusOr<int64_t> ReadRevision() override { return 0; }
  absl::StatusOr<std::vector<std::string>> LeasedKeys() override { return std::vector<std::string>(); }

  absl::StatusOr<std::optional<MetadataValue>> Get(absl::string_view key) override {
    absl::MutexLock lock(&mu_);
    const auto found = values_.find(std::string(key));
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  }

  absl::StatusOr<std::vector<MetadataValue>> Range(absl::string_view prefix) override {
    absl::MutexLock lock(&mu_);
    std::vector<MetadataValue> values;
    for (auto it = values_.lower_bound(std::string(prefix));
         it != values_.end() && absl::StartsWith(it->first, prefix); ++it) {
      values.push_back(it->second);
    }
    return values;
  }

  absl::Status Apply(int64_t revision, const std::vector<MetadataTransaction::Write>& writes) override {
    absl::MutexLock lock(&mu_);
    for (const MetadataTransaction::Write& write : writes) {
      if (write.value) {
        values_[write.key] = {.key = write.key, .value = *write.value, .revision = revision};
      } else {
        values_.erase(write.key);
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Mutex mu_;
  std::map<std::string, MetadataValue> values_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<LocalMetadataStore> NewMemoryMetadataStore(const LocalMetadataOptions& options) {
  auto store = LocalMetadataStore::Open(std::make_unique<MemoryBackend>(), options);
  CHECK_OK(store.status());
  return *std::move(store);
}

}  // namespace sluice::storage
