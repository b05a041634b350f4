// A place in a partition, by offset or by what it means.
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice {

//   Position::Beginning()       the oldest record that is still there
//   Position::End()             the next record to be written
//   Position::At(42)            the record with offset 42, or the next one after it
//   Position::Since(time)       the first record whose timestamp is at or after `time`; End() when there is
//   none Position::Tail(10)          10 offsets before the end, or the beginning when there are fewer
class Position {
 public:
  enum class Kind { kBeginning, kEnd, kOffset, kTime, kTail };

  static constexpr Position Beginning() { return {Kind::kBeginning, 0}; }
  static constexpr Position End() { return {Kind::kEnd, 0}; }
  static constexpr Position At(int64_t offset) { return {Kind::kOffset, offset}; }
  static constexpr Position Tail(int64_t count) { return {Kind::kTail, count}; }
  static constexpr Position SinceMs(int64_t unix_ms) { return {Kind::kTime, unix_ms}; }
  static Position Since(std::chrono::system_clock::time_point time) {
    return SinceMs(std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
  }

  constexpr Kind kind() const { return kind_; }
  // The offset, the milliseconds since 1970 or the count; 0 for the beginning and the end.
  constexpr int64_t value() const { return value_; }

  friend constexpr bool operator==(const Position&, const Position&) = default;

 private:
  constexpr Position(Kind kind, int64_t value) : kind_(kind), value_(value) {}

  Kind kind_;
  int64_t value_;
};

}  // namespace sluice
