// The broker's topics as groups see them.
#pragma once

#include "broker/group/core/consumer/topic_view.h"
#include "broker/topic/catalog.h"

namespace sluice::broker {

// The catalog must outlive it. Thread-safe, as the catalog is.
class CatalogTopics final : public TopicView {
 public:
  explicit CatalogTopics(const Catalog& catalog) : catalog_(catalog) {}

  int64_t version() const override { return catalog_.version(); }
  std::optional<TopicShape> Find(const std::string& name) const override;
  std::optional<std::string> NameOf(const Uuid& id) const override;
  std::vector<std::string> Names() const override;

 private:
  const Catalog& catalog_;
};

}  // namespace sluice::broker
