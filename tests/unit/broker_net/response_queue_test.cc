#include "broker/net/response_queue.h"

#include "gtest/gtest.h"

namespace sluice::broker {
namespace {

Answer Nothing() {
  return {.kind = Answer::Kind::kNothing};
}

TEST(ResponseQueue, AnswersBehindAPendingOneWait) {
  ResponseQueue queue;
  const uint64_t first = queue.Open();
  const uint64_t second = queue.Open();
  EXPECT_FALSE(queue.Put(second, Nothing()));
  EXPECT_EQ(queue.Ready(0), nullptr);
  EXPECT_NE(queue.Ready(1), nullptr);
  EXPECT_TRUE(queue.Put(first, Nothing()));
  EXPECT_NE(queue.Ready(0), nullptr);
}

TEST(ResponseQueue, OnlyTheFirstAnswerCounts) {
  ResponseQueue queue;
  const uint64_t sequence = queue.Open();
  EXPECT_TRUE(queue.Put(sequence, Nothing()));
  EXPECT_FALSE(queue.Put(sequence, {.kind = Answer::Kind::kClose}));
  EXPECT_EQ(queue.Ready(0)->kind, Answer::Kind::kNothing);
  queue.PopFront();
  EXPECT_FALSE(queue.Put(sequence, Nothing()));
}

TEST(ResponseQueue, CountsTheMemoryOfAnswersUntilTheyAreGone) {
  ResponseQueue queue;
  const auto answer = [](size_t size) {
    return Answer{.kind = Answer::Kind::kResponse, .response = {.bytes = Bytes(size), .files = {}}};
  };
  const uint64_t first = queue.Open();
  const uint64_t second = queue.Open();
  queue.Put(second, answer(1000));
  queue.Put(second, answer(5000));  // Does not count.
  EXPECT_EQ(queue.held_bytes(), 1000u);
  queue.Put(first, answer(300));
  EXPECT_EQ(queue.held_bytes(), 1300u);
  queue.PopFront();
  EXPECT_EQ(queue.held_bytes(), 1000u);
  queue.PopFront();
  EXPECT_EQ(queue.held_bytes(), 0u);
  queue.Put(queue.Open(), answer(7));
  queue.Clear();
  EXPECT_EQ(queue.held_bytes(), 0u);
}

TEST(ResponseQueue, KeepsAnswersWhileItGrows) {
  ResponseQueue queue;
  for (int i = 0; i < 100; ++i) {
    const uint64_t sequence = queue.Open();
    queue.Put(sequence, {.kind = Answer::Kind::kClose, .reason = std::to_string(i)});
    if (i == 3) {
      queue.PopFront();  // So that the ring has turned when it grows.
    }
  }
  ASSERT_EQ(queue.in_flight(), 99u);
  for (size_t i = 0; i < 99; ++i) {
    EXPECT_EQ(queue.Ready(i)->reason, std::to_string(i + 1));
  }
}

TEST(ResponseQueue, AnswersToAClearedQueueAreIgnored) {
  ResponseQueue queue;
  const uint64_t sequence = queue.Open();
  queue.Clear();
  EXPECT_FALSE(queue.Put(sequence, Nothing()));
  EXPECT_EQ(queue.in_flight(), 0u);
  EXPECT_TRUE(queue.Put(queue.Open(), Nothing()));
}

}  // namespace
}  // namespace sluice::broker
