#include "broker/kafka/read_cursors.h"

#include <gtest/gtest.h>

#include "proto/base/random.h"

namespace sluice::broker {
namespace {

storage::ReadCursor CursorAt(int64_t offset) {
  return {.next_offset = Offset(offset), .segment_base = Offset(0), .position = 61};
}

class ReadCursorsTest : public testing::Test {
 protected:
  ReadCursors::Key Key(int32_t partition) const {
    return {.topic = topic_, .partition = PartitionId(partition)};
  }

  Random random_{1};
  const Uuid topic_ = Uuid::Generate(random_);
};

TEST_F(ReadCursorsTest, UnknownPartitionHasCursorThatFitsNothing) {
  EXPECT_EQ(ReadCursors().Get(Key(0)).next_offset.value(), -1);
}

TEST_F(ReadCursorsTest, LaterCursorReplacesEarlierOne) {
  ReadCursors cursors;
  cursors.Put(Key(0), CursorAt(10));
  cursors.Put(Key(0), CursorAt(20));
  EXPECT_EQ(cursors.Get(Key(0)).next_offset.value(), 20);
  EXPECT_EQ(cursors.size(), 1u);
}

TEST_F(ReadCursorsTest, SamePartitionOfAnotherTopicIsAnotherOne) {
  ReadCursors cursors;
  cursors.Put(Key(0), CursorAt(10));
  const Uuid other = Uuid::Generate(random_);
  EXPECT_EQ(cursors.Get({.topic = other, .partition = PartitionId(0)}).next_offset.value(), -1);
}

TEST_F(ReadCursorsTest, LeastRecentlyUsedIsForgottenFirst) {
  ReadCursors cursors(/*count_max=*/2);
  cursors.Put(Key(0), CursorAt(10));
  cursors.Put(Key(1), CursorAt(11));
  cursors.Put(Key(0), CursorAt(20));
  cursors.Put(Key(2), CursorAt(12));
  EXPECT_EQ(cursors.size(), 2u);
  EXPECT_EQ(cursors.Get(Key(0)).next_offset.value(), 20);
  EXPECT_EQ(cursors.Get(Key(1)).next_offset.value(), -1);
  EXPECT_EQ(cursors.Get(Key(2)).next_offset.value(), 12);
}

}  // namespace
}  // namespace sluice::broker
