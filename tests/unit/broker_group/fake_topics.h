// Topics that a test makes, grows and deletes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "broker/group/core/consumer/partitions.h"
#include "broker/group/core/consumer/topic_view.h"

namespace sluice::broker {

class FakeTopics final : public TopicView {
 public:
  // One that is made anew has a new id.
  void Make(const std::string& name, int32_t partitions) {
    TopicShape& shape = by_name_[name];
    if (shape.partitions == 0) {
      shape.id.bytes[15] = ++last_id_;
      names_[shape.id] = name;
    }
    shape.partitions = partitions;
    ++version_;
  }
  void Delete(const std::string& name) {
    by_name_.erase(name);
    ++version_;
  }

  int64_t version() const override { return version_; }
  std::optional<TopicShape> Find(const std::string& name) const override {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<std::string> NameOf(const Uuid& id) const override {
    const auto found = names_.find(id);
    return found == names_.end() || !by_name_.contains(found->second) || by_name_.at(found->second).id != id
               ? std::nullopt
               : std::optional(found->second);
  }
  std::vector<std::string> Names() const override {
    std::vector<std::string> names;
    for (const auto& [name, shape] : by_name_) {
      names.push_back(name);
    }
    return names;
  }
  // Of topics that are gone, too.
  const std::string& OldNameOf(const Uuid& id) const { return names_.at(id); }
  TopicIdPartition At(const std::string& name, int32_t partition) const {
    return {by_name_.at(name).id, PartitionId(partition)};
  }
  const std::map<std::string, TopicShape>& all() const { return by_name_; }

 private:
  std::map<std::string, TopicShape> by_name_;
  std::map<Uuid, std::string> names_;
  uint8_t last_id_ = 0;
  int64_t version_ = 0;
};

}  // namespace sluice::broker
