#include "tests/unit/broker_group/scenario_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace sluice::broker {

namespace fs = std::filesystem;

std::optional<ScenarioLine> ScenarioLine::Parse(absl::string_view line) {
  ScenarioLine parsed;
  const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (words.size() < 2 || !absl::SimpleAtoi(words[0], &parsed.now_ms_)) {
    return std::nullopt;
  }
  parsed.verb_ = words[1];
  for (size_t i = 2; i < words.size(); ++i) {
    const std::pair<std::string, std::string> option = absl::StrSplit(words[i], absl::MaxSplits('=', 1));
    if (words[i].find('=') == std::string::npos) {
      parsed.names_.push_back(words[i]);
    } else {
      parsed.options_.insert(option);
    }
  }
  return parsed;
}

std::string ScenarioLine::Get(const std::string& key, const std::string& otherwise) const {
  return GetOptional(key).value_or(otherwise);
}

int32_t ScenarioLine::GetInt(const std::string& key, int32_t otherwise) const {
  int32_t value = otherwise;
  return absl::SimpleAtoi(Get(key), &value) ? value : otherwise;
}

std::optional<std::string> ScenarioLine::GetOptional(const std::string& key) const {
  const auto found = options_.find(key);
  return found == options_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> ScenarioNames(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(absl::StrCat(SCENARIO_DIR "/", folder))) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<ScenarioStep> ReadScenario(const std::string& folder, const std::string& name) {
  std::ifstream in(absl::StrCat(SCENARIO_DIR "/", folder, "/", name, ".txt"));
  std::vector<ScenarioStep> steps;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    if (text.empty() || text.front() == '#') {
      continue;
    }
    absl::string_view expected = text;
    if (absl::ConsumePrefix(&expected, "->")) {
      steps.back().expected.emplace_back(absl::StripAsciiWhitespace(expected));
    } else {
      steps.push_back({number, std::string(text), {}});
    }
  }
  return steps;
}

}  // namespace sluice::broker
