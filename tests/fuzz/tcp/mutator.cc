#include "tests/fuzz/tcp/mutator.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

namespace sluice::fuzz {
namespace {

using std::ptrdiff_t;

size_t Place(const Bytes& body, Random& random) {
  return random.Below(body.size() + 1);
}

std::byte RandomByte(Random& random) {
  constexpr std::array<uint8_t, 6> kTelling = {0x00, 0x01, 0x02, 0x7f, 0x80, 0xff};
  return static_cast<std::byte>(random.Below(2) == 0 ? kTelling[random.Below(kTelling.size())]
                                                     : random.Below(256));
}

void FlipBit(Bytes& body, ByteView, Random& random) {
  if (!body.empty()) {
    body[random.Below(body.size())] ^= static_cast<std::byte>(1u << random.Below(8));
  }
}

void SetByte(Bytes& body, ByteView, Random& random) {
  if (!body.empty()) {
    body[random.Below(body.size())] = RandomByte(random);
  }
}

// What a length or a count may say: less or more than there is, nothing, null, and the ends of the type.
int64_t TellingNumber(size_t remaining, Random& random) {
  const auto size = static_cast<int64_t>(remaining);
  const std::array<int64_t, 14> numbers = {-1,
                                           0,
                                           1,
                                           2,
                                           -2,
                                           size,
                                           size - 1,
                                           size + 1,
                                           size * 2,
                                           0x7f,
                                           0x80,
                                           0x7fff,
                                           std::numeric_limits<int32_t>::max(),
                                           std::numeric_limits<int64_t>::min()};
  return numbers[random.Below(numbers.size())];
}

// A fixed length, count or number of 2, 4 or 8 bytes.
void SetNumber(Bytes& body, ByteView, Random& random) {
  const size_t width = size_t{2} << random.Below(3);
  if (body.size() < width) {
    return;
  }
  const size_t at = random.Below(body.size() - width + 1);
  auto number = static_cast<uint64_t>(TellingNumber(body.size() - at - width, random));
  for (size_t i = width; i-- > 0; number >>= 8) {
    body[at + i] = static_cast<std::byte>(number);
  }
}

// A compact length or count in place of one byte: up to the longest there can be, and longer.
void SetVarint(Bytes& body, ByteView, Random& random) {
  if (body.empty()) {
    return;
  }
  const auto at = body.begin() + static_cast<ptrdiff_t>(random.Below(body.size()));
  Bytes varint(random.Below(11), std::byte{0xff});
  varint.push_back(static_cast<std::byte>(random.Below(128)));
  body.insert(body.erase(at), varint.begin(), varint.end());
}

void Truncate(Bytes& body, ByteView, Random& random) {
  body.resize(Place(body, random));
}

void Append(Bytes& body, ByteView, Random& random) {
  for (uint64_t left = 1 + random.Below(16); left > 0; --left) {
    body.push_back(RandomByte(random));
  }
}

struct Range {
  size_t begin = 0;
  size_t end = 0;
};

Range RangeOf(size_t size, Random& random) {
  const size_t a = random.Below(size + 1);
  const size_t b = random.Below(size + 1);
  return {.begin = std::min(a, b), .end = std::max(a, b)};
}

void Remove(Bytes& body, ByteView, Random& random) {
  const Range range = RangeOf(body.size(), random);
  body.erase(body.begin() + static_cast<ptrdiff_t>(range.begin),
             body.begin() + static_cast<ptrdiff_t>(range.end));
}

void Insert(Bytes& body, ByteView piece, Random& random) {
  body.insert(body.begin() + static_cast<ptrdiff_t>(Place(body, random)), piece.begin(), piece.end());
}

void Repeat(Bytes& body, ByteView, Random& random) {
  const Range range = RangeOf(body.size(), random);
  const Bytes piece(body.begin() + static_cast<ptrdiff_t>(range.begin),
                    body.begin() + static_cast<ptrdiff_t>(range.end));
  Insert(body, piece, random);
}

void Splice(Bytes& body, ByteView other, Random& random) {
  const Range range = RangeOf(other.size(), random);
  Insert(body, other.subspan(range.begin, range.end - range.begin), random);
}

// The front of one, the back of another.
void Cross(Bytes& body, ByteView other, Random& random) {
  Truncate(body, other, random);
  const ByteView back = other.subspan(random.Below(other.size() + 1));
  body.insert(body.end(), back.begin(), back.end());
}

using Mutation = void (*)(Bytes& body, ByteView other, Random& random);
constexpr std::array<Mutation, 10> kMutations = {FlipBit, SetByte, SetNumber, SetVarint, Truncate,
                                                 Append,  Remove,  Repeat,    Splice,    Cross};
constexpr size_t kBodyMax = 1 << 20;  // Repeats double.

}  // namespace

Bytes Mutate(Bytes body, ByteView other, Random& random) {
  for (uint64_t left = 1 + random.Below(4); left > 0 && body.size() < kBodyMax; --left) {
    kMutations[random.Below(kMutations.size())](body, other, random);
  }
  return body;
}

}  // namespace sluice::fuzz
