// Damages the body of a request as years of bugs have taught: bits, lengths and counts, truncation, splices.
// The same random numbers give the same damage. Pure but for its randomness.
#pragma once

#include "proto/base/bytes.h"
#include "proto/base/random.h"

namespace sluice::fuzz {

// `body` with up to four changes. `other` is the body of another request, for splices.
Bytes Mutate(Bytes body, ByteView other, Random& random);

}  // namespace sluice::fuzz
