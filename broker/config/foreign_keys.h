// Kafka's broker keys that are not in our table: those that a file may hold without harm, and those whose
// silence would be dangerous.
#pragma once

#include "absl/strings/string_view.h"

namespace sluice::broker {

enum class ForeignKey {
  kUnknown,  // Not one of Kafka's that we know.
  kIgnored,  // Means nothing on a broker that stands alone (replication, controllers, ZooKeeper, JVM
             // threads).
  kRefused,  // Asks for protection that we do not give yet: starting without it would be worse than not.
};
ForeignKey ClassifyForeignKey(absl::string_view name);

}  // namespace sluice::broker
