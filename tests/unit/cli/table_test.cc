#include "tools/cli/table.h"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

TEST(Table, AlignsTextLeftAndNumbersRight) {
  Table table({"NAME", "COUNT", "NOTE"});
  table.Add({"a", "5", "x"});
  table.Add({"longer", "12345", ""});
  EXPECT_EQ(table.ToString(),
            "NAME    COUNT  NOTE\n"
            "a           5  x\n"
            "longer  12345\n");
}

TEST(Table, WithoutRowsIsItsHeader) {
  EXPECT_EQ(Table({"A", "B"}).ToString(), "A  B\n");
}

}  // namespace
}  // namespace sluice::cli
