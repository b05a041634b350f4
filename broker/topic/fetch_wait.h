// A long poll: hears once of the first change in any of some partitions. What Kafka's Fetch and the gRPC Read
// wait with.
//
//   FetchWait wait;                                        // Owned by the request; its end unregisters.
//   wait.Arm(partitions, [=] { asio::post(executor, again); });
//   if (EnoughToRead()) {                                  // What came before Arm is not told: look again.
//     if (wait.Cancel()) Answer();                         // Else `again` is already on its way.
//   }
//   timer.async_wait([&wait] { wait.Fire(); });            // The deadline is the caller's timer.
//   // `again`: answers, or arms the same object once more.
//
// Threads: its owner's, one at a time; the partitions change on any.
#pragma once

#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "broker/topic/partition.h"

namespace sluice::broker {

class FetchWait {
 public:
  using Wake = absl::AnyInvocable<void()>;

  FetchWait() = default;
  ~FetchWait();
  FetchWait(const FetchWait&) = delete;
  FetchWait& operator=(const FetchWait&) = delete;

  // `wake` is called once, after the first change or Fire(), on the thread where that happened, never under a
  // lock; not at all after Cancel(). It must not block and must not destroy this object: hand over to your
  // executor. Arming again forgets the arming before.
  void Arm(std::vector<std::shared_ptr<Partition>> partitions, Wake wake);

  // As if something had changed: the deadline passed, or the broker stops. Nothing when not armed.
  void Fire();

  // True when `wake` was not called and will not be. False: it was, it is being called, or there was none.
  bool Cancel();

 private:
  class Registration;

  // Shared with the partitions that it waits for, while it does.
  std::shared_ptr<Registration> registration_;
};

}  // namespace sluice::broker
