// One bad history for each anomaly, and good ones that come close: a checker that finds nothing must be able
// to find it, and one that cries must have a proof.
#include "tests/crash/churn_checker.h"

#include <gtest/gtest.h>

namespace sluice::crash {
namespace {

using Offsets = std::map<int32_t, int64_t>;

// A history, told line by line. Members own what they hold by their own name, unless they are instances.
class Story {
 public:
  Story& IsWritten(int64_t offset, int64_t sequence) {
    history_.Add({.kind = ChurnKind::kAppend, .offset = offset, .values = {{0, sequence}}});
    return *this;
  }
  // JoinGroup and its answer. What it says is in the broker's memory only.
  Story& Joins(const std::string& member, int32_t epoch, const std::string& instance = "") {
    return Steps(member, epoch, {.joins = true}, instance);
  }
  Story& Beats(const std::string& member, int32_t epoch, const std::string& instance = "") {
    return Steps(member, epoch, {.durable = true}, instance);
  }
  Story& Holds(const std::string& member, int32_t epoch, const std::vector<int32_t>& partitions,
               const std::string& instance = "") {
    ChurnEvent event = By(ChurnKind::kHold, member, instance);
    event.epoch = epoch;
    for (const int32_t partition : partitions) {
      event.offsets[partition] = -1;
    }
    history_.Add(event);
    return *this;
  }
  // Its way into a generation, with what it then holds.
  Story& Enters(const std::string& member, int32_t epoch, const std::vector<int32_t>& partitions,
                const std::string& instance = "") {
    return Joins(member, epoch, instance)
        .Beats(member, epoch, instance)
        .Holds(member, epoch, partitions, instance);
  }
  Story& IsOut(const std::string& member) {
    history_.Add({.kind = ChurnKind::kOut, .member = member});
    return *this;
  }
  // Finds `committed`, and is handed the records from there on until `end`.
  Story& ReadsFrom(const std::string& member, int64_t committed, int64_t end) {
    return Finds(member, committed).IsHanded(member, std::max<int64_t>(committed, 0), end);
  }
  Story& Finds(const std::string& member, int64_t committed) {
    ChurnEvent event = By(ChurnKind::kFetched, member, "");
    event.operation = history_.Begin(event);
    event.offsets = {{0, committed}};
    history_.End(event);
    return *this;
  }
  Story& IsHanded(const std::string& member, int64_t begin, int64_t end) {
    ChurnEvent event = By(ChurnKind::kRead, member, "");
    for (int64_t offset = begin; offset < end; ++offset) {
      event.records.push_back({0, offset, {0, offset}});
    }
    history_.Add(event);
    return *this;
  }
  Story& IsHandedOther(const std::string& member, int64_t offset, Value value) {
    ChurnEvent event = By(ChurnKind::kRead, member, "");
    event.records.push_back({0, offset, value});
    history_.Add(event);
    return *this;
  }
  struct How {
    EventType type = EventType::kOk;
    bool reset = false;
    bool overslept = false;
    std::string instance = "";
  };
  Story& Commits(const std::string& member, int32_t epoch, int64_t offset, const How& how) {
    ChurnEvent event = By(ChurnKind::kCommit, member, how.instance);
    event.epoch = epoch;
    event.offsets = {{0, offset}};
    event.reset = how.reset;
    event.overslept = how.overslept;
    event.operation = history_.Begin(event);
    event.type = how.type;
    history_.End(event);
    return *this;
  }
  Story& Commits(const std::string& member, int32_t epoch, int64_t offset) {
    return Commits(member, epoch, offset, {});
  }
  Story& BrokerDies() {
    history_.Add({.kind = ChurnKind::kDied});
    return *this;
  }

  ChurnFindings Check(bool classic = true) { return CheckChurn(history_.Take(), {.classic = classic}); }

