// `sluice start`: becomes sluice-broker, which is installed beside this program.

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "tools/cli/commands.h"

namespace sluice::cli {

int RunStart(const StartOptions& options) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string broker = (self.parent_path() / "sluice-broker").string();
  std::vector<std::string> words = {broker};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  execv(broker.c_str(), argv.data());
  return Fail(absl::NotFoundError(
      absl::StrCat("cannot run ", broker, ": ", std::strerror(errno), "; it belongs beside this program")));
}

}  // namespace sluice::cli
