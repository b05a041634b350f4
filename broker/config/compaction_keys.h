// The part of the tables of keys that is about compaction: the cleaner's own, and those of a topic with the
// broker's defaults for them. config_keys.cc and topic_keys.cc put the tables together.
#pragma once

#include <vector>

#include "broker/config/config_def.h"

namespace sluice::broker {

std::vector<ConfigDef> CleanerKeys();
std::vector<ConfigDef> CompactionTopicKeys();

}  // namespace sluice::broker
