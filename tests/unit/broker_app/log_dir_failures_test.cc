#include "broker/app/log_dir_failures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/app/guarded_metadata_store.h"
#include "storage/meta/memory_metadata_store.h"

namespace sluice::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CollectingLogger final : public Logger {
 public:
  void Log(LogLevel, absl::string_view, absl::string_view message) override { lines.emplace_back(message); }
  std::vector<std::string> lines;
};

TEST(LogDirFailures, TheProcessEndsWhenNoLogDirIsLeft) {
  CollectingLogger logger;
  int ends = 0;
  LogDirFailures failures(3, logger, [&ends] { ++ends; });
  failures.AtStart("/a", absl::PermissionDeniedError("read-only"));
  EXPECT_FALSE(failures.any_at_sync());
  failures.AtSync("/b", absl::DataLossError("EIO"));
  EXPECT_EQ(ends, 0);
  EXPECT_TRUE(failures.any_at_sync());
  EXPECT_EQ(failures.Of("/b"), absl::DataLossError("EIO"));
  EXPECT_EQ(failures.Of("/c"), absl::OkStatus());
  failures.AtSync("/c", absl::DataLossError("EIO"));
  EXPECT_EQ(ends, 1);
  EXPECT_THAT(logger.lines, ElementsAre(HasSubstr("read-only; 2 of 3 log dirs serve"),
                                        HasSubstr("1 of 3 log dirs go on serving"),
                                        HasSubstr("no log dir is left: stopping")));
}

// One that failed while it was opened is told twice and counts once.
TEST(LogDirFailures, ALogDirFailsOnce) {
  CollectingLogger logger;
  int ends = 0;
  LogDirFailures failures(2, logger, [&ends] { ++ends; });
  failures.AtSync("/a", absl::DataLossError("EIO"));
  failures.AtStart("/a", absl::FailedPreconditionError("offline"));
  EXPECT_EQ(ends, 0);
  EXPECT_EQ(failures.Of("/a"), absl::DataLossError("EIO"));
}

TEST(GuardedMetadataStore, WritesAreRefusedInWordsOnceItsLogDirFailed) {
  absl::Status health;
  const auto store = GuardMetadataStore(storage::NewMemoryMetadataStore(), [&health] { return health; });
  EXPECT_TRUE(store->Commit({.writes = {{"/a", "1"}}}).ok());
  health = absl::DataLossError("EIO");
  const absl::Status refused = store->Commit({.writes = {{"/a", "2"}}}).status();
  EXPECT_TRUE(absl::IsInternal(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("the log dir that holds it is offline: EIO"));
  EXPECT_EQ((*store->Get("/a"))->value, "1");
  EXPECT_EQ(store->Range("/")->size(), 1u);
}

}  // namespace
}  // namespace sluice::broker
