// The bash completion script, written from the command tree, so that it cannot lag behind it.
#pragma once

#include <string>
#include <vector>

namespace sluice::cli {

struct CommandTree {
  std::string name;
  std::vector<std::string> options;
  std::vector<CommandTree> children;
};

// For `source <(sluice completion bash)`. Names of topics and groups are asked from the broker.
std::string BashCompletion(const CommandTree& tree);

}  // namespace sluice::cli
