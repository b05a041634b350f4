// Where work that may block goes: the broker's disk pool, or the calling thread in a test.
#pragma once

#include "absl/functional/any_invocable.h"

namespace sluice::storage {

// Thread-safe. Post never blocks and never runs the task before it returns, unless an implementation says so.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void Post(absl::AnyInvocable<void()> task) = 0;
};

// Runs each task at once, in the caller: for tests and tools.
class InlineExecutor final : public Executor {
 public:
  void Post(absl::AnyInvocable<void()> task) override { task(); }
};

}  // namespace sluice::storage
