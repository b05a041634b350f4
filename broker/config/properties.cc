#include "broker/config/properties.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/base/status_macros.h"

namespace sluice::broker {
namespace {

struct LogicalLine {
  std::string text = {};
  int line = 0;
};

absl::string_view SkipSpace(absl::string_view text) {
  while (!text.empty() && (text[0] == ' ' || text[0] == '\t' || text[0] == '\f')) {
    text.remove_prefix(1);
  }
  return text;
}

// An odd number of backslashes at the end.
bool GoesOn(absl::string_view line) {
  size_t backslashes = 0;
  while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') {
    ++backslashes;
  }
  return backslashes % 2 == 1;
}

std::vector<LogicalLine> JoinLines(absl::string_view text) {
  std::vector<LogicalLine> lines;
  bool joining = false;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (absl::EndsWith(line, "\r")) {
      line.remove_suffix(1);
    }
    line = SkipSpace(line);
    if (!joining) {
      if (line.empty() || line[0] == '#' || line[0] == '!') {
        continue;
      }
      lines.push_back({.line = number});
    }
    joining = GoesOn(line);
    lines.back().text.append(line.data(), line.size() - (joining ? 1 : 0));
  }
  return lines;
}

void AppendUtf8(uint32_t code, std::string* to) {
  if (code < 0x80) {
    to->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    to->push_back(static_cast<char>(0xc0 | (code >> 6)));
    to->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else {
    to->push_back(static_cast<char>(0xe0 | (code >> 12)));
    to->push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3f)));
    to->push_back(static_cast<char>(0x80 | (code & 0x3f)));
  }
}

bool ParseHex4(absl::string_view text, uint32_t* code) {
  *code = 0;
  for (size_t i = 0; i < 4; ++i) {
    if (i >= text.size() || !absl::ascii_isxdigit(static_cast<unsigned char>(text[i]))) {
      return false;
    }
    const char digit = absl::ascii_tolower(static_cast<unsigned char>(text[i]));
    *code = *code * 16 + static_cast<uint32_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  return true;
}

char Unescaped(char letter) {
  switch (letter) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 'f':
      return '\f';
    default:
      return letter;
  }
}

absl::StatusOr<std::string> Unescape(absl::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      plain.push_back(text[i]);
      continue;
    }
    ++i;
    if (text[i] != 'u') {
      plain.push_back(Unescaped(text[i]));
      continue;
    }
    uint32_t code;
    if (!ParseHex4(text.substr(i + 1), &code)) {
      return absl::InvalidArgumentError("\\u must be followed by four hexadecimal digits");
    }
    AppendUtf8(code, &plain);
    i += 4;
  }
  return plain;
}

// Where the key ends: the first separator that is not escaped.
size_t KeyEnd(absl::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (absl::StrContains("=: \t\f", absl::string_view(&line[i], 1))) {
      return i;
    }
  }
  return line.size();
}

absl::StatusOr<Property> ParseLine(const LogicalLine& line) {
  const absl::string_view text = line.text;
  const size_t end = KeyEnd(text);
  absl::string_view rest = SkipSpace(text.substr(end));
  if (!rest.empty() && (rest[0] == '=' || rest[0] == ':')) {
    rest = SkipSpace(rest.substr(1));
  }
  Property property{.line = line.line};
  ASSIGN_OR_RETURN(property.key, Unescape(text.substr(0, end)));
  ASSIGN_OR_RETURN(property.value, Unescape(rest));
  if (property.key.empty()) {
    return absl::InvalidArgumentError("a line must begin with a key, as in log.dirs=/var/lib/sluice");
  }
  return property;
}

}  // namespace

absl::StatusOr<std::vector<Property>> ParseProperties(absl::string_view file, absl::string_view text) {
  std::vector<Property> properties;
  absl::flat_hash_map<std::string, int> first_lines;
  for (const LogicalLine& line : JoinLines(text)) {
    absl::StatusOr<Property> property = ParseLine(line);
    if (!property.ok()) {
      return WithContext(property.status(), absl::StrCat(file, ":", line.line));
    }
    const auto [first, is_new] = first_lines.emplace(property->key, line.line);
    if (!is_new) {
      return absl::InvalidArgumentError(absl::StrCat(file, ":", line.line, ": \"", property->key,
                                                     "\" was set before, in line ", first->second,
                                                     "; keep one of the two"));
    }
    properties.push_back(*std::move(property));
  }
  return properties;
}

}  // namespace sluice::broker
