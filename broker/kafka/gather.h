// Gathers the answers of many parts, which come on any threads and in any order, into one.
//
//   auto gather = Gather<DescribedGroup>::Of(ids.size(), [reply = ReplyLater(call)](auto groups) mutable {
//   ... }); for (size_t i = 0; i < ids.size(); ++i) {
//     shard->Describe(ids[i], gather->Part(i));
//   }
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace sluice::broker {

// Thread-safe. Shared by the parts that are still to come.
template <class Answer>
class Gather : public std::enable_shared_from_this<Gather<Answer>> {
 public:
  using OnAll = absl::AnyInvocable<void(std::vector<Answer>)>;

  // `done` is called once, by whoever brings the last part; at once when there is none.
  static std::shared_ptr<Gather> Of(size_t parts, OnAll done) {
    auto gather = std::shared_ptr<Gather>(new Gather(parts, std::move(done)));
    if (parts == 0) {
      gather->done_({});
    }
    return gather;
  }

  absl::AnyInvocable<void(Answer)> Part(size_t index) {
    return [self = this->shared_from_this(), index](Answer answer) { self->Put(index, std::move(answer)); };
  }

 private:
  Gather(size_t parts, OnAll done) : done_(std::move(done)), answers_(parts), left_(parts) {}

  void Put(size_t index, Answer answer) {
    std::vector<Answer> all;
    {
      absl::MutexLock lock(&mu_);
      answers_[index] = std::move(answer);
      if (--left_ > 0) {
        return;
      }
      all = std::move(answers_);
    }
    done_(std::move(all));
  }

  OnAll done_;
  absl::Mutex mu_;
  std::vector<Answer> answers_ ABSL_GUARDED_BY(mu_);
  size_t left_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sluice::broker
