// Strong integer types for what Kafka numbers, so that an offset is never taken for a partition.
//
//   Offset end = batch_base + record_count;      // Offset + integer = Offset
//   int64_t lag = end - committed;               // Offset - Offset = integer
//   response.base_offset = end.value();          // The wire holds plain integers.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <string>
#include <utility>

namespace sluice {

template <class Tag, std::signed_integral T>
class StrongInt {
 public:
  using ValueType = T;

  constexpr StrongInt() = default;
  constexpr explicit StrongInt(T value) : value_(value) {}

  constexpr T value() const { return value_; }

  friend constexpr auto operator<=>(StrongInt, StrongInt) = default;
  friend constexpr StrongInt operator+(StrongInt id, std::integral auto delta) {
    return StrongInt(static_cast<T>(id.value_ + static_cast<T>(delta)));
  }
  friend constexpr StrongInt operator-(StrongInt id, std::integral auto delta) {
    return StrongInt(static_cast<T>(id.value_ - static_cast<T>(delta)));
  }
  friend constexpr T operator-(StrongInt a, StrongInt b) { return static_cast<T>(a.value_ - b.value_); }
  constexpr StrongInt& operator++() {
    ++value_;
    return *this;
  }

  template <class H>
  friend H AbslHashValue(H state, StrongInt id) {
    return H::combine(std::move(state), id.value_);
  }

 private:
  T value_ = 0;
};

// The position of a record in its partition, counted from 0.
using Offset = StrongInt<struct OffsetTag, int64_t>;
using PartitionId = StrongInt<struct PartitionTag, int32_t>;
using NodeId = StrongInt<struct NodeTag, int32_t>;
// Counts the leaderships of a partition (KIP-101, KIP-320). -1: unknown.
using LeaderEpoch = StrongInt<struct LeaderEpochTag, int32_t>;
// An idempotent producer and its incarnation (KIP-98). -1: the producer is not idempotent.
using ProducerId = StrongInt<struct ProducerIdTag, int64_t>;
using ProducerEpoch = StrongInt<struct ProducerEpochTag, int16_t>;

inline constexpr LeaderEpoch kNoLeaderEpoch{-1};
inline constexpr ProducerId kNoProducerId{-1};
inline constexpr ProducerEpoch kNoProducerEpoch{-1};
inline constexpr int32_t kNoSequence = -1;

}  // namespace sluice
