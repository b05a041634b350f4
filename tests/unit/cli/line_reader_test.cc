#include "tools/cli/line_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace sluice::cli {
namespace {

// The lines that come out when `text` goes into a pipe in pieces of `step` bytes.
std::vector<std::string> LinesOf(const std::string& text, size_t step) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  std::thread writer([&] {
    for (size_t at = 0; at < text.size(); at += step) {
      const std::string piece = text.substr(at, step);
      EXPECT_EQ(write(ends[1], piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
    }
    close(ends[1]);
  });
  std::vector<std::string> lines;
  LineReader reader(ends[0]);
  absl::string_view line;
  while (*reader.Next(&line)) {
    lines.emplace_back(line);
  }
  writer.join();
  close(ends[0]);
  return lines;
}

TEST(LineReader, LinesAreTheSameHoweverTheyArrive) {
  const std::string text = "one\n\nthree is longer\nlast without newline";
  const std::vector<std::string> expected = {"one", "", "three is longer", "last without newline"};
  for (size_t step = 1; step <= text.size(); ++step) {
    EXPECT_EQ(LinesOf(text, step), expected) << step;
  }
}

TEST(LineReader, LineLongerThanTheBufferIsWhole) {
  const std::string text(1 << 20, 'x');
  EXPECT_EQ(LinesOf(text + "\nend\n", 60'000), (std::vector<std::string>{text, "end"}));
}

TEST(LineReader, EmptyInputHasNoLines) {
  EXPECT_TRUE(LinesOf("", 1).empty());
}

}  // namespace
}  // namespace sluice::cli
