#include <limits>

#include "storage/log/producer_state.h"
#include "tests/support/log_fixture.h"

namespace sluice::storage {
namespace {

class ProducerTest : public LogFixture {
 protected:
  static BatchSpec Spec(int32_t sequence, int records = 1, int16_t epoch = 0) {
    return {.records = records,
            .producer_id = ProducerId(5),
            .producer_epoch = ProducerEpoch(epoch),
            .base_sequence = sequence};
  }
};

TEST_F(ProducerTest, ARetryOfAnyOfTheLastFiveIsAnsweredAsTheFirstTryWas) {
  OpenNew();
  for (int i = 0; i < 7; ++i) {
    Put(Spec(i * 2, 2));
  }
  for (int i = 2; i < 7; ++i) {
    const AppendOutcome outcome = Append(Spec(i * 2, 2));
    EXPECT_EQ(outcome.code, AppendCode::kDuplicate);
    EXPECT_EQ(outcome.base_offset.value(), i * 2);
    EXPECT_EQ(outcome.next_offset.value(), i * 2 + 2);
  }
  EXPECT_EQ(Append(Spec(2, 2)).code, AppendCode::kOutOfOrderSequence);
  EXPECT_EQ(log_->end().value(), 14);
}

TEST_F(ProducerTest, AGapIsRefusedAndChangesNothing) {
  OpenNew();
  Put(Spec(0));
  EXPECT_EQ(Append(Spec(2)).code, AppendCode::kOutOfOrderSequence);
  Put(Spec(1));
}

TEST_F(ProducerTest, AnUnknownProducerMayBeginAnywhere) {
  OpenNew();
  Put(Spec(1000));
  Put(Spec(1001));
}

TEST_F(ProducerTest, ANewEpochBeginsAtZeroAndFencesTheOld) {
  OpenNew();
  Put(Spec(0));
  EXPECT_EQ(Append(Spec(1, 1, 1)).code, AppendCode::kOutOfOrderSequence);
  Put(Spec(0, 1, 1));
  EXPECT_EQ(Append(Spec(1, 1, 0)).code, AppendCode::kInvalidProducerEpoch);
}

TEST_F(ProducerTest, SequencesWrap) {
  OpenNew();
  constexpr int32_t kLast = std::numeric_limits<int32_t>::max();
  Put(Spec(kLast - 1, 2));
  Put(Spec(0));
  EXPECT_EQ(Append(Spec(kLast - 1, 2)).code, AppendCode::kDuplicate);
  Put(Spec(1, 3));
}

TEST_F(ProducerTest, ABatchThatItselfWrapsIsFollowedRight) {
  OpenNew();
  constexpr int32_t kLast = std::numeric_limits<int32_t>::max();
  Put(Spec(kLast, 3));  // max, 0, 1
  Put(Spec(2));
}

TEST_F(ProducerTest, AProducerNotSeenForADayIsForgotten) {
  OpenNew();
  Put(Spec(0));
  clock_.Advance(absl::Hours(24) - absl::Milliseconds(1));
  dir_->Tick();
  EXPECT_EQ(Append(Spec(500)).code, AppendCode::kOutOfOrderSequence);
  clock_.Advance(absl::Milliseconds(1));
  dir_->Tick();
  Put(Spec(500));
}

TEST_F(ProducerTest, WhatItSendsKeepsAProducerRemembered) {
  OpenNew();
  Put(Spec(0));
  clock_.Advance(absl::Hours(23));
  Put(Spec(1));
  clock_.Advance(absl::Hours(23));
  dir_->Tick();
  EXPECT_EQ(Append(Spec(0)).code, AppendCode::kDuplicate);
}

TEST_F(ProducerTest, AProducerThatExpiredWhileTheBrokerWasDownIsForgottenBeforeTheFirstTick) {
  OpenNew();
  Put(Spec(0));
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  Crash();
  clock_.Advance(absl::Hours(24));
  Open();
  Put(Spec(500));
}

TEST_F(ProducerTest, ARetryOfABatchWhoseSegmentIsGoneIsAnsweredAsTheFirstTryWas) {
  OpenNew();
  Put(Spec(0, 3));
  PutMany(40, {.value_size = 4000});
  ASSERT_GT(log_->segment_count(), 2u);
  ASSERT_EQ(log_->AdvanceStart(Offset(30)), absl::OkStatus());
  ASSERT_EQ(ReadAt(0).code, ReadCode::kOffsetOutOfRange);
  for (int start = 0; start < 3; ++start) {
    const AppendOutcome again = Append(Spec(0, 3));
    EXPECT_EQ(again.code, AppendCode::kDuplicate) << "start " << start;
    EXPECT_EQ(again.base_offset, Offset(0));
    start == 0 ? CloseAndReopen() : CrashAndReopen();
  }
}

// Both are rebuilt: from the log, or from a checkpoint and the log behind it.
TEST_F(ProducerTest, EpochSequenceAndWindowSurviveACrashWithAndWithoutTheIndex) {
  OpenNew();
  Put(Spec(0, 2));
  for (int i = 0; i < 6; ++i) {
    Put(Spec(i, 1, 3));
  }
  for (const bool index_lost : {false, true}) {
    Crash();
    if (index_lost) {
      RemoveIndex();
    }
    Open();
    EXPECT_EQ(Append(Spec(2, 1, 0)).code, AppendCode::kInvalidProducerEpoch);
    EXPECT_EQ(Append(Spec(7, 1, 3)).code, AppendCode::kOutOfOrderSequence);
    EXPECT_EQ(Append(Spec(0, 1, 3)).code, AppendCode::kOutOfOrderSequence) << "the sixth last";
    for (int i = 1; i < 6; ++i) {
      EXPECT_EQ(Append(Spec(i, 1, 3)).base_offset.value(), 2 + i);
    }
  }
  Put(Spec(6, 1, 3));
}

// Without the records there is nothing to rebuild it from.
TEST_F(ProducerTest, AProducerWhoseRecordsAndStateAreGoneMayBeginAnywhere) {
  OpenNew();
  Put(Spec(0));
  PutMany(40, {.value_size = 4000});
  ASSERT_EQ(log_->AdvanceStart(Offset(30)), absl::OkStatus());
  clock_.Advance(absl::Minutes(5));
  dir_->Tick();
  Crash();
  RemoveIndex();
  Open();
  Put(Spec(500));
}

Bytes BatchOf(int64_t producer, int32_t sequence) {
  return MakeBatch(
      {.producer_id = ProducerId(producer), .producer_epoch = ProducerEpoch(0), .base_sequence = sequence});
}

TEST(ProducerStateTest, OfTooManyProducersThoseNotUsedForLongestAreForgotten) {
  ProducerState state;
  constexpr int64_t kFlood = 3 * ProducerState::kProducersMax;
  const auto append = [&state](int64_t producer, int32_t sequence, int64_t offset) {
    state.Update(record::BatchView(BatchOf(producer, sequence)), Offset(offset), -1, 1000);
  };
  append(1, 0, 0);
  append(2, 0, 1);
  int32_t sequence = 0;
  for (int64_t i = 0; i < kFlood; ++i) {
    append(100 + i, 0, 2 + i);
    if (i % 1000 == 0) {
      append(2, ++sequence, 2 + i);
    }
    ASSERT_LE(state.entries().size(), ProducerState::kProducersMax);
  }
  EXPECT_GE(state.entries().size(), ProducerState::kProducersMax / 2);
  EXPECT_EQ(state.entries().count(ProducerId(1)), 0u);
  EXPECT_EQ(state.Check(record::BatchView(BatchOf(1, 77))).verdict, ProducerVerdict::kAccept);
  EXPECT_EQ(state.Check(record::BatchView(BatchOf(2, sequence))).verdict, ProducerVerdict::kDuplicate);
  EXPECT_EQ(state.Check(record::BatchView(BatchOf(2, sequence + 2))).verdict,
            ProducerVerdict::kOutOfOrderSequence);
  EXPECT_EQ(state.Check(record::BatchView(BatchOf(99 + kFlood, 0))).verdict, ProducerVerdict::kDuplicate);
}

TEST(ProducerStateTest, AMarkerRaisesTheEpochAndTheFirstBatchAfterItBeginsAtZero) {
  record::BatchBuilder builder({.producer_id = ProducerId(1),
                                .producer_epoch = ProducerEpoch(3),
                                .transactional = true,
                                .control = true});
  ASSERT_EQ(builder.Append(1, AsBytes("k"), AsBytes("v")), absl::OkStatus());
  const record::BatchView marker(*builder.Build());
  ProducerState state;
  EXPECT_EQ(state.Check(marker).verdict, ProducerVerdict::kAccept);
  state.Update(marker, Offset(0), -1, 10);
  const Bytes old =
      MakeBatch({.producer_id = ProducerId(1), .producer_epoch = ProducerEpoch(2), .base_sequence = 0});
  EXPECT_EQ(state.Check(record::BatchView(old)).verdict, ProducerVerdict::kInvalidEpoch);
  const Bytes gap =
      MakeBatch({.producer_id = ProducerId(1), .producer_epoch = ProducerEpoch(3), .base_sequence = 17});
  EXPECT_EQ(state.Check(record::BatchView(gap)).verdict, ProducerVerdict::kOutOfOrderSequence);
  const Bytes next =
      MakeBatch({.producer_id = ProducerId(1), .producer_epoch = ProducerEpoch(3), .base_sequence = 0});
  EXPECT_EQ(state.Check(record::BatchView(next)).verdict, ProducerVerdict::kAccept);
}

}  // namespace
}  // namespace sluice::storage
