#include "storage/tools/verify.h"

#include "proto/base/endian.h"
#include "tools_fixture.h"

namespace sluice::storage {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class VerifyTest : public ToolsFixture {};

TEST_F(VerifyTest, GoodLogHasNoProblemAndIsCounted) {
  MakeStoppedLog(200);
  const PartitionReport report = Verify();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.name, "orders-0");
  EXPECT_EQ(report.segments, SegmentFiles().size());
  EXPECT_GT(report.segments, 3u);
  EXPECT_EQ(report.batches, 200u);
  EXPECT_EQ(report.records, 600u);
  EXPECT_EQ(report.first_offset.value(), 0);
  EXPECT_EQ(report.next_offset.value(), 600);
  EXPECT_EQ(report.tail, TailState::kClean);
}

TEST_F(VerifyTest, EveryRandomBitFlipIsFound) {
  MakeStoppedLog(200);
  Random random(20261122);
  const std::vector<std::string> names = SegmentFiles();
  const uint64_t first_batch = BatchPositions(names[0])[1];
  for (int i = 0; i < 300; ++i) {
    // Not in the first segment's first batch: nothing but the checkpoint tells that its epoch is wrong.
    const std::string& name = names[random.Below(names.size() - 1)];
    const uint64_t size = *posix_.FileSize(LogPath(name));
    const uint64_t position = first_batch + random.Below(size - first_batch);
    const std::byte bit{static_cast<uint8_t>(1 << random.Below(8))};
    std::string content = *posix_.ReadFile(LogPath(name));
    std::byte flipped = AsBytes(content)[position] ^ bit;
    ASSERT_NO_FATAL_FAILURE(Overwrite(name, position, {&flipped, 1}));
    const PartitionReport report = Verify();
    EXPECT_GT(report.problem_count, 0u) << name << " byte " << position << " bit " << static_cast<int>(bit);
    // One flipped bit costs one batch at most.
    EXPECT_GE(report.batches, 199u) << name << " byte " << position << " bit " << static_cast<int>(bit);
    ASSERT_NO_FATAL_FAILURE(Overwrite(name, position, AsBytes(content).subspan(position, 1)));
  }
  EXPECT_THAT(Verify().problems, IsEmpty());
}

TEST_F(VerifyTest, EveryRandomTruncationOfASealedSegmentIsFound) {
  MakeStoppedLog(150);
  Random random(5);
  const std::string name = SegmentFiles()[1];
  const std::string content = *posix_.ReadFile(LogPath(name));
  for (int i = 0; i < 50; ++i) {
    const uint64_t size = random.Below(content.size());
    ASSERT_NO_FATAL_FAILURE(CutFile(name, size));
    EXPECT_GT(Verify().problem_count, 0u) << size;
    ASSERT_NO_FATAL_FAILURE(Overwrite(name, 0, AsBytes(content)));
  }
  EXPECT_THAT(Verify().problems, IsEmpty());
}

TEST_F(VerifyTest, DamageIsNamedByFileByteAndOffset) {
  MakeStoppedLog(150);
  const std::string name = SegmentFiles()[1];
  const uint64_t position = BatchPositions(name)[4];
  FlipBit(name, position + 100);
  const PartitionReport report = Verify();
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_EQ(report.problems[0].kind, Problem::Kind::kDamage);
  EXPECT_EQ(report.problems[0].file, LogPath(name));
  EXPECT_EQ(report.problems[0].position, position);
  EXPECT_EQ(report.problems[0].offset.value(), std::stoll(name) + 12);
  EXPECT_THAT(report.problems[0].reason, HasSubstr("CRC"));
  EXPECT_EQ(report.batches, 149u);
}

TEST_F(VerifyTest, WrongBaseOffsetIsToldFromDamage) {
  MakeStoppedLog(100);
  const std::string name = SegmentFiles()[0];
  FlipBit(name, BatchPositions(name)[4] + 5);  // Not under the CRC.
  const PartitionReport report = Verify();
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_EQ(report.problems[0].kind, Problem::Kind::kOffset);
  EXPECT_EQ(report.problems[0].offset.value(), 12);
  EXPECT_EQ(report.batches, 100u);
}

