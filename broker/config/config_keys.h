// The parts of the table of broker keys, in their order in docs/configuration.md. config_keys.cc puts them
// together; config_def.h is what everybody else includes.
#pragma once

#include <vector>

#include "broker/config/config_def.h"

namespace sluice::broker {

std::vector<ConfigDef> IdentityKeys();          // network_keys.cc
std::vector<ConfigDef> NetworkKeys();           // network_keys.cc
std::vector<ConfigDef> GroupAndProducerKeys();  // group_keys.cc

}  // namespace sluice::broker
