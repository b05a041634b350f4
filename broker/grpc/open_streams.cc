#include "broker/grpc/open_streams.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace sluice::broker {
namespace {

grpc::Status Stopping() {
  return {grpc::StatusCode::UNAVAILABLE, "the broker is stopping: try again when it is back"};
}

}  // namespace

grpc::Status OpenStreams::Admit(const std::shared_ptr<StoppableStream>& stream) {
  absl::MutexLock lock(&mu_);
  if (stopping_) {
    return Stopping();
  }
  if (streams_.size() >= count_max_) {
    return {grpc::StatusCode::RESOURCE_EXHAUSTED,
            absl::StrCat("there are ", streams_.size(),
                         " streams already, the most that sluice.grpc.max.streams "
                         "allows: end some, or raise it")};
  }
  streams_[stream.get()] = stream;
  return grpc::Status::OK;
}

void OpenStreams::Leave(const StoppableStream* stream) {
  absl::MutexLock lock(&mu_);
  streams_.erase(stream);
}

void OpenStreams::StopAll() {
  std::vector<std::shared_ptr<StoppableStream>> streams;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    for (const auto& [key, weak] : streams_) {
      if (auto stream = weak.lock()) {
        streams.push_back(std::move(stream));
      }
    }
  }
  for (const auto& stream : streams) {
    stream->Stop(Stopping());
  }
}

}  // namespace sluice::broker