TEST_F(VerifyTest, SwappedBatchesAreFound) {
  MakeStoppedLog(100);
  const std::string name = SegmentFiles()[0];
  const std::vector<uint64_t> at = BatchPositions(name);
  ASSERT_EQ(at[5] - at[4], at[6] - at[5]);
  const std::string content = *posix_.ReadFile(LogPath(name));
  Overwrite(name, at[4], AsBytes(content).subspan(at[5], at[6] - at[5]));
  Overwrite(name, at[5], AsBytes(content).subspan(at[4], at[5] - at[4]));
  EXPECT_GT(Verify().problem_count, 0u);
}

TEST_F(VerifyTest, MissingSegmentIsAGap) {
  MakeStoppedLog(200);
  const std::vector<std::string> names = SegmentFiles();
  ASSERT_EQ(posix_.Unlink(LogPath(names[1])), absl::OkStatus());
  const PartitionReport report = Verify();
  EXPECT_THAT(report.problems, Contains(Field(&Problem::kind, Problem::Kind::kGap)));
  EXPECT_EQ(report.next_offset.value(), 600);
}

TEST_F(VerifyTest, ALogThatEndsBeforeItsCheckpointHasLostSomething) {
  MakeStoppedLog(200);
  const std::string last = SegmentFiles().back();
  CutFile(last, BatchPositions(last)[1]);
  const PartitionReport report = Verify();
  EXPECT_EQ(report.tail, TailState::kDamaged);
  EXPECT_THAT(report.problems, ElementsAre(Field(&Problem::kind, Problem::Kind::kCheckpoint)));
}

TEST_F(VerifyTest, ATornTailAfterACrashIsNoProblem) {
  MakeStoppedLog(100);
  ASSERT_EQ(posix_.Unlink(dir_options_.path + "/clean-shutdown"), absl::OkStatus());
  RemoveIndex();
  const std::string last = SegmentFiles().back();
  const uint64_t size = *posix_.FileSize(LogPath(last));
  const Bytes batch = MakeBatch({.records = 3, .value_size = 400});
  Overwrite(last, size, ByteView(batch).first(500));
  const PartitionReport report = Verify();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.tail, TailState::kTorn);
  EXPECT_EQ(report.tail_bytes, 500u);
  EXPECT_EQ(report.next_offset.value(), 300);
}

TEST_F(VerifyTest, TheSameAfterAnOrderlyStopIsOne) {
  MakeStoppedLog(100);
  const std::string last = SegmentFiles().back();
  const uint64_t size = *posix_.FileSize(LogPath(last));
  const Bytes batch = MakeBatch({.records = 3, .value_size = 400});
  Overwrite(last, size, ByteView(batch).first(500));
  const PartitionReport report = Verify();
  EXPECT_THAT(report.problems, Contains(Field(&Problem::kind, Problem::Kind::kTail)));
}

TEST_F(VerifyTest, AnIndexThatContradictsTheLogIsTold) {
  MakeStoppedLog(200);
  {
    const auto index = OffsetIndex::Open({.path = dir_options_.path + "/index"});
    ASSERT_TRUE(index.ok()) << index.status();
    ASSERT_EQ((*index)->Write(id_, {.offsets = {{Offset(30), Offset(0), 17}}}), absl::OkStatus());
    ASSERT_EQ((*index)->Flush(), absl::OkStatus());
  }
  const PartitionReport report = Verify();
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_EQ(report.problems[0].kind, Problem::Kind::kIndex);
  EXPECT_EQ(report.problems[0].offset.value(), 30);
  EXPECT_EQ(report.problems[0].position, 17u);
}

TEST_F(VerifyTest, VerifyingChangesNothing) {
  MakeStoppedLog(200);
  FlipBit(SegmentFiles()[1], 1000);
  const auto before = Snapshot();
  Verify();
  EXPECT_EQ(Snapshot(), before);
}

TEST_F(VerifyTest, AnUnreadableSegmentIsAProblemAndTheOthersAreVerified) {
  MakeStoppedLog(200);
  const LogFiles files = Files();
  disk_.FailNth(DiskCall::kRead, 4, absl::InternalError("injected: EIO"));
  const auto report = VerifyPartition({.disk = disk_, .partition = files.partitions()[0]}, NoProgress);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->problems, ElementsAre(Field(&Problem::kind, Problem::Kind::kUnreadable)));
  EXPECT_EQ(report->next_offset.value(), 600);
}

}  // namespace
}  // namespace sluice::storage
