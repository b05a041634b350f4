// An index in a folder of its own, opened and closed at will, and a look at what its files really hold.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/base/check.h"
#include "rocksdb/db.h"
#include "storage/index/key_codec.h"
#include "storage/index/rocks_offset_index.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {

inline LogId MakeLog(uint8_t topic, int32_t partition) {
  LogId log;
  log.topic_id.bytes.fill(topic);
  log.partition = PartitionId(partition);
  return log;
}

inline bool operator==(const OffsetEntry& a, const OffsetEntry& b) {
  return a.offset == b.offset && a.segment_base == b.segment_base && a.position == b.position;
}
inline bool operator==(const TimeEntry& a, const TimeEntry& b) {
  return a.timestamp_ms == b.timestamp_ms && a.offset == b.offset;
}
inline void PrintTo(const OffsetEntry& entry, std::ostream* os) {
  *os << "offset " << entry.offset.value() << " in segment " << entry.segment_base.value() << " at "
      << entry.position;
}
inline void PrintTo(const TimeEntry& entry, std::ostream* os) {
  *os << entry.timestamp_ms << " ms at offset " << entry.offset.value();
}

inline OffsetEntry Entry(int64_t offset, int64_t segment_base, uint64_t position) {
  return {.offset = Offset(offset), .segment_base = Offset(segment_base), .position = position};
}
inline TimeEntry Time(int64_t timestamp_ms, int64_t offset) {
  return {.timestamp_ms = timestamp_ms, .offset = Offset(offset)};
}
inline SegmentEntry Segment(int64_t base, int64_t next, uint64_t size_bytes, int64_t max_timestamp_ms) {
  return {.base_offset = Offset(base),
          .next_offset = Offset(next),
          .size_bytes = size_bytes,
          .max_timestamp_ms = max_timestamp_ms};
}

class IndexTest : public testing::Test {
 protected:
  IndexTest() { Open(); }

  std::string path() const { return folder_ / "index"; }
  void Open() {
    auto opened = RocksOffsetIndex::Open({.path = path()});
    ASSERT_TRUE(opened.ok()) << opened.status();
    index_ = *std::move(opened);
  }
  void Close() { index_.reset(); }
  void Reopen() {
    Close();
    Open();
  }

  void Write(const LogId& log, const IndexUpdate& update) {
    const absl::Status written = index_->Write(log, update);
    ASSERT_TRUE(written.ok()) << written;
  }
  // Offsets 0, 10, 20 ... below `end`, each at position offset * 7 of a segment per 100 offsets, and a
  // timestamp of 1000 + offset each.
  void Fill(const LogId& log, int64_t end) {
    IndexUpdate update;
    for (int64_t offset = 0; offset < end; offset += 10) {
      update.offsets.push_back(Entry(offset, offset / 100 * 100, static_cast<uint64_t>(offset % 100 * 7)));
      update.times.push_back(Time(1000 + offset, offset));
    }
    for (int64_t base = 0; base + 100 < end; base += 100) {
      update.sealed.push_back(Segment(base, base + 100, 700, 1000 + base + 90));
    }
    update.checkpoint = Checkpoint{.next_offset = Offset(end),
                                   .segment_base = Offset((end - 1) / 100 * 100),
                                   .position = 7,
                                   .state = "producers"};
    Write(log, update);
  }

  std::optional<OffsetEntry> Find(const LogId& log, int64_t offset) {
    auto found = index_->FindOffset(log, Offset(offset));
    EXPECT_TRUE(found.ok()) << found.status();
    return found.value_or(std::nullopt);
  }
  OffsetIndex::TimeBounds FindTime(const LogId& log, int64_t timestamp_ms) {
    auto found = index_->FindTime(log, timestamp_ms);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.value_or(OffsetIndex::TimeBounds{});
  }
  std::vector<int64_t> SegmentBases(const LogId& log) {
    auto segments = index_->SealedSegments(log);
    EXPECT_TRUE(segments.ok()) << segments.status();
    std::vector<int64_t> bases;
    for (const SegmentEntry& segment : segments.value_or(std::vector<SegmentEntry>{})) {
      bases.push_back(segment.base_offset.value());
    }
    return bases;
  }

  // How many keys of `type` the closed database holds for `log`, whether readers see them or not.
  size_t CountKeysOnDisk(KeyType type, const LogId& log) {
    CHECK(index_ == nullptr);
    rocksdb::DB* raw = nullptr;
    const rocksdb::Status opened = rocksdb::DB::OpenForReadOnly(rocksdb::Options(), path(), &raw);
    EXPECT_TRUE(opened.ok()) << opened.ToString();
    const std::unique_ptr<rocksdb::DB> db(raw);
    const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(rocksdb::ReadOptions()));
    const IndexKey prefix = IndexKey::Of(type, log);
    const std::string begin(prefix.text());
    size_t count = 0;
    for (it->Seek(begin); it->Valid() && it->key().starts_with(begin); it->Next()) {
      ++count;
    }
    return count;
  }

  TempDir folder_;  // Outlives the index.
  std::unique_ptr<RocksOffsetIndex> index_;
};

}  // namespace sluice::storage
