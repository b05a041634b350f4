// One record, seen where it lies in its batch: views only, valid as long as the batch's (decompressed) bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>

#include "absl/strings/string_view.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"

namespace sluice::record {

// Also what BatchBuilder takes.
struct Header {
  absl::string_view key;
  std::optional<ByteView> value;

  friend bool operator==(const Header& a, const Header& b) {
    return a.key == b.key && a.value.has_value() == b.value.has_value() &&
           (!a.value || AsText(*a.value) == AsText(*b.value));
  }
};
using HeaderView = Header;

// The headers of a record, decoded as one walks over them; RecordIterator has checked their bytes before.
//
//   for (const HeaderView& header : record.headers) { ... }
class HeaderRange {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = HeaderView;
    using difference_type = std::ptrdiff_t;
    using pointer = const HeaderView*;
    using reference = const HeaderView&;

    Iterator() = default;
    const HeaderView& operator*() const { return header_; }
    const HeaderView* operator->() const { return &header_; }
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
    friend class HeaderRange;
    Iterator(ByteView bytes, size_t remaining) : bytes_(bytes), remaining_(remaining) { Read(); }
    void Read();

    ByteView bytes_;
    size_t remaining_ = 0;
    HeaderView header_;
  };

  HeaderRange() = default;
  // `bytes` hold exactly `count` headers, checked.
  HeaderRange(ByteView bytes, size_t count) : bytes_(bytes), count_(count) {}
  // The headers as they lie.
  ByteView bytes() const { return bytes_; }

  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  Iterator begin() const { return {bytes_, count_}; }
  Iterator end() const { return {}; }

 private:
  ByteView bytes_;
  size_t count_ = 0;
};

struct RecordView {
  Offset offset;
  int64_t timestamp_ms = 0;  // LogAppendTime batches: the batch's time.
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  HeaderRange headers;
};

}  // namespace sluice::record
