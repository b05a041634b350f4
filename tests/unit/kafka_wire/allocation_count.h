// Counts the bytes that operator new gave out, to prove that hostile input cannot make a decoder allocate
// much.
#pragma once

#include <cstddef>

namespace sluice::kafka {

// Counts while it lives. One at a time, on one thread.
class AllocationCount {
 public:
  AllocationCount();
  // Given out since the construction, without regard to what was given back.
  size_t bytes() const;

 private:
  size_t start_;
};

}  // namespace sluice::kafka
