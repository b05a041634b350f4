// CRC-32C (Castagnoli, reflected, initial value and final XOR all ones: RFC 3720 appendix B.4), in hardware.
#pragma once

#include <cstdint>

#include "proto/base/bytes.h"

namespace sluice {

// Crc32c("123456789") == 0xe3069283.
uint32_t Crc32c(ByteView bytes);

// The checksum of the bytes so far followed by `more`: ExtendCrc32c(Crc32c(a), b) == Crc32c(a + b).
uint32_t ExtendCrc32c(uint32_t crc, ByteView more);

}  // namespace sluice
