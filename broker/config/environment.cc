#include "broker/config/environment.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "broker/config/config_def.h"

namespace sluice::broker {

std::string ConfigNameOfVariable(absl::string_view variable) {
  if (!absl::ConsumePrefix(&variable, "SLUICE_")) {
    return "";
  }
  // The longest match wins at each place, so "___" is never read as "__" and "_".
  const std::string name =
      absl::StrReplaceAll(absl::AsciiStrToLower(variable), {{"___", "-"}, {"__", "_"}, {"_", "."}});
  const std::string ours = absl::StrCat("sluice.", name);
  return FindBrokerConfig(name) == nullptr && FindBrokerConfig(ours) != nullptr ? ours : name;
}

}  // namespace sluice::broker
