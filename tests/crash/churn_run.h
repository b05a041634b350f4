// The threads of a churn run: one that writes values, and one on which all members of all groups live.
//
//   ChurnRun run(options, {GroupProtocol::kClassic});
//   run.NoteDeath();                       // Between the broker's end and its next start.
//   if (run.Settle() && run.Finish()) { ... CheckChurn(group->history.Take(), ...) ... }
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "tests/crash/churn_member.h"

namespace sluice::crash {

// Its own functions: one thread.
class ChurnRun {
 public:
  // Asks for the topic's id and partitions; ends the program when it cannot.
  ChurnRun(ChurnOptions options, const std::vector<GroupProtocol>& protocols);
  ~ChurnRun();
  ChurnRun(const ChurnRun&) = delete;
  ChurnRun& operator=(const ChurnRun&) = delete;

  void NoteDeath();
  // No more writes, and nobody comes or goes any more. True when all is committed that is in the topic.
  bool Settle();
  // The committed offsets once more, and the members leave. True when all of it was done.
  bool Finish();

  std::string Progress();
  std::string Describe();
  // After Finish.
  const std::vector<std::unique_ptr<ChurnGroup>>& groups() const { return groups_; }

 private:
  void Write();
  asio::awaitable<bool> FindTopic();
  asio::awaitable<bool> IsCaughtUp(ChurnGroup* group);
  asio::awaitable<bool> FetchFinal(ChurnGroup* group);
  asio::awaitable<bool> HaveLeft(ChurnGroup* group);
  // Runs `attempt` on the members' thread until it says true, or for too long.
  template <class Attempt>
  bool Persist(Attempt attempt);
  template <class Work>
  void OnMembersThread(Work work);

  ChurnOptions options_;
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> busy_;
  std::vector<std::unique_ptr<ChurnGroup>> groups_;
  std::vector<std::unique_ptr<ChurnMember>> members_;
  AsyncConnection connection_;  // The members' thread only, once they run.
  absl::Notification stop_writing_;
  std::atomic<int64_t> written_{0};
  std::thread writer_;
  std::thread thread_;  // The members'.
};

}  // namespace sluice::crash
