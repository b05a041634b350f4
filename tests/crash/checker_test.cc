// One bad history for each anomaly, and good ones: a checker that finds nothing must be able to find it.
#include "tests/crash/checker.h"

#include <gtest/gtest.h>

namespace sluice::crash {
namespace {

// A history, told line by line.
class Story {
 public:
  Story& Sends(int64_t operation, std::vector<Value> values, int32_t partition = 0) {
    const int32_t producer = values.front().producer;
    events_.push_back({.kind = EventKind::kSend,
                       .type = EventType::kInvoke,
                       .operation = operation,
                       .actor = producer,
                       .partition = partition,
                       .values = std::move(values)});
    return *this;
  }
  Story& Ends(int64_t operation, EventType type, int64_t offset = -1, int32_t partition = 0) {
    events_.push_back({.kind = EventKind::kSend,
                       .type = type,
                       .operation = operation,
                       .partition = partition,
                       .offset = offset});
    return *this;
  }
  Story& SendsAndIsAcked(int64_t operation, Value value, int64_t offset, int32_t partition = 0) {
    return Sends(operation, {value}, partition).Ends(operation, EventType::kOk, offset, partition);
  }
  Story& Polls(std::vector<ReadRecord> records, int32_t consumer = 0) {
    events_.push_back({.kind = EventKind::kPoll, .actor = consumer, .records = std::move(records)});
    return *this;
  }
  Story& Seeks(int64_t offset, int32_t consumer = 0) {
    events_.push_back({.kind = EventKind::kSeek, .actor = consumer, .offset = offset});
    return *this;
  }
  Story& AsksForTheEnd(int64_t operation) {
    events_.push_back({.kind = EventKind::kEnd, .type = EventType::kInvoke, .operation = operation});
    return *this;
  }
  Story& IsToldTheEnd(int64_t operation, int64_t offset) {
    events_.push_back({.kind = EventKind::kEnd, .operation = operation, .offset = offset});
    return *this;
  }
  Story& LogStartsAt(int64_t offset) {
    events_.push_back({.kind = EventKind::kStart, .offset = offset});
    return *this;
  }
  Story& LastReadFinds(std::vector<ReadRecord> records) {
    events_.push_back(
        {.kind = EventKind::kPoll, .actor = 99, .records = std::move(records), .last_read = true});
    return *this;
  }

  Findings Check() const { return crash::Check(events_); }

