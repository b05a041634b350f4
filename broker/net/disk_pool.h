// The threads on which anything may block: disk, RocksDB, cold reads. Network threads hand work over and are
// called back.
//
//   absl::Status status = co_await OnPool(pool, [&] { return catalog.Create(spec); });   // Resumes where it
//   was.
#pragma once

#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

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

// Runs `work` on the pool and resumes the awaiting coroutine on its own executor with the result.
template <class Work>
asio::awaitable<std::invoke_result_t<Work>> OnPool(storage::Executor& pool, Work work) {
  using Result = std::invoke_result_t<Work>;
  auto executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable), void(Result)>(
      [&pool, executor](auto handler, Work task) {
        pool.Post([executor, handler = std::move(handler), task = std::move(task)]() mutable {
          asio::post(executor, [handler = std::move(handler), result = task()]() mutable {
            std::move(handler)(std::move(result));
          });
        });
      },
      asio::use_awaitable, std::move(work));
}

}  // namespace sluice::broker
