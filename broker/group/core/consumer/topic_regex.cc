#include "broker/group/core/consumer/topic_regex.h"

#include <re2/re2.h>

namespace sluice::broker {
namespace {

re2::RE2::Options Quiet() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  return options;
}

}  // namespace

std::optional<std::string> RegexMistake(const std::string& regex) {
  const re2::RE2 compiled(regex, Quiet());
  return compiled.ok() ? std::nullopt : std::optional(compiled.error());
}

std::set<std::string> MatchTopics(const std::string& regex, const std::vector<std::string>& names) {
  const re2::RE2 compiled(regex, Quiet());
  std::set<std::string> matched;
  if (!compiled.ok()) {
    return matched;
  }
  for (const std::string& name : names) {
    if (re2::RE2::FullMatch(name, compiled)) {
      matched.insert(name);
    }
  }
  return matched;
}

}  // namespace sluice::broker