 private:
  std::vector<Event> events_;
};

constexpr Value kA{0, 0};
constexpr Value kB{0, 1};
constexpr Value kC{1, 0};

void ExpectOnly(Anomaly anomaly, const Findings& found) {
  for (size_t kind = 0; kind < Findings::kKinds; ++kind) {
    EXPECT_EQ(found.counts[kind], kind == static_cast<size_t>(anomaly) ? 1 : 0)
        << NameOf(static_cast<Anomaly>(kind)) << ": " << found.first[kind];
  }
  EXPECT_FALSE(found.none());
  EXPECT_NE(found.ToString().find(std::string(NameOf(anomaly))), std::string::npos);
}

TEST(Checker, AGoodHistoryHasNoAnomaly) {
  const Findings found = Story()
                             .SendsAndIsAcked(1, kA, 0)
                             .Seeks(0)
                             .Polls({{0, 0, kA}})
                             .AsksForTheEnd(2)
                             .SendsAndIsAcked(3, kB, 1)
                             .IsToldTheEnd(2, 1)
                             .Sends(4, {kC})  // Never answered, and there.
                             .Polls({{0, 1, kB}, {0, 2, kC}})
                             .Seeks(0)
                             .Polls({{0, 0, kA}})
                             .LastReadFinds({{0, 0, kA}, {0, 1, kB}, {0, 2, kC}})
                             .Check();
  EXPECT_TRUE(found.none()) << found.ToString();
  EXPECT_EQ(found.values_acked, 2);
  EXPECT_EQ(found.sends_unknown, 1);
  EXPECT_EQ(found.values_read, 3);
}

TEST(Checker, AnUnansweredOrRefusedValueMayBeMissing) {
  const Findings found =
      Story().Sends(1, {kA}).Ends(1, EventType::kInfo).Sends(2, {kB}).Ends(2, EventType::kFail).Check();
  EXPECT_TRUE(found.none()) << found.ToString();
}

TEST(Checker, WhatRetentionTookIsNotAskedFor) {
  const Findings found = Story()
                             .SendsAndIsAcked(1, kA, 0)
                             .SendsAndIsAcked(2, kB, 1)
                             .SendsAndIsAcked(3, kC, 2)
                             .Polls({{0, 0, kA}})
                             .Polls({{0, 2, kC}})
                             .LastReadFinds({{0, 2, kC}})
                             .LogStartsAt(2)
                             .Check();
  EXPECT_TRUE(found.none()) << found.ToString();
}

TEST(Checker, AnAckedValueBelowWhatWasPolledIsALostWrite) {
  ExpectOnly(Anomaly::kLostWrite,
             Story().SendsAndIsAcked(1, kA, 0).SendsAndIsAcked(2, kB, 1).LastReadFinds({{0, 1, kB}}).Check());
}

TEST(Checker, AnAckedValueAtTheEndIsUnseen) {
  ExpectOnly(Anomaly::kUnseen,
             Story().SendsAndIsAcked(1, kA, 0).SendsAndIsAcked(2, kB, 1).LastReadFinds({{0, 0, kA}}).Check());
}

TEST(Checker, AValueAtTwoOffsetsIsADuplicate) {
  ExpectOnly(Anomaly::kDuplicate,
             Story().SendsAndIsAcked(1, kA, 0).LastReadFinds({{0, 0, kA}, {0, 1, kA}}).Check());
  ExpectOnly(Anomaly::kDuplicate,
             Story().SendsAndIsAcked(1, kA, 0).LastReadFinds({{0, 0, kA}, {1, 0, kA}}).Check());
}

TEST(Checker, TwoValuesAtOneOffsetAreInconsistent) {
  ExpectOnly(Anomaly::kInconsistentOffsets,
             Story().Sends(1, {kA}).Sends(2, {kC}).LastReadFinds({{0, 0, kC}}).Polls({{0, 0, kA}}).Check());
}

TEST(Checker, AReadOfARefusedValueIsG1a) {
  ExpectOnly(Anomaly::kAbortedRead,
             Story().Sends(1, {kA}).Ends(1, EventType::kFail).LastReadFinds({{0, 0, kA}}).Check());
}

TEST(Checker, AValueThatNobodySentIsForeign) {
  ExpectOnly(Anomaly::kForeign, Story().LastReadFinds({{0, 0, kForeignValue}}).Check());
  ExpectOnly(Anomaly::kForeign, Story().LastReadFinds({{0, 0, kA}}).Sends(1, {kA}).Check());
}

// What the consumer is given is in the last read: only its own way there is wrong.
Story ThreeInTheLog() {
  return Story().SendsAndIsAcked(1, kA, 0).SendsAndIsAcked(2, kB, 1).SendsAndIsAcked(3, kC, 2).LastReadFinds(
      {{0, 0, kA}, {0, 1, kB}, {0, 2, kC}});
}

TEST(Checker, APollThatLeavesOutOffsetsIsASkip) {
  ExpectOnly(Anomaly::kPollSkip, ThreeInTheLog().Polls({{0, 0, kA}}).Polls({{0, 2, kC}}).Check());
  ExpectOnly(Anomaly::kPollSkip, ThreeInTheLog().Seeks(0).Polls({{0, 1, kB}}).Check());
}

TEST(Checker, APollThatGoesBackIsNonmonotonic) {
  ExpectOnly(Anomaly::kNonmonotonicPoll, ThreeInTheLog().Polls({{0, 1, kB}}).Polls({{0, 1, kB}}).Check());
  ExpectOnly(Anomaly::kNonmonotonicPoll, ThreeInTheLog().Polls({{0, 1, kB}}).Polls({{0, 0, kA}}).Check());
}

TEST(Checker, ASkipInsideOnePollIsInternal) {
  ExpectOnly(Anomaly::kInternalPollSkip, ThreeInTheLog().Polls({{0, 0, kA}, {0, 2, kC}}).Check());
}

TEST(Checker, GoingBackInsideOnePollIsInternal) {
  ExpectOnly(Anomaly::kInternalNonmonotonicPoll, ThreeInTheLog().Polls({{0, 1, kB}, {0, 0, kA}}).Check());
}

// Pipelined: both were under way, so real time orders nothing.
TEST(Checker, ALaterSendAtAnEarlierOffsetIsNonmonotonic) {
  ExpectOnly(Anomaly::kNonmonotonicSend, Story()
                                             .Sends(1, {kA})
                                             .Sends(2, {kB})
                                             .Ends(1, EventType::kOk, 1)
                                             .Ends(2, EventType::kOk, 0)
                                             .LastReadFinds({{0, 0, kB}, {0, 1, kA}})
                                             .Check());
}

TEST(Checker, ValuesOfOneSendOutOfOrderAreInternallyNonmonotonic) {
  ExpectOnly(Anomaly::kInternalNonmonotonicSend,
             Story().Sends(1, {kA, kB}).LastReadFinds({{0, 0, kB}, {0, 1, kA}}).Check());
}

TEST(Checker, AnOffsetBelowOneThatWasAckedBeforeTheSendBreaksRealTimeOrder) {
  ExpectOnly(Anomaly::kRealTimeOrder, Story()
                                          .SendsAndIsAcked(1, kA, 1)
                                          .SendsAndIsAcked(2, kC, 0)
                                          .LastReadFinds({{0, 0, kC}, {0, 1, kA}})
                                          .Check());
}

TEST(Checker, AValueElsewhereThanAckedIsMoved) {
  ExpectOnly(Anomaly::kMoved, Story().SendsAndIsAcked(1, kA, 0).LastReadFinds({{0, 3, kA}}).Check());
  ExpectOnly(Anomaly::kMoved, Story().SendsAndIsAcked(1, kA, 0).LastReadFinds({{1, 0, kA}}).Check());
}

TEST(Checker, AnEndOffsetNotAboveAnAckedOneIsFound) {
  const Story story = Story().SendsAndIsAcked(1, kA, 0).LastReadFinds({{0, 0, kA}}).AsksForTheEnd(2);
  ExpectOnly(Anomaly::kEndBelowAck, Story(story).IsToldTheEnd(2, 0).Check());
  EXPECT_TRUE(Story(story).IsToldTheEnd(2, 1).Check().none());
}

TEST(Checker, ARecordThatAConsumerSawAndThatIsGoneIsFound) {
  ExpectOnly(Anomaly::kSeenThenGone, Story().Sends(1, {kA}).Polls({{0, 0, kA}}).LastReadFinds({}).Check());
}

TEST(Checker, ALongHistoryTakesLinearTime) {
  constexpr int64_t kCount = 200'000;
  Story story;
  std::vector<ReadRecord> all;
  for (int64_t i = 0; i < kCount; ++i) {
    story.SendsAndIsAcked(i, {0, i}, i);
    all.push_back({0, i, {0, i}});
  }
  const Findings found = story.Polls(all).LastReadFinds(all).Check();
  EXPECT_TRUE(found.none()) << found.ToString();
  EXPECT_EQ(found.values_read, kCount);
}

}  // namespace
}  // namespace sluice::crash
