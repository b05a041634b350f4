#include "client/internal/producer_core.h"

#include "absl/strings/str_cat.h"
#include "client/internal/status.h"

namespace sluice::client_internal {

ProducerCore::ProducerCore(std::shared_ptr<Core> core, const ProducerOptions& options)
    : core_(std::move(core)),
      options_(options),
      accumulator_(options_, {.wake = [this] { core_->loop().Post([this] { sender_.Drain(); }); },
                              .look_up =
                                  [this](const std::string& topic) {
                                    core_->loop().Post([this, topic] { sender_.LookUpTopic(topic); });
                                  },
                              .on_loop_thread = [this] { return core_->loop().OnLoopThread(); }}),
      sender_(*core_, accumulator_, options_) {}

ProducerCore::~ProducerCore() {
  (void)Close(close_timeout());
  // What Append posted before the accumulator was shut still names this object: let it run.
  core_->loop().RunSync([] {});
}

absl::Status ProducerCore::Close(absl::Duration timeout) {
  absl::MutexLock lock(&close_mu_);
  if (closed_) {
    return close_status_;
  }
  const bool may_wait = !core_->loop().OnLoopThread();
  close_status_ = accumulator_.Flush(may_wait ? timeout : absl::ZeroDuration());
  accumulator_.Shut();
  core_->loop().RunSync([&] {
    sender_.Stop(absl::DeadlineExceededError(absl::StrCat(
        "send: the producer was closed, and the record was not acknowledged within the ",
        absl::FormatDuration(timeout), " that Close was given; it may or may not have been written")));
  });
  closed_ = true;
  return close_status_;
}

Producer::Stats ProducerCore::stats() {
  const Sender::Counters& counters = sender_.counters();
  absl::MutexLock lock(&accumulator_.mu());
  return {.records_acked = counters.records_acked,
          .records_failed = counters.records_failed,
          .bytes_acked = counters.bytes_acked,
          .batches_acked = counters.batches_acked,
          .batches_retried = counters.batches_retried,
          .batches_split = counters.batches_split,
          .buffered_bytes = accumulator_.buffered_bytes()};
}

}  // namespace sluice::client_internal
