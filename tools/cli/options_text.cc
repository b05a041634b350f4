// Option values that several commands share.

#include "absl/strings/str_cat.h"
#include "tools/cli/commands.h"

namespace sluice::cli {

absl::StatusOr<Acks> ParseAcks(const std::string& text) {
  if (text == "0") {
    return Acks::kNone;
  }
  if (text == "1") {
    return Acks::kLeader;
  }
  if (text == "all" || text == "-1") {
    return Acks::kAll;
  }
  return absl::InvalidArgumentError(absl::StrCat("--acks ", text, ": use 0, 1 or all"));
}

absl::StatusOr<Compression> ParseCompression(const std::string& text) {
  constexpr const char* kNames[] = {"none", "gzip", "snappy", "lz4", "zstd"};
  for (int8_t codec = 0; codec < 5; ++codec) {
    if (text == kNames[codec]) {
      return static_cast<Compression>(codec);
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("compression ", text, ": use none, gzip, snappy, lz4 or zstd"));
}

absl::StatusOr<std::pair<std::string, std::string>> SplitPair(const std::string& text, const char* what) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return absl::InvalidArgumentError(absl::StrCat(what, " ", text, ": expected KEY=VALUE"));
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

}  // namespace sluice::cli
