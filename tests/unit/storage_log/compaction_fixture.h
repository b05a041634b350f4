// A log of keyed records that compacts itself, and an independent memory of all that was ever appended to it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proto/record/record_iterator.h"
#include "tests/support/log_fixture.h"

namespace sluice::storage {

struct KeyedRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;  // None: a tombstone.
  int64_t timestamp_ms = 0;

  friend bool operator==(const KeyedRecord&, const KeyedRecord&) = default;
};

class CompactionFixture : public LogFixture {
 protected:
  CompactionFixture() {
    options_.segment_bytes = 16 << 10;
    options_.index_interval_bytes = 512;
    options_.cleanup_delete = false;
    options_.cleanup_compact = true;
    options_.min_cleanable_dirty_ratio = 0;
    options_.file_delete_delay_ms = 0;
  }

  static std::optional<ByteView> View(const std::optional<std::string>& text) {
    return text ? std::optional(AsBytes(*text)) : std::nullopt;
  }
  // One batch; remembers it.
  void PutKeyed(std::vector<KeyedRecord> records, record::BatchOptions options = {}) {
    record::BatchBuilder builder(options);
    for (KeyedRecord& record : records) {
      record.timestamp_ms = clock_.NowMs();
      ASSERT_EQ(builder.Append(record.timestamp_ms, View(record.key), View(record.value)), absl::OkStatus());
    }
    const AppendOutcome outcome = AppendBytes(ToBytes(*builder.Build()));
    ASSERT_EQ(outcome.code, AppendCode::kOk) << outcome.status;
    int64_t offset = outcome.base_offset.value();
    for (const KeyedRecord& record : records) {
      all_[offset++] = record;
    }
  }
  // `count` batches of one record each; the keys go round.
  void PutRound(int count, int keys, size_t value_size = 100) {
    for (int i = 0; i < count; ++i) {
      const std::string key = absl::StrCat("key", all_.size() % static_cast<size_t>(keys));
      std::string value = absl::StrCat("value", all_.size());
      value.resize(value_size, '.');
      ASSERT_NO_FATAL_FAILURE(PutKeyed({{key, value}}));
    }
  }
  // Seals what there is, so that all of it may be compacted: the active segment never is.
  void Seal() {
    const LogOptions options = options_;
    LogOptions rolling = options_;
    rolling.segment_ms = 1;
    clock_.Advance(absl::Milliseconds(10));
    log_->SetOptions(rolling);
    dir_->Tick();
    log_->SetOptions(options);
    AwaitDurable(log_->end());
  }
  // One that stands alone, and three that become one.
  void PutSmallSegments() {
    for (const int count : {130, 30, 30}) {
      ASSERT_NO_FATAL_FAILURE(PutRound(count, 11));
      Seal();
    }
  }

  void AwaitReadable() {
    Await([this] { return log_->readable_end() == log_->end(); });
  }

  // What a consumer sees from `from` on: checks that offsets ascend and batches are whole.
  std::map<int64_t, KeyedRecord> Consume(int64_t from, uint64_t max_bytes = 1 << 20,
                                         bool with_cursor = true) {
    std::map<int64_t, KeyedRecord> seen;
    int64_t next = from;
    for (const Bytes& bytes : ReadAll(from, max_bytes, with_cursor)) {
      const record::BatchView batch(bytes);
      EXPECT_GE(batch.next_offset().value(), next);
      next = batch.next_offset().value();
      Bytes scratch;
      const auto records = record::DecompressRecords(batch, &scratch, 1 << 20);
      EXPECT_TRUE(records.ok()) << records.status();
      record::RecordIterator it(batch, *records);
      for (record::RecordView record; it.Next(&record);) {
        if (record.offset.value() >= from) {
          EXPECT_TRUE(seen.empty() || seen.rbegin()->first < record.offset.value());
          seen[record.offset.value()] = {Own(record.key), Own(record.value), record.timestamp_ms};
        }
      }
      EXPECT_EQ(it.status(), absl::OkStatus());
    }
    EXPECT_EQ(next, log_->end().value());
    return seen;
  }
  static std::optional<std::string> Own(std::optional<ByteView> bytes) {
    return bytes ? std::optional(std::string(AsText(*bytes))) : std::nullopt;
  }

  // The newest offset of each key.
  std::map<std::string, int64_t> Newest() const {
    std::map<std::string, int64_t> newest;
    for (const auto& [offset, record] : all_) {
      if (record.key) {
        newest[*record.key] = offset;
      }
    }
    return newest;
  }
  // What must hold of a compacted log at any moment: every record that is seen is what was appended at its
  // offset, and of each key the newest is there; only a tombstone may be missing.
  void ExpectSound(const std::map<int64_t, KeyedRecord>& seen, int64_t from = 0) {
    for (const auto& [offset, record] : seen) {
      const auto found = all_.find(offset);
      ASSERT_TRUE(found != all_.end()) << "nothing was appended at offset " << offset;
      ASSERT_EQ(record, found->second) << "at offset " << offset;
    }
    for (const auto& [key, offset] : Newest()) {
      if (offset >= from && all_.at(offset).value) {
        ASSERT_TRUE(seen.contains(offset)) << "the newest of " << key << ", at " << offset << ", is gone";
      }
    }
    // A key whose newest is a tombstone that is gone has nothing before it either.
    std::set<std::string> deleted;
    for (const auto& [key, offset] : Newest()) {
      if (offset >= from && !all_.at(offset).value && !seen.contains(offset)) {
        deleted.insert(key);
      }
    }
    for (const auto& [offset, record] : seen) {
      ASSERT_FALSE(record.key && deleted.contains(*record.key)) << *record.key << " came back at " << offset;
    }
  }
  // Exactly the newest record of each key, but for the last segment's, which is not compacted.
  void ExpectCompacted(int64_t active_base) {
    const std::map<int64_t, KeyedRecord> seen = Consume(0);
    ASSERT_NO_FATAL_FAILURE(ExpectSound(seen));
    std::map<std::string, int64_t> newest;
    for (const auto& [offset, record] : all_) {
      if (offset < active_base && record.key) {
        newest[*record.key] = offset;
      }
    }
    for (const auto& [offset, record] : seen) {
      if (offset < active_base) {
        ASSERT_TRUE(record.key);
        ASSERT_EQ(newest[*record.key], offset) << "of " << *record.key << " an older record stayed";
      }
    }
  }

  std::map<int64_t, KeyedRecord> all_;
};

}  // namespace sluice::storage
