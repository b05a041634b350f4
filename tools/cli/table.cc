#include "tools/cli/table.h"

#include <algorithm>

#include "absl/strings/numbers.h"

namespace sluice::cli {
namespace {

// A column is numeric when everything below its header is.
bool IsNumeric(const std::vector<std::vector<std::string>>& rows, size_t column) {
  return std::all_of(rows.begin() + 1, rows.end(), [column](const std::vector<std::string>& row) {
    double ignored = 0;
    return row[column].empty() || row[column] == "-" || absl::SimpleAtod(row[column], &ignored);
  });
}

size_t Width(const std::vector<std::vector<std::string>>& rows, size_t column) {
  size_t width = 0;
  for (const auto& row : rows) {
    width = std::max(width, row[column].size());
  }
  return width;
}

}  // namespace

std::string Table::ToString() const {
  const size_t columns = rows_[0].size();
  std::vector<size_t> widths;
  std::vector<bool> numeric;
  for (size_t column = 0; column < columns; ++column) {
    widths.push_back(Width(rows_, column));
    numeric.push_back(rows_.size() > 1 && IsNumeric(rows_, column));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t column = 0; column < columns; ++column) {
      const std::string padding(widths[column] - row[column].size(), ' ');
      line += column == 0 ? "" : "  ";
      line += numeric[column] ? padding + row[column] : row[column] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace sluice::cli
