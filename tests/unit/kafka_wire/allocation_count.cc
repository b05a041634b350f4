#include "tests/unit/kafka_wire/allocation_count.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<size_t> allocated_bytes{0};

}  // namespace

// The replaced global operators of this test program. The thread sanitizer's runtime has its own and lets nobody
// replace them: nothing is counted there, and the other builds are the test.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLUICE_OPERATORS_ARE_TAKEN
#endif
#endif
#ifndef SLUICE_OPERATORS_ARE_TAKEN
void* operator new(size_t size) {
  allocated_bytes.fetch_add(size, std::memory_order_relaxed);
  void* memory = std::malloc(size);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
#endif

namespace sluice::kafka {

AllocationCount::AllocationCount() : start_(allocated_bytes) {}

size_t AllocationCount::bytes() const {
  return allocated_bytes - start_;
}

}  // namespace sluice::kafka
