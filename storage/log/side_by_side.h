// The same for many, a few at a time: what waits for the disk gains from company, because syncs that meet
// share one flush of the disk's cache.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"

namespace sluice::storage {

// Calls each(0) ... each(count - 1), from the caller's thread and up to `threads` - 1 more, and waits for
// all. Threads that cannot be had are done without.
inline void SideBySide(int threads, size_t count, absl::FunctionRef<void(size_t index)> each) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) {
      each(i);
    }
  };
  const size_t workers = std::min(count, static_cast<size_t>(std::max(1, threads)));
  std::vector<std::thread> helpers;
  helpers.reserve(workers);
  try {
    while (helpers.size() + 1 < workers) {
      helpers.emplace_back(work);
    }
  } catch (const std::system_error&) {  // The process has all the threads that it may have.
  }
  work();
  for (std::thread& helper : helpers) {
    helper.join();
  }
}

}  // namespace sluice::storage
