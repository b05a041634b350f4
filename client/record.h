// Records on their way in (Message) and out (RecordView, FetchedRecords).
//
// Going in, everything is a view that has to live only until Send returns, which copies it once into the
// batch. Coming out, a RecordView points into the fetched bytes; its FetchedRecords keeps them alive.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/status.h"

namespace sluice {

// Text as bytes and bytes as text, without a copy.
inline std::span<const std::byte> BytesOf(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view TextOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct MessageHeader {
  std::string_view key = {};
  std::optional<std::span<const std::byte>> value = std::nullopt;
};

// One record to send. No value is a tombstone: compaction deletes the key. Empty and absent are different.
struct Message {
  std::string_view topic = {};
  // Absent: chosen by the key's murmur2 hash as Java's producer does, or without a key by filling a batch of
  // one partition before going on to another (sticky, KIP-480).
  std::optional<int32_t> partition = std::nullopt;
  std::optional<std::span<const std::byte>> key = std::nullopt;
  std::optional<std::span<const std::byte>> value = std::nullopt;
  std::span<const MessageHeader> headers = {};
  std::optional<int64_t> timestamp_ms = std::nullopt;  // Milliseconds since 1970 UTC. Absent: now.
};

// Where a record ended up.
struct Delivery {
  int32_t partition = -1;
  int64_t offset = -1;        // -1 when the broker does not tell: Acks::kNone.
  int64_t timestamp_ms = -1;  // The record's, or the broker's when the topic uses LogAppendTime.
};

// The headers of a fetched record, decoded as one walks over them.
//
//   for (const sluice::MessageHeader& header : record.headers) { ... }
class HeaderList {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = MessageHeader;
    using difference_type = std::ptrdiff_t;
    using pointer = const MessageHeader*;
    using reference = const MessageHeader&;

    Iterator() = default;
    const MessageHeader& operator*() const { return header_; }
    const MessageHeader* operator->() const { return &header_; }
    Iterator& operator++() {
      --remaining_;
      Read();
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.remaining_ == b.remaining_; }

   private:
    friend class HeaderList;
    Iterator(std::span<const std::byte> bytes, size_t remaining) : bytes_(bytes), remaining_(remaining) {
      Read();
    }
    void Read();

    std::span<const std::byte> bytes_;
    size_t remaining_ = 0;
    MessageHeader header_;
  };

  HeaderList() = default;
  // Made by the consumer, which has checked that `bytes` hold `count` headers.
  HeaderList(std::span<const std::byte> bytes, size_t count) : bytes_(bytes), count_(count) {}

  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  Iterator begin() const { return {bytes_, count_}; }
  Iterator end() const { return {}; }

 private:
  std::span<const std::byte> bytes_;
  size_t count_ = 0;
};

struct RecordView {
  std::string_view topic;
  int32_t partition = -1;
  int64_t offset = -1;
  int64_t timestamp_ms = -1;  // Milliseconds since 1970 UTC.
  std::optional<std::span<const std::byte>> key;
  std::optional<std::span<const std::byte>> value;
  HeaderList headers;
};

namespace client_internal {
class FetchedData;
class FetchedCursor;
}  // namespace client_internal

// What one Poll returned: records of one or more partitions, in offset order within each. Owns the bytes (the
// answer as it came from the network, and what compressed batches decompressed to) and may outlive the
// consumer and the client. Move-only. Walking over it parses records in place: no record is copied, nothing
// is allocated per record. Thread-compatible: several threads may walk over one const object at a time.
class FetchedRecords {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = RecordView;
    using difference_type = std::ptrdiff_t;
    using pointer = const RecordView*;
    using reference = const RecordView&;

    Iterator() = default;
    // Valid until the iterator moves; what it points to is valid as long as the FetchedRecords.
    const RecordView& operator*() const { return record_; }
    const RecordView* operator->() const { return &record_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& a, const Iterator& b) {
      return (a.cursor_ == nullptr) == (b.cursor_ == nullptr);
    }

   private:
    friend class FetchedRecords;
    explicit Iterator(std::shared_ptr<client_internal::FetchedCursor> cursor);

    std::shared_ptr<client_internal::FetchedCursor> cursor_;  // Null at the end. Copies share one position.
    RecordView record_;
  };

  FetchedRecords();  // No records.
  explicit FetchedRecords(std::unique_ptr<const client_internal::FetchedData> data);
  FetchedRecords(FetchedRecords&&) noexcept;
  FetchedRecords& operator=(FetchedRecords&&) noexcept;
  ~FetchedRecords();

  size_t size() const;
  bool empty() const { return size() == 0; }
  // Bytes of the records as they came over the network, compressed ones compressed.
  size_t size_bytes() const;

  Iterator begin() const;
  Iterator end() const { return {}; }

 private:
  std::unique_ptr<const client_internal::FetchedData> data_;
};

}  // namespace sluice
