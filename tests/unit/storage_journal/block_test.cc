#include "storage/journal/block.h"

#include "gtest/gtest.h"
#include "proto/base/crc32c.h"
#include "proto/base/endian.h"
#include "tests/support/journal_fixture.h"

namespace sluice::storage {
namespace {

class BlockTest : public JournalFixture {
 protected:
  static Bytes Encode(const BlockHeader& header, std::span<const JournalEntry> entries,
                      std::span<const ByteView> data) {
    Bytes block;
    EncodeBlockHead(header, entries, data, &block);
    for (const ByteView piece : data) {
      block.insert(block.end(), piece.begin(), piece.end());
    }
    return block;
  }
  static std::optional<std::vector<JournalEntry>> Decode(ByteView block, const Uuid& id) {
    const std::optional<BlockHeader> header = PeekBlock(block, id);
    return header ? DecodeBlock(*header, block) : std::nullopt;
  }
  static std::string Hex(ByteView bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
      absl::StrAppend(&text, absl::Hex(static_cast<uint8_t>(byte), absl::kZeroPad2));
    }
    return text;
  }

  const Uuid id_ = NumberedUuid(0xab);
};

TEST_F(BlockTest, StandsOnTheDiskAsDocumented) {
  const JournalEntry entry{.log = {NumberedUuid(0x11), PartitionId(3)},
                           .segment_base = Offset(0x0102),
                           .position = 0x0a0b,
                           .size = 5,
                           .end_offset = Offset(0x0304)};
  const ByteView data = AsBytes("hello");
  const Bytes block =
      Encode({.sequence = 9, .needed_from = 4, .data_bytes = 5, .journal_id = id_}, {&entry, 1}, {&data, 1});
  const std::string checked =
      "00000001"                          // entries
      "0000000000000009"                  // sequence
      "0000000000000004"                  // needed from
      "0000000000000005"                  // bytes of data
      "abababababababababababababababab"  // journal
      "11111111111111111111111111111111"  // topic
      "00000003"                          // partition
      "0000000000000102"                  // segment base
      "0000000000000a0b"                  // position
      "0000000000000005"                  // size
      "0000000000000304"                  // end offset
      "68656c6c6f";
  const std::string crc = Hex(ByteView(block).subspan(8, 4));
  EXPECT_EQ(Hex(block), "534c4a4200010000" + crc + checked);
  EXPECT_EQ(LoadBigEndian<uint32_t>(block.data() + 8), Crc32c(ByteView(block).subspan(12)));
  EXPECT_EQ(crc, "9895ae23");
}

TEST_F(BlockTest, ComesBackAsItWasWritten) {
  const std::vector<JournalEntry> entries = {EntryOf(0, 10, 3), EntryOf(1, 99, 0), EntryOf(2, 7, 4)};
  const std::vector<ByteView> data = {AsBytes("abc"), AsBytes("defg")};
  const Bytes block =
      Encode({.sequence = 12, .needed_from = 11, .data_bytes = 7, .journal_id = id_}, entries, data);
  const std::optional<BlockHeader> header = PeekBlock(block, id_);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->sequence, 12u);
  EXPECT_EQ(header->needed_from, 11u);
  EXPECT_EQ(header->entry_count, 3u);
  EXPECT_EQ(header->data_bytes, 7u);
  EXPECT_EQ(DecodeBlock(*header, block), entries);
}

TEST_F(BlockTest, AnEmptyBlockIsWhole) {
  const Bytes block = Encode({.sequence = 1, .needed_from = 1, .journal_id = id_}, {}, {});
  EXPECT_EQ(block.size(), kBlockHeaderSize);
  EXPECT_EQ(Decode(block, id_), std::vector<JournalEntry>());
}

TEST_F(BlockTest, TakesWholePages) {
  EXPECT_EQ(BlockSize(0, 0), kBlockAlignment);
  const uint64_t fits = kBlockAlignment - kBlockHeaderSize - kJournalEntrySize;
  EXPECT_EQ(BlockSize(1, fits), kBlockAlignment);
  EXPECT_EQ(BlockSize(1, fits + 1), 2 * kBlockAlignment);
}

TEST_F(BlockTest, AnotherJournalsBlockIsNone) {
  const Bytes block = Encode({.sequence = 1, .needed_from = 1, .journal_id = id_}, {}, {});
  EXPECT_FALSE(PeekBlock(block, NumberedUuid(0xac)).has_value());
}

TEST_F(BlockTest, EachFlippedBitIsFoundAndEachMissingByteToo) {
  const std::vector<JournalEntry> entries = {EntryOf(0, 10, 3), EntryOf(2, 7, 4)};
  const std::vector<ByteView> data = {AsBytes("abc"), AsBytes("defg")};
  const Bytes block =
      Encode({.sequence = 12, .needed_from = 11, .data_bytes = 7, .journal_id = id_}, entries, data);
  for (size_t at = 0; at < block.size(); ++at) {
    if (at == 6 || at == 7) {
      continue;  // Reserved, and looked at by nobody.
    }
    for (int bit = 0; bit < 8; ++bit) {
      Bytes damaged = block;
      damaged[at] ^= std::byte(1 << bit);
      EXPECT_EQ(Decode(damaged, id_), std::nullopt) << "byte " << at << ", bit " << bit;
    }
  }
  for (size_t size = kBlockHeaderSize; size < block.size(); ++size) {
    EXPECT_EQ(Decode(ByteView(block).first(size), id_), std::nullopt) << size << " bytes";
  }
}

TEST_F(BlockTest, SizesThatDoNotAddUpAreRefusedWhateverTheCrcSays) {
  const std::vector<JournalEntry> entries = {EntryOf(0, 10, 3), EntryOf(2, 7, 5)};
  const std::vector<ByteView> data = {AsBytes("abc"), AsBytes("defg")};
  for (const uint64_t last_size : {5ull, 3ull, ~0ull}) {
    std::vector<JournalEntry> wrong = entries;
    wrong.back().size = last_size;
    const Bytes block = Encode({.sequence = 1, .data_bytes = 7, .journal_id = id_}, wrong, data);
    EXPECT_EQ(Decode(block, id_), std::nullopt) << last_size;
  }
  const Bytes endless = Encode({.sequence = 1, .data_bytes = ~0ull, .journal_id = id_}, {}, {});
  EXPECT_EQ(Decode(endless, id_), std::nullopt);
}

}  // namespace
}  // namespace sluice::storage
