#include "tools/cli/record_format.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "proto/base/bytes.h"

namespace sluice::cli {
namespace {

constexpr absl::string_view kVerbs = "vsVSkKhHtpodT%";

void AppendBytes(std::string* out, const std::optional<std::span<const std::byte>>& bytes) {
  if (bytes) {
    out->append(TextOf(*bytes));
  }
}

int64_t LengthOf(const std::optional<std::span<const std::byte>>& bytes) {
  return bytes ? static_cast<int64_t>(bytes->size()) : -1;
}

int HexDigit(char c) {
  return c <= '9' ? c - '0' : absl::ascii_tolower(static_cast<unsigned char>(c)) - 'a' + 10;
}

// The escape that starts at text[*at], a backslash. Moves *at past it; false when it is none.
bool Unescape(absl::string_view text, size_t* at, char* out) {
  if (*at + 1 >= text.size()) {
    return false;
  }
  const char letter = text[*at + 1];
  if (letter == 'x') {
    if (*at + 3 >= text.size() || !absl::ascii_isxdigit(static_cast<unsigned char>(text[*at + 2])) ||
        !absl::ascii_isxdigit(static_cast<unsigned char>(text[*at + 3]))) {
      return false;
    }
    *out = static_cast<char>(HexDigit(text[*at + 2]) * 16 + HexDigit(text[*at + 3]));
    *at += 4;
    return true;
  }
  constexpr absl::string_view kLetters = "ntr0\\";
  constexpr absl::string_view kMeanings("\n\t\r\0\\", 5);
  const size_t which = kLetters.find(letter);
  if (which == absl::string_view::npos) {
    return false;
  }
  *out = kMeanings[which];
  *at += 2;
  return true;
}

}  // namespace

absl::StatusOr<RecordFormat> RecordFormat::Parse(absl::string_view text) {
  RecordFormat format;
  std::string literal;
  for (size_t at = 0; at < text.size();) {
    char unescaped = 0;
    if (text[at] == '%') {
      if (at + 1 >= text.size() || kVerbs.find(text[at + 1]) == absl::string_view::npos) {
        return absl::InvalidArgumentError(
            absl::StrCat("format \"", text, "\": %", text.substr(at + 1, 1),
                         " is not known; there are %v %s %k %h %t %p %o %d %T %V %S %K %H %%"));
      }
      format.parts_.push_back({0, std::move(literal)});
      format.parts_.push_back({text[at + 1], ""});
      literal.clear();
      at += 2;
    } else if (text[at] == '\\') {
      if (!Unescape(text, &at, &unescaped)) {
        return absl::InvalidArgumentError(
            absl::StrCat("format \"", text, "\": ", text.substr(at, 2),
                         " is not known; there are \\n \\t \\r \\0 \\\\ \\xHH"));
      }
      literal += unescaped;
    } else {
      literal += text[at++];
    }
  }
  format.parts_.push_back({0, std::move(literal)});
  return format;
}

void RecordFormat::AppendTo(std::string* out, const RecordView& record) const {
  for (const Part& part : parts_) {
    if (part.verb == 0) {
      out->append(part.literal);
    } else {
      AppendVerb(out, part.verb, record);
    }
  }
}

void RecordFormat::AppendVerb(std::string* out, char verb, const RecordView& record) {
  switch (verb) {
    case 'v':
    case 's':
      return AppendBytes(out, record.value);
    case 'k':
      return AppendBytes(out, record.key);
    case 'V':
    case 'S':
      return absl::StrAppend(out, LengthOf(record.value));
    case 'K':
      return absl::StrAppend(out, LengthOf(record.key));
    case 'H':
      return absl::StrAppend(out, record.headers.size());
    case 't':
      out->append(record.topic);
      return;
    case 'p':
      return absl::StrAppend(out, record.partition);
    case 'o':
      return absl::StrAppend(out, record.offset);
    case 'd':
    case 'T':
      return absl::StrAppend(out, record.timestamp_ms);
    case '%':
      out->push_back('%');
      return;
    default:
      break;
  }
  const char* separator = "";
  for (const MessageHeader& header : record.headers) {
    absl::StrAppend(out, separator, ToAbsl(header.key), "=");
    AppendBytes(out, header.value);
    separator = ",";
  }
}

}  // namespace sluice::cli
