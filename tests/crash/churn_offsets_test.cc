#include "tests/crash/churn_offsets.h"

#include <gmock/gmock.h>

namespace sluice::crash {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kOk = EventType::kOk;
constexpr auto kInfo = EventType::kInfo;

std::vector<OffsetFault> Judge(const std::vector<OffsetCommit>& commits,
                               const std::vector<OffsetFetched>& fetches,
                               const std::vector<size_t>& deaths = {}) {
  OffsetHistory history;
  for (const OffsetCommit& commit : commits) {
    history.Commit(commit);
  }
  for (const OffsetFetched& fetched : fetches) {
    history.Fetch(fetched);
  }
  std::vector<OffsetFault> faults;
  history.Judge(deaths, [&](OffsetFault fault, const std::string&) { faults.push_back(fault); });
  return faults;
}

TEST(OffsetHistory, AFetchSeesWhatIsConcurrent) {
  const std::vector<OffsetCommit> commits = {
      {.offset = 5, .begin = 1, .end = 2, .outcome = kOk},
      {.offset = 8, .begin = 3, .end = 6, .outcome = kOk},
      {.offset = 9, .begin = 4, .end = 8, .outcome = kOk},
  };
  EXPECT_THAT(Judge(commits, {{.offset = 8, .begin = 7, .end = 9}}), IsEmpty());
  EXPECT_THAT(Judge(commits, {{.offset = 9, .begin = 7, .end = 9}}), IsEmpty());
  EXPECT_THAT(Judge(commits, {{.offset = 5, .begin = 7, .end = 9}}), ElementsAre(OffsetFault::kLost));
  EXPECT_THAT(Judge(commits, {{.offset = 5, .begin = 5, .end = 7}}), IsEmpty());
}

TEST(OffsetHistory, AFetchDoesNotSeeWhatBeganAfterIt) {
  EXPECT_THAT(
      Judge({{.offset = 5, .begin = 3, .end = 4, .outcome = kOk}}, {{.offset = 5, .begin = 1, .end = 2}}),
      ElementsAre(OffsetFault::kForeign));
}

TEST(OffsetHistory, ARefusedCommitIsNone) {
  EXPECT_THAT(Judge({{.offset = 5, .begin = 1, .end = 2, .outcome = EventType::kFail}},
                    {{.offset = 5, .begin = 3, .end = 4}}),
              ElementsAre(OffsetFault::kForeign));
}

TEST(OffsetHistory, AnUnknownCommitEndsWithItsBroker) {
  const std::vector<OffsetCommit> commits = {{.offset = 5, .begin = 1, .outcome = kInfo},
                                             {.offset = 4, .begin = 7, .end = 8, .outcome = kOk}};
  EXPECT_THAT(Judge(commits, {{.offset = 5, .begin = 2, .end = 3}, {.offset = -1, .begin = 2, .end = 3}}),
              IsEmpty());
  EXPECT_THAT(Judge(commits, {{.offset = 5, .begin = 9, .end = 10}}), IsEmpty());
  EXPECT_THAT(Judge(commits, {{.offset = 5, .begin = 9, .end = 10}}, {6}), ElementsAre(OffsetFault::kLost));
}

TEST(OffsetHistory, NoOffsetIsRightUntilOneIsAcknowledged) {
  const std::vector<OffsetCommit> commits = {{.offset = 0, .begin = 0, .end = 5, .outcome = kOk}};
  EXPECT_THAT(Judge(commits, {{.offset = -1, .begin = 3, .end = 4}}), IsEmpty());
  EXPECT_THAT(Judge(commits, {{.offset = -1, .begin = 6, .end = 7}}), ElementsAre(OffsetFault::kLost));
}

TEST(OffsetHistory, ACommitMayGoBackOnPurpose) {
  const OffsetCommit first = {.offset = 9, .begin = 1, .end = 2, .outcome = kOk};
  const OffsetCommit later = {.offset = 6, .begin = 5, .end = 6, .outcome = kOk};
  EXPECT_THAT(Judge({first, later}, {}), ElementsAre(OffsetFault::kWentBack));
  for (const EventType outcome : {kOk, kInfo}) {
    EXPECT_THAT(
        Judge({first, {.offset = 4, .begin = 3, .end = 4, .outcome = outcome, .reset = true}, later}, {}),
        IsEmpty());
  }
}

TEST(OffsetHistory, CommitsBesideEachOtherHaveNoOrder) {
  EXPECT_THAT(Judge({{.offset = 9, .begin = 1, .end = 3, .outcome = kOk},
                     {.offset = 6, .begin = 2, .end = 4, .outcome = kOk}},
                    {}),
              IsEmpty());
}

}  // namespace
}  // namespace sluice::crash
