#include "proto/base/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace sluice {

uint32_t Crc32c(ByteView bytes) {
  return ExtendCrc32c(0, bytes);
}

// ISA-L takes lengths as int and leaves both inversions to the caller.
uint32_t ExtendCrc32c(uint32_t crc, ByteView more) {
  constexpr size_t kStepMax = size_t{1} << 30;
  while (!more.empty()) {
    const ByteView step = more.first(std::min(more.size(), kStepMax));
    auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(step.data()));
    crc = ~crc32_iscsi(data, static_cast<int>(step.size()), ~crc);
    more = more.subspan(step.size());
  }
  return crc;
}

}  // namespace sluice
