// A change that names one thing twice is ambiguous: Kafka refuses both.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace sluice::broker {

// How often each (type, name) stands in a request of AlterConfigs or IncrementalAlterConfigs.
class ResourceCounts {
 public:
  template <class Resources>
  explicit ResourceCounts(const Resources& resources) {
    for (const auto& resource : resources) {
      ++counts_[{resource.resource_type, resource.resource_name}];
    }
  }
  template <class Resource>
  bool IsDuplicate(const Resource& resource) const {
    return counts_.at({resource.resource_type, resource.resource_name}) > 1;
  }

 private:
  absl::flat_hash_map<std::pair<int8_t, std::string>, int> counts_;
};

}  // namespace sluice::broker
