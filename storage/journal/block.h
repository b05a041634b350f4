// A block of the journal: what one sync makes durable, of all logs that waited for it.
// docs/formats/journal.md has it byte by byte.
//
//   | header | entry | entry ... | data of the entries, back to back | zeroes up to the next 4 KiB |
//
// A block begins at a multiple of 4 KiB, so that writing one never touches the disk sector of another.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/uuid.h"
#include "storage/index/log_id.h"

namespace sluice::storage {

// A stretch of one segment, and how far its log is durable with it.
struct JournalEntry {
  LogId log;
  Offset segment_base;
  uint64_t position = 0;  // In the segment file, where the bytes belong...
  uint64_t size = 0;  // ... and how many. 0: no bytes, the log was synced up to `position` by other means.
  Offset end_offset;  // One past the last record before position + size.

  friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
};

struct BlockHeader {
  uint64_t sequence = 0;     // One more than that of the block before.
  uint64_t needed_from = 0;  // Blocks before this one are in the segments, durably.
  uint32_t entry_count = 0;
  uint32_t crc = 0;
  uint64_t data_bytes = 0;
  Uuid journal_id;  // A file from another log dir is none of ours.
};

inline constexpr uint64_t kBlockAlignment = 4096;
inline constexpr size_t kBlockHeaderSize = 56;
inline constexpr size_t kJournalEntrySize = 52;

// What a block takes in the file, its padding included.
uint64_t BlockSize(size_t entry_count, uint64_t data_bytes);

// Header and entries into `head`, replacing what it held; the data follow as they are. The CRC covers all of
// it.
void EncodeBlockHead(const BlockHeader& header, std::span<const JournalEntry> entries,
                     std::span<const ByteView> data, Bytes* head);

// What the bytes claim to be; nothing when they do not begin like a block of that journal. `bytes` holds
// kBlockHeaderSize at least.
std::optional<BlockHeader> PeekBlock(ByteView bytes, const Uuid& journal_id);

// `block`: at least header, entries and data. Nothing when the CRC or the entries' sizes disagree.
std::optional<std::vector<JournalEntry>> DecodeBlock(const BlockHeader& header, ByteView block);

}  // namespace sluice::storage
