// Subscriptions by regular expression (RE2's syntax, as in Kafka: no back references, linear time).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::broker {

// Nothing when the expression can be used; else what is wrong with it.
std::optional<std::string> RegexMistake(const std::string& regex);

// Those of `names` that it stands for as a whole. None when it cannot be used.
std::set<std::string> MatchTopics(const std::string& regex, const std::vector<std::string>& names);

}  // namespace sluice::broker
