// The threads on which anything may block: disk, RocksDB, cold reads. Network threads hand work over and are
// called back.
//
//   absl::Status status = co_await OnPool(pool, [&] { return catalog.Create(spec); });   // Resumes where it
//   was.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/execution_context.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
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
// the result.
template <class Work>
asio::awaitable<std::invoke_result_t<Work>> OnPool(storage::Executor& pool, Work work) {
  using Result = std::invoke_result_t<Work>;
  static_assert(!std::is_void_v<Result>, "return something: whoever awaits work wants to know how it went");
  asio::any_io_executor executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable), void(Result)>(
      [&pool, executor](auto handler, Work task) {
        PoolTasks::Ticket ticket =
            PoolTasks::Begin(asio::query(executor, asio::execution::context_as<asio::execution_context&>));
        pool.Post([executor, ticket = std::move(ticket), handler = std::move(handler),
                   task = std::move(task)]() mutable {
          asio::post(executor, [handler = std::move(handler), result = task()]() mutable {
            std::move(handler)(std::move(result));
          });
        });
      },
      asio::use_awaitable, std::move(work));
}

}  // namespace sluice::broker
