#include "tests/fuzz/tcp/broker_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"

namespace sluice::fuzz {
namespace {

constexpr absl::Duration kStartLimit = absl::Seconds(60);
constexpr absl::Duration kStopLimit = absl::Seconds(60);
constexpr absl::Duration kPollInterval = absl::Milliseconds(5);

absl::Status DescribeEnd(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return absl::InternalError(absl::StrCat("the broker was killed by signal ", WTERMSIG(wait_status)));
  }
  const int code = WEXITSTATUS(wait_status);
  return code == 0 ? absl::OkStatus() : absl::InternalError(absl::StrCat("the broker ended with ", code));
}

[[noreturn]] void RunProgram(const std::vector<std::string>& command, const std::string& output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // It does not outlive a fuzzer that was killed.
  const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

BrokerProcess::~BrokerProcess() {
  absl::MutexLock lock(&mu_);
  if (pid_ != 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

std::vector<std::string> BrokerProcess::CommandLine() const {
  std::vector<std::string> command = {program_, "--ports-file", directory_ / "ports.json"};
  std::vector<std::string> settings = {"listeners=PLAINTEXT://127.0.0.1:0",
                                       "sluice.grpc.listener=", absl::StrCat("log.dirs=", log_dir())};
  settings.insert(settings.end(), settings_.begin(), settings_.end());
  for (const std::string& setting : settings) {
    command.push_back("--set");
    command.push_back(setting);
  }
  return command;
}

absl::Status BrokerProcess::Start() {
  std::filesystem::remove(directory_ / "ports.json");
  const std::vector<std::string> command = CommandLine();
  const std::string output = directory_ / "output";
  {
    absl::MutexLock lock(&mu_);
    pid_ = ::fork();
    CHECK(pid_ >= 0);
    if (pid_ == 0) {
      RunProgram(command, output);
    }
  }
  const absl::Time deadline = absl::Now() + kStartLimit;
  while (!ReadPort()) {
    RETURN_IF_ERROR(CheckAlive());
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError("the broker is not ready in time");
    }
    absl::SleepFor(kPollInterval);
  }
  return absl::OkStatus();
}

bool BrokerProcess::ReadPort() {
  std::ifstream in(directory_ / "ports.json");
  std::string line;
  int port = 0;
  if (!std::getline(in, line) || std::sscanf(line.c_str(), "{\"kafka\": %d", &port) != 1) {
    return false;
  }
  port_ = static_cast<uint16_t>(port);
  return true;
}

bool BrokerProcess::HasEnded(absl::Status* how) {
  absl::MutexLock lock(&mu_);
  int wait_status = 0;
  if (pid_ != 0 && ::waitpid(pid_, &wait_status, WNOHANG) == pid_) {
    pid_ = 0;
    end_ = DescribeEnd(wait_status);
  }
  *how = end_;
  return pid_ == 0;
}

absl::Status BrokerProcess::CheckAlive() {
  absl::Status how;
  if (!HasEnded(&how)) {
    return absl::OkStatus();
  }
  return how.ok() ? absl::InternalError("the broker stopped by itself") : how;
}

absl::Status BrokerProcess::Stop() {
  {
    absl::MutexLock lock(&mu_);
    if (pid_ != 0) {
      ::kill(pid_, SIGTERM);
    }
  }
  const absl::Time deadline = absl::Now() + kStopLimit;
  absl::Status how;
  while (!HasEnded(&how)) {
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError("the broker does not stop");
    }
    absl::SleepFor(kPollInterval);
  }
  return how;
}

uint64_t BrokerProcess::MemoryPeak() const {
  pid_t pid;
  {
    absl::MutexLock lock(&mu_);
    pid = pid_;
  }
  std::ifstream in(absl::StrCat("/proc/", pid, "/status"));
  std::string line;
  uint64_t kilobytes = 0;
  while (std::getline(in, line)) {
    if (std::sscanf(line.c_str(), "VmHWM: %lu kB", &kilobytes) == 1) {
      break;
    }
  }
  return kilobytes * 1024;
}

std::vector<std::string> BrokerProcess::LinesWith(const std::vector<std::string>& texts) const {
  std::ifstream in(directory_ / "output");
  std::vector<std::string> found;
  std::string line;
  while (std::getline(in, line)) {
    if (std::ranges::any_of(texts,
                            [&line](const std::string& text) { return absl::StrContains(line, text); })) {
      found.push_back(line);
    }
  }
  return found;
}

}  // namespace sluice::fuzz
