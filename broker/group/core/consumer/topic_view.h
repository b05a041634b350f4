// What a group may know of the broker's topics.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/uuid.h"

namespace sluice::broker {

struct TopicShape {
  Uuid id;
  int32_t partitions = 0;
  friend bool operator==(const TopicShape&, const TopicShape&) = default;
};

// Topics may change between two calls. Whoever asks for the version first, and then for the rest, finds a
// newer version the next time.
class TopicView {
 public:
  virtual ~TopicView() = default;
  // Rises whenever a topic is made, grows or goes. Of this run of the broker only.
  virtual int64_t version() const = 0;
  virtual std::optional<TopicShape> Find(const std::string& name) const = 0;
  // Nothing when there is no such topic any more.
  virtual std::optional<std::string> NameOf(const Uuid& id) const = 0;
  // Those that a regular expression may stand for: without the broker's own.
  virtual std::vector<std::string> Names() const = 0;
};

}  // namespace sluice::broker
