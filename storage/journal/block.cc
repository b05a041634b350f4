#include "storage/journal/block.h"

#include <cstring>

#include "proto/base/crc32c.h"
#include "proto/base/endian.h"

namespace sluice::storage {
namespace {

constexpr uint32_t kMagic = 0x534c4a42;  // "SLJB"
constexpr uint16_t kVersion = 1;
constexpr size_t kVersionAt = 4;
constexpr size_t kCrcAt = 8;
constexpr size_t kCheckedFrom = 12;
constexpr size_t kEntryCountAt = 12;
constexpr size_t kSequenceAt = 16;
constexpr size_t kNeededFromAt = 24;
constexpr size_t kDataBytesAt = 32;
constexpr size_t kJournalIdAt = 40;

uint64_t ContentSize(size_t entry_count, uint64_t data_bytes) {
  return kBlockHeaderSize + entry_count * kJournalEntrySize + data_bytes;
}

void StoreEntry(std::byte* to, const JournalEntry& entry) {
  std::memcpy(to, entry.log.topic_id.bytes.data(), 16);
  StoreBigEndian(to + 16, entry.log.partition.value());
  StoreBigEndian(to + 20, entry.segment_base.value());
  StoreBigEndian(to + 28, entry.position);
  StoreBigEndian(to + 36, entry.size);
  StoreBigEndian(to + 44, entry.end_offset.value());
}

JournalEntry LoadEntry(const std::byte* from) {
  JournalEntry entry;
  std::memcpy(entry.log.topic_id.bytes.data(), from, 16);
  entry.log.partition = PartitionId(LoadBigEndian<int32_t>(from + 16));
  entry.segment_base = Offset(LoadBigEndian<int64_t>(from + 20));
  entry.position = LoadBigEndian<uint64_t>(from + 28);
  entry.size = LoadBigEndian<uint64_t>(from + 36);
  entry.end_offset = Offset(LoadBigEndian<int64_t>(from + 44));
  return entry;
}

}  // namespace

uint64_t BlockSize(size_t entry_count, uint64_t data_bytes) {
  return (ContentSize(entry_count, data_bytes) + kBlockAlignment - 1) / kBlockAlignment * kBlockAlignment;
}

void EncodeBlockHead(const BlockHeader& header, std::span<const JournalEntry> entries,
                     std::span<const ByteView> data, Bytes* head) {
  head->assign(kBlockHeaderSize + entries.size() * kJournalEntrySize, std::byte{0});
  std::byte* const at = head->data();
  StoreBigEndian(at, kMagic);
  StoreBigEndian(at + kVersionAt, kVersion);
  StoreBigEndian(at + kEntryCountAt, static_cast<uint32_t>(entries.size()));
  StoreBigEndian(at + kSequenceAt, header.sequence);
  StoreBigEndian(at + kNeededFromAt, header.needed_from);
  StoreBigEndian(at + kDataBytesAt, header.data_bytes);
  std::memcpy(at + kJournalIdAt, header.journal_id.bytes.data(), 16);
  for (size_t i = 0; i < entries.size(); ++i) {
    StoreEntry(at + kBlockHeaderSize + i * kJournalEntrySize, entries[i]);
  }
  uint32_t crc = Crc32c(ByteView(*head).subspan(kCheckedFrom));
  for (const ByteView piece : data) {
    crc = ExtendCrc32c(crc, piece);
  }
  StoreBigEndian(at + kCrcAt, crc);
}

std::optional<BlockHeader> PeekBlock(ByteView bytes, const Uuid& journal_id) {
  const std::byte* const at = bytes.data();
  if (LoadBigEndian<uint32_t>(at) != kMagic || LoadBigEndian<uint16_t>(at + kVersionAt) != kVersion ||
      std::memcmp(at + kJournalIdAt, journal_id.bytes.data(), 16) != 0) {
    return std::nullopt;
  }
  BlockHeader header;
  header.crc = LoadBigEndian<uint32_t>(at + kCrcAt);
  header.entry_count = LoadBigEndian<uint32_t>(at + kEntryCountAt);
  header.sequence = LoadBigEndian<uint64_t>(at + kSequenceAt);
  header.needed_from = LoadBigEndian<uint64_t>(at + kNeededFromAt);
  header.data_bytes = LoadBigEndian<uint64_t>(at + kDataBytesAt);
  header.journal_id = journal_id;
  return header;
}

std::optional<std::vector<JournalEntry>> DecodeBlock(const BlockHeader& header, ByteView block) {
  const uint64_t entries_bytes = uint64_t{header.entry_count} * kJournalEntrySize;
  if (header.data_bytes > block.size() || entries_bytes > block.size() ||
      kBlockHeaderSize + entries_bytes + header.data_bytes > block.size()) {
    return std::nullopt;
  }
  const size_t size = kBlockHeaderSize + entries_bytes + header.data_bytes;
  if (Crc32c(block.subspan(kCheckedFrom, size - kCheckedFrom)) != header.crc) {
    return std::nullopt;
  }
  std::vector<JournalEntry> entries;
  uint64_t data_left = header.data_bytes;
  for (uint32_t i = 0; i < header.entry_count; ++i) {
    entries.push_back(LoadEntry(block.data() + kBlockHeaderSize + i * kJournalEntrySize));
    if (entries.back().size > data_left) {
      return std::nullopt;
    }
    data_left -= entries.back().size;
  }
  return data_left == 0 ? std::optional(std::move(entries)) : std::nullopt;
}

}  // namespace sluice::storage
