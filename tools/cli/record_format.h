// How `consume -f` prints a record: kcat's and rpk's letters, one language.
//
//   %v or %s  value          %V or %S  its length (-1: none)     %t  topic       %d  timestamp, ms (rpk)
//   %k        key            %K        its length (-1: none)     %p  partition   %T  the same (kcat)
//   %h        headers k=v,.. %H        how many                  %o  offset      %%  a percent sign
//   \n \t \r \0 \\ \xHH
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sluice/record.h"

namespace sluice::cli {

// Parsed once, used for every record.
class RecordFormat {
 public:
  // InvalidArgument naming the letter that is not known.
  static absl::StatusOr<RecordFormat> Parse(absl::string_view text);

  void AppendTo(std::string* out, const RecordView& record) const;

 private:
  struct Part {
    char verb = 0;  // 0: `literal`.
    std::string literal;
  };
  static void AppendVerb(std::string* out, char verb, const RecordView& record);

  std::vector<Part> parts_;
};

}  // namespace sluice::cli
