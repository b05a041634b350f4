// Which broker coordinates a group, and calls to it. Asked when it is not known, forgotten when an answer or
// its absence says that it is another. Loop thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/internal/core.h"

namespace sluice::client_internal {

class Coordinator : public std::enable_shared_from_this<Coordinator> {
 public:
  using Found = absl::AnyInvocable<void(absl::StatusOr<int32_t>)>;

  Coordinator(Core& core, std::string group_id) : core_(core), group_id_(std::move(group_id)) {}

  const std::string& group_id() const { return group_id_; }
  std::optional<int32_t> node() const { return node_; }
  void Forget() { node_.reset(); }

  // Asks once, together with all others who want to know. `found` may run from inside the call.
  void Find(Found found);

  // Find, then one attempt. Without an answer the coordinator is forgotten; codes in the answer are the
  // caller's to judge. The handler may run from inside this call.
  template <class Request>
  void Call(const Core::Where& where, Request request, absl::Duration timeout,
            absl::AnyInvocable<void(absl::StatusOr<Answer<typename Request::Response>>)> handler) {
    Find([self = shared_from_this(), where, request = std::move(request), timeout,
          handler = std::move(handler)](absl::StatusOr<int32_t> node) mutable {
      if (!node.ok()) {
        handler(node.status());
        return;
      }
      Core::Where to = where;
      to.target = *node;
      self->core_.Call<Request>(to, std::move(request), timeout,
                                [self, handler = std::move(handler)](
                                    absl::StatusOr<Answer<typename Request::Response>> answer) mutable {
                                  if (!answer.ok()) {
                                    self->Forget();
                                  }
                                  handler(std::move(answer));
                                });
    });
  }

 private:
  void Ask();
  void Finish(absl::StatusOr<int32_t> node);

  Core& core_;
  const std::string group_id_;
  std::optional<int32_t> node_;
  std::vector<Found> waiting_;
};

}  // namespace sluice::client_internal
