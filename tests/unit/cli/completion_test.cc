#include "tools/cli/completion.h"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

TEST(BashCompletion, OffersAtEachPlaceItsOwnWordsAndTheInheritedOptions) {
  const CommandTree tree{
      .name = "sluice",
      .options = {"--brokers"},
      .children = {{.name = "topic",
                    .options = {},
                    .children = {{.name = "list", .options = {"--wide"}, .children = {}}}}}};
  const std::string script = BashCompletion(tree);
  EXPECT_NE(script.find("\"\") words=\"--brokers topic\" ;;"), std::string::npos) << script;
  EXPECT_NE(script.find("\"topic\") words=\"--brokers list\" ;;"), std::string::npos) << script;
  EXPECT_NE(script.find("\"topic list\") words=\"--brokers --wide\" ;;"), std::string::npos) << script;
  EXPECT_NE(script.find("complete -F _sluice sluice"), std::string::npos);
}

}  // namespace
}  // namespace sluice::cli
