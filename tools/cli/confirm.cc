#include "tools/cli/confirm.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace sluice::cli {

absl::Status Confirm(bool yes, absl::string_view what) {
  if (yes) {
    return absl::OkStatus();
  }
  if (::isatty(STDIN_FILENO) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("this would ", what, ": say --yes if that is meant"));
  }
  std::string question(what);
  question[0] = absl::ascii_toupper(static_cast<unsigned char>(question[0]));
  std::fputs(absl::StrCat(question, "? [y/N] ").c_str(), stderr);
  std::string line;
  std::getline(std::cin, line);
  return line == "y" || line == "Y" || line == "yes"
             ? absl::OkStatus()
             : absl::CancelledError("nothing was deleted: the answer was not yes");
}

}  // namespace sluice::cli
