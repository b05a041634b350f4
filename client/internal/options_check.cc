#include "client/internal/options_check.h"

#include "absl/strings/str_cat.h"

namespace sluice::client_internal {
namespace {

// Collects the first complaint.
class Checker {
 public:
  template <class T, class U>
  Checker& AtLeast(absl::string_view name, T value, U least) {
    return Require(value >= static_cast<T>(least), name,
                   absl::StrCat("is ", value, " and must be at least ", least));
  }
  Checker& Positive(absl::string_view name, milliseconds value) {
    return Require(value.count() > 0, name, absl::StrCat("is ", value.count(), " ms and must be positive"));
  }
  Checker& NotNegative(absl::string_view name, milliseconds value) {
    return Require(value.count() >= 0, name,
                   absl::StrCat("is ", value.count(), " ms and must not be negative"));
  }
  Checker& Require(bool condition, absl::string_view name, absl::string_view complaint) {
    if (!condition && status_.ok()) {
      status_ = absl::InvalidArgumentError(absl::StrCat("option ", name, " ", complaint));
    }
    return *this;
  }
  absl::Status status() const { return status_; }

 private:
  absl::Status status_;
};

}  // namespace

absl::Status CheckOptions(const ClientOptions& options) {
  return Checker()
      .Positive("connect_timeout", options.connect_timeout)
      .Positive("request_timeout", options.request_timeout)
      .Positive("metadata_max_age", options.metadata_max_age)
      .NotNegative("reconnect_backoff", options.reconnect_backoff)
      .NotNegative("reconnect_backoff_max", options.reconnect_backoff_max)
      .AtLeast("response_bytes_max", options.response_bytes_max, 1024)
      .status();
}

absl::Status CheckOptions(const ProducerOptions& options) {
  return Checker()
      .Require(
          !options.idempotent || options.acks == Acks::kAll, "idempotent",
          "needs acks = kAll: a record that only the leader has can be lost, and its sequence with it; set "
          "idempotent to false, or acks to kAll")
      .Require(!options.idempotent || options.in_flight_max <= 5, "in_flight_max",
               "must be at most 5 when idempotent: a broker remembers the last 5 batches of a producer")
      .AtLeast("in_flight_max", options.in_flight_max, 1)
      .AtLeast("batch_bytes", options.batch_bytes, 1)
      .AtLeast("request_bytes_max", options.request_bytes_max, options.batch_bytes)
      .Require(options.request_bytes_max <= (size_t{1} << 30), "request_bytes_max", "must be at most 1 GiB")
      .AtLeast("buffer_bytes", options.buffer_bytes, options.batch_bytes)
      .NotNegative("linger", options.linger)
      .NotNegative("max_block", options.max_block)
      .Positive("delivery_timeout", options.delivery_timeout)
      .NotNegative("retry_backoff", options.retry_backoff)
      .NotNegative("close_timeout", options.close_timeout)
      .status();
}

absl::Status CheckOptions(const ConsumerOptions& options) {
  return Checker()
      .AtLeast("fetch_bytes_min", options.fetch_bytes_min, 0)
      .NotNegative("fetch_wait_max", options.fetch_wait_max)
      .AtLeast("fetch_bytes_max", options.fetch_bytes_max, 1)
      .AtLeast("partition_bytes_max", options.partition_bytes_max, 1)
      .AtLeast("prefetch_responses", options.prefetch_responses, 1)
      .AtLeast("decompressed_bytes_max", options.decompressed_bytes_max, 1)
      .Require(options.group_instance_id.empty() || !options.group_id.empty(), "group_instance_id",
               "needs a group_id")
      .AtLeast("assignors (their number)", options.assignors.size(), 1)
      .Positive("session_timeout", options.session_timeout)
      .Positive("heartbeat_interval", options.heartbeat_interval)
      .Require(options.heartbeat_interval * 2 <= options.session_timeout, "heartbeat_interval",
               "must be at most half of session_timeout, better a third: one that is late drops the member")
      .Positive("poll_interval_max", options.poll_interval_max)
      .Positive("rebalance_timeout", options.rebalance_timeout.value_or(options.poll_interval_max))
      .NotNegative("auto_commit_interval", options.auto_commit_interval)
      .NotNegative("close_timeout", options.close_timeout)
      .status();
}

}  // namespace sluice::client_internal
