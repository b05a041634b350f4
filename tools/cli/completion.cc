#include "tools/cli/completion.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sluice::cli {
namespace {

// One line of the script's `case`: after these commands, these words.
void AppendCases(const CommandTree& tree, const std::string& path, const std::vector<std::string>& inherited,
                 std::string* out) {
  std::vector<std::string> words = inherited;
  words.insert(words.end(), tree.options.begin(), tree.options.end());
  const std::vector<std::string> passed_on = words;
  for (const CommandTree& child : tree.children) {
    words.push_back(child.name);
  }
  absl::StrAppend(out, "    \"", path, "\") words=\"", absl::StrJoin(words, " "), "\" ;;\n");
  for (const CommandTree& child : tree.children) {
    AppendCases(child, absl::StrCat(path, path.empty() ? "" : " ", child.name), passed_on, out);
  }
}

void AppendNames(const CommandTree& tree, std::vector<std::string>* names) {
  for (const CommandTree& child : tree.children) {
    names->push_back(child.name);
    AppendNames(child, names);
  }
}

}  // namespace

std::string BashCompletion(const CommandTree& tree) {
  std::vector<std::string> names;
  AppendNames(tree, &names);
  std::string cases;
  AppendCases(tree, "", {}, &cases);
  return absl::StrCat(R"(# bash completion for sluice: source <(sluice completion bash)
_sluice() {
  local word current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path="" words="" kind="" names=""
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " )",
                      absl::StrJoin(names, " "), R"( " in
      *" $word "*) path="${path:+$path }$word" ;;
    esac
  done
  case "$path" in
)",
                      cases, R"(  esac
  case "$path" in
    produce|consume|"topic describe"|"topic alter"|"topic delete"|"topic add-partitions"|"topic delete-records"|"bench produce"|"bench consume")
      kind=topics ;;
    "group describe"|"group lag"|"group seek"|"group delete") kind=groups ;;
  esac
  case "$path $previous" in
    "consume -g"|"consume --group") kind=groups ;;
    "group seek -t"|"group seek --topic") kind=topics ;;
  esac
  [[ $current == -* ]] && kind=""
  case "$kind" in
    topics) names=$(timeout 0.3 sluice topic list --format json 2>/dev/null | grep -o '"name":"[^"]*"' | cut -d'"' -f4) ;;
    groups) names=$(timeout 0.3 sluice group list --format json 2>/dev/null | grep -o '"group":"[^"]*"' | cut -d'"' -f4) ;;
  esac
  COMPREPLY=($(compgen -W "$words $names" -- "$current"))
}
complete -F _sluice sluice
)");
}

}  // namespace sluice::cli
