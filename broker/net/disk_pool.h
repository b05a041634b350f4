// The threads on which anything may block: disk, RocksDB, cold reads. Network threads hand work over and are
// called back.
//
//   absl::Status status = co_await OnPool(pool, [&] { return catalog.Create(spec); });   // Resumes where it
//   was.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/execution_context.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "storage/disk/executor.h"

namespace sluice::broker {

// Thread-safe. The destructor runs what was posted, then joins.
class DiskPool final : public storage::Executor {
 public:
  explicit DiskPool(int threads);
  ~DiskPool() override;
  void Post(absl::AnyInvocable<void()> task) override;

 private:
  asio::thread_pool pool_;
};

// How many tasks that came from an io_context are still on a pool: each posts to its io_context when it is
// done, so the owner of one awaits them before it destroys it. Thread-safe.
class PoolTasks final : public asio::execution_context::service {
 public:
  using key_type = PoolTasks;
  static asio::execution_context::id id;

  explicit PoolTasks(asio::execution_context& context)
      : asio::execution_context::service(context), count_(std::make_shared<Count>()) {}

  void AwaitNone();

 private:
  struct Count {
    absl::Mutex mu;
    int tasks ABSL_GUARDED_BY(mu) = 0;
  };

 public:
  // Counts as one task for as long as it lives.
  class Ticket {
   public:
    explicit Ticket(std::shared_ptr<Count> count);
    Ticket(Ticket&& other) noexcept = default;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

   private:
    std::shared_ptr<Count> count_;
  };
  static Ticket Begin(asio::execution_context& context);

 private:
  void shutdown() override {}

  std::shared_ptr<Count> count_;  // Shared with the tickets: the last may end while the service goes.
};

// Runs `work`, which returns a value, on the pool and resumes the awaiting coroutine on its own executor with
// the result. Capture by reference: the coroutine sleeps meanwhile, and what it holds stays. (GCC 12 destroys
// a lambda's captures twice when the lambda is a temporary of a co_await expression: one that owns something
// must have a name.)
template <class Work>
auto OnPool(storage::Executor& pool, Work&& work)
    -> asio::awaitable<std::invoke_result_t<std::remove_reference_t<Work>&>> {
  using Task = std::remove_reference_t<Work>;
  using Result = std::invoke_result_t<Task&>;
  static_assert(!std::is_void_v<Result>, "return something: whoever awaits work wants to know how it went");
  static_assert(std::is_lvalue_reference_v<Work> || std::is_trivially_destructible_v<Task>,
                "capture by reference, or give the lambda a name: auto work = ...; OnPool(pool, work)");
  using Kept = std::conditional_t<std::is_lvalue_reference_v<Work>, std::reference_wrapper<Task>, Task>;
  return asio::async_initiate<decltype(asio::use_awaitable), void(Result)>(
      [](auto handler, storage::Executor* executor, Kept task) {
        const asio::any_io_executor back = asio::get_associated_executor(handler);
        PoolTasks::Ticket ticket =
            PoolTasks::Begin(asio::query(back, asio::execution::context_as<asio::execution_context&>));
        executor->Post([back, ticket = std::move(ticket), handler = std::move(handler), task]() mutable {
          asio::post(back, [handler = std::move(handler), result = task()]() mutable {
            std::move(handler)(std::move(result));
          });
        });
      },
      asio::use_awaitable, &pool, Kept(work));
}

}  // namespace sluice::broker