 private:
  struct Step {
    bool joins = false;
    bool durable = false;
  };
  Story& Steps(const std::string& member, int32_t epoch, Step step, const std::string& instance) {
    ChurnEvent event = By(ChurnKind::kStep, member, instance);
    event.operation = history_.Begin(event);
    event.epoch = epoch;
    event.joins = step.joins;
    event.durable = step.durable;
    history_.End(event);
    return *this;
  }
  static ChurnEvent By(ChurnKind kind, const std::string& member, const std::string& instance) {
    return {.kind = kind, .member = member, .owner = instance.empty() ? member : instance};
  }

  ChurnHistory history_;
};

void ExpectOnly(ChurnAnomaly anomaly, const ChurnFindings& found) {
  for (size_t kind = 0; kind < ChurnFindings::kKinds; ++kind) {
    EXPECT_EQ(found.counts[kind], kind == static_cast<size_t>(anomaly) ? 1 : 0)
        << NameOf(static_cast<ChurnAnomaly>(kind)) << ": " << found.first[kind];
  }
  EXPECT_FALSE(found.none());
  EXPECT_NE(found.ToString().find(std::string(NameOf(anomaly))), std::string::npos);
}

void ExpectNone(const ChurnFindings& found) {
  EXPECT_TRUE(found.none()) << found.ToString();
}

TEST(ChurnChecker, AGoodHistoryHasNoAnomaly) {
  const ChurnFindings found = Story()
                                  .IsWritten(0, 0)
                                  .IsWritten(1, 1)
                                  .Enters("a", 1, {0})
                                  .ReadsFrom("a", -1, 1)
                                  .Commits("a", 1, 1)
                                  .BrokerDies()
                                  .Beats("a", 1)
                                  .Holds("a", 1, {})
                                  .Enters("b", 2, {0})
                                  .ReadsFrom("b", 1, 2)
                                  .Commits("a", 1, 1, {.type = EventType::kFail, .overslept = true})
                                  .Commits("b", 2, 2)
                                  .Commits("b", 2, 1, {.reset = true})
                                  .ReadsFrom("b", 1, 2)
                                  .Commits("b", 2, 2, {.type = EventType::kInfo})
                                  .Finds("b", 2)
                                  .Check();
  ExpectNone(found);
  EXPECT_EQ(found.commits_ok, 3);
  EXPECT_EQ(found.commits_refused, 1);
  EXPECT_EQ(found.commits_unknown, 1);
  EXPECT_EQ(found.overslept_refused, 1);
  EXPECT_EQ(found.read, 3);
  EXPECT_EQ(found.deaths, 1);
  EXPECT_EQ(found.epoch_max, 2);
}

TEST(ChurnChecker, ACommitBehindWhatNobodyReadMissesIt) {
  ExpectOnly(ChurnAnomaly::kMissed,
             Story().Enters("a", 1, {0}).ReadsFrom("a", -1, 2).Commits("a", 1, 3).Check());
}

TEST(ChurnChecker, WhatIsReadBesideTheCommitComesTooLate) {
  ExpectOnly(ChurnAnomaly::kMissed,
             Story().Enters("a", 1, {0}).Finds("a", -1).Commits("a", 1, 2).IsHanded("a", 0, 2).Check());
}

TEST(ChurnChecker, AnAcknowledgedValueThatNobodyReadIsMissed) {
  ExpectOnly(ChurnAnomaly::kUnread, Story().IsWritten(0, 0).IsWritten(1, 1).ReadsFrom("a", -1, 1).Check());
}

TEST(ChurnChecker, AnotherValueThanWasAcknowledgedIsSeen) {
  ExpectOnly(ChurnAnomaly::kChanged,
             Story().IsWritten(0, 0).Finds("a", -1).IsHandedOther("a", 0, {0, 7}).Check());
}

TEST(ChurnChecker, ARecordThatIsLeftOutIsSeen) {
  ExpectOnly(ChurnAnomaly::kSkipped,
             Story().ReadsFrom("a", -1, 2).ReadsFrom("b", -1, 1).IsHanded("a", 3, 4).Check());
}

TEST(ChurnChecker, AMemberReadsOnFromWhatItFound) {
  ExpectOnly(ChurnAnomaly::kSkipped,
             Story().ReadsFrom("a", -1, 3).Finds("b", -1).IsHanded("b", 2, 3).Check());
}

TEST(ChurnChecker, ACommitOfAnOldGenerationIsFenced) {
  ExpectOnly(ChurnAnomaly::kFencedCommit,
             Story().Enters("a", 1, {0}).ReadsFrom("a", -1, 2).Joins("b", 2).Commits("a", 1, 2).Check());
}

TEST(ChurnChecker, AGenerationThatNobodyWroteDownDiesWithItsBroker) {
  ExpectNone(Story()
                 .Enters("a", 1, {0})
                 .ReadsFrom("a", -1, 2)
                 .Joins("b", 2)
                 .BrokerDies()
                 .Commits("a", 1, 2)
                 .Check());
}

TEST(ChurnChecker, AGenerationThatWasWrittenDownSurvivesItsBroker) {
  ExpectOnly(ChurnAnomaly::kFencedCommit, Story()
                                              .Enters("a", 1, {0})
                                              .ReadsFrom("a", -1, 2)
                                              .Joins("b", 2)
                                              .Beats("b", 2)
                                              .BrokerDies()
                                              .Commits("a", 1, 2)
                                              .Check());
}

TEST(ChurnChecker, ACommitThatBeganBeforeTheGenerationIsNone) {
  ChurnHistory history;
  ChurnEvent commit{.kind = ChurnKind::kCommit, .member = "a", .owner = "a", .epoch = 1, .offsets = {{0, 0}}};
  commit.operation = history.Begin(commit);
  ChurnEvent step{.kind = ChurnKind::kStep, .member = "b", .owner = "b", .epoch = 2, .joins = true};
  step.operation = history.Begin(step);
  history.End(step);
  history.End(commit);
  ExpectNone(CheckChurn(history.Take(), {.classic = true}));
}

TEST(ChurnChecker, ACommitOfAnotherInstancesPlaceIsFenced) {
  ExpectOnly(ChurnAnomaly::kFencedCommit, Story()
                                              .Enters("a1", 1, {0}, "a")
                                              .ReadsFrom("a1", -1, 2)
                                              .Joins("a2", 1, "a")
                                              .Commits("a1", 1, 2, {.instance = "a"})
                                              .Check());
}

TEST(ChurnChecker, OneMayBehindTheEpochWhileItsPartitionIsItsOwn) {
  ExpectNone(Story()
                 .Enters("a", 1, {0})
                 .ReadsFrom("a", -1, 2)
                 .Enters("b", 2, {1})
                 .Commits("a", 1, 2)
                 .Check(/*classic=*/false));
}

TEST(ChurnChecker, ACommitOfAnothersPartitionIsFenced) {
  ExpectOnly(ChurnAnomaly::kFencedCommit, Story()
                                              .Enters("a", 1, {0})
                                              .ReadsFrom("a", -1, 2)
                                              .Enters("b", 2, {0})
                                              .Commits("a", 1, 2)
                                              .Check(/*classic=*/false));
}

TEST(ChurnChecker, WhatWasGivenBackIsNobodys) {
  ExpectNone(Story()
                 .Enters("a", 1, {0})
                 .Holds("a", 1, {})
                 .Enters("b", 2, {0})
                 .Holds("b", 2, {})
                 .ReadsFrom("a", -1, 2)
                 .Commits("a", 1, 2)
                 .Check(/*classic=*/false));
}

TEST(ChurnChecker, ACommitAfterTheSessionIsSeen) {
  ExpectOnly(
      ChurnAnomaly::kOversleptCommit,
      Story().Enters("a", 1, {0}).ReadsFrom("a", -1, 2).Commits("a", 1, 2, {.overslept = true}).Check());
}

TEST(ChurnChecker, ACommitOfWhoWasThrownOutIsAGhosts) {
  ExpectOnly(ChurnAnomaly::kGhost,
             Story().Enters("a", 1, {0}).ReadsFrom("a", -1, 2).IsOut("a").Commits("a", 1, 2).Check());
}

TEST(ChurnChecker, AHeartbeatOfWhoWasThrownOutIsAGhosts) {
  ExpectOnly(ChurnAnomaly::kGhost, Story().Enters("a", 1, {0}).IsOut("a").Beats("a", 1).Check());
}

TEST(ChurnChecker, WhoWasThrownOutMayComeBack) {
  ExpectNone(Story().Enters("a", 1, {0}).IsOut("a").Joins("a", 2).Beats("a", 2).Check());
}

TEST(ChurnChecker, ADeadBrokerMayHaveThrownOutInVain) {
  ExpectNone(Story().Enters("a", 1, {0}).IsOut("a").BrokerDies().Beats("a", 1).Check());
}

TEST(ChurnChecker, TwoHoldersInOneGenerationAreSeen) {
  ExpectOnly(ChurnAnomaly::kTwoHolders, Story().Enters("a", 1, {0}).Enters("b", 1, {0}).Check());
}

TEST(ChurnChecker, TwoHoldersAtOneTimeAreSeen) {
  ExpectOnly(ChurnAnomaly::kTwoHolders,
             Story().Enters("a", 1, {0}).Enters("b", 2, {0}).Beats("a", 1).Check(/*classic=*/false));
}

TEST(ChurnChecker, AnInstanceHoldsThroughItsMembers) {
  ExpectNone(Story().Enters("a1", 1, {0}, "a").Enters("a2", 1, {0}, "a").Check());
}

TEST(ChurnChecker, AnOlderGenerationIsSeen) {
  ExpectOnly(ChurnAnomaly::kEpochWentBack, Story().Enters("a", 3, {0}).Joins("b", 2).Check());
}

TEST(ChurnChecker, AHeartbeatInAnOlderGenerationIsSeen) {
  ExpectOnly(ChurnAnomaly::kEpochWentBack,
             Story().Enters("a", 3, {0}).Holds("a", 3, {}).Joins("b", 4).Beats("a", 3).Check());
}

TEST(ChurnChecker, ACommitThatGoesBackIsSeen) {
  ExpectOnly(ChurnAnomaly::kCommitWentBack,
             Story().Enters("a", 1, {0}).ReadsFrom("a", -1, 3).Commits("a", 1, 3).Commits("a", 1, 2).Check());
}

TEST(ChurnChecker, AnAcknowledgedCommitThatIsGoneIsSeen) {
  ExpectOnly(ChurnAnomaly::kLostCommit, Story()
                                            .Enters("a", 1, {0})
                                            .ReadsFrom("a", -1, 3)
                                            .Commits("a", 1, 3)
                                            .BrokerDies()
                                            .Finds("b", -1)
                                            .Check());
}

TEST(ChurnChecker, AnOffsetThatNobodyCommittedIsSeen) {
  ExpectOnly(ChurnAnomaly::kForeignOffset,
             Story().Enters("a", 1, {0}).ReadsFrom("a", -1, 3).Commits("a", 1, 3).Finds("b", 4).Check());
}

TEST(ChurnChecker, ACommitWithoutAnswerMayBeThereOrNot) {
  for (const int64_t found : {-1, 3}) {
    ExpectNone(Story()
                   .Enters("a", 1, {0})
                   .ReadsFrom("a", -1, 3)
                   .Commits("a", 1, 3, {.type = EventType::kInfo})
                   .Finds("b", found)
                   .Check());
  }
}

}  // namespace
}  // namespace sluice::crash
