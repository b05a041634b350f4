#include "broker/group/catalog_topics.h"

#include "broker/topic/topic_rules.h"

namespace sluice::broker {

std::optional<TopicShape> CatalogTopics::Find(const std::string& name) const {
  const TopicPtr topic = catalog_.Find(name);
  if (topic == nullptr) {
    return std::nullopt;
  }
  return TopicShape{.id = topic->id, .partitions = static_cast<int32_t>(topic->partitions.size())};
}

std::optional<std::string> CatalogTopics::NameOf(const Uuid& id) const {
  const TopicPtr topic = catalog_.FindById(id);
  return topic == nullptr ? std::nullopt : std::optional(topic->name);
}

// Kafka offers regular expressions its internal topics, too. A group that reads ".*" would then read the
// records of its own commits, commit that it has, and so on for ever.
std::vector<std::string> CatalogTopics::Names() const {
  std::vector<std::string> names;
  for (const TopicPtr& topic : catalog_.All()) {
    if (!IsInternalTopic(topic->name)) {
      names.push_back(topic->name);
    }
  }
  return names;
}

}  // namespace sluice::broker
