#include "tools/cli/context.h"

#include <unistd.h>

#include <cstdio>

namespace sluice::cli {
namespace {

constexpr std::chrono::milliseconds kProgressInterval{200};

int CodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      // An argument that only the broker can judge is no usage error.
      return KafkaErrorCode(status) ? kExitFailed : kExitUsage;
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kExitUnreachable;
    default:
      return kExitFailed;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Context::Connect() const {
  return Client::Connect({.bootstrap = brokers, .client_id = "sluice-cli"});
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return CodeOf(status);
}

int WithAdmin(const Context& context, absl::FunctionRef<absl::Status(Admin&)> action) {
  const auto client = context.Connect();
  if (!client.ok()) {
    return Fail(client.status());
  }
  const absl::Status status = action((*client)->admin());
  return status.ok() ? kExitOk : Fail(status);
}

void Note(absl::string_view line) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

Progress::Progress() : terminal_(isatty(STDERR_FILENO) != 0) {}

void Progress::Show(absl::string_view line) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now < next_) {
    return;
  }
  std::fprintf(stderr, "\r\033[K%.*s", static_cast<int>(line.size()), line.data());
  next_ = now + kProgressInterval;
  shown_ = true;
}

void Progress::Clear() {
  if (shown_) {
    std::fprintf(stderr, "\r\033[K");
    shown_ = false;
  }
}

}  // namespace sluice::cli
