#include "broker/net/transfer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "proto/base/check.h"

namespace sluice::broker {
namespace {

constexpr std::pair<TransferMethod, absl::string_view> kNames[] = {
    {TransferMethod::kSendfile, "sendfile"},
    {TransferMethod::kReadWrite, "read-write"},
    {TransferMethod::kMmapWrite, "mmap-write"},
    {TransferMethod::kSplice, "splice"},
};

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kCopyBytes = 256 * 1024;
constexpr int kPipeBytes = 1024 * 1024;

// What a system call that moves bytes returned, as a TransferResult; `at_end` stands for 0.
TransferResult FromReturn(ssize_t returned, int at_end) {
  if (returned > 0) {
    return {.sent = static_cast<uint64_t>(returned)};
  }
  return {.error = returned == 0 ? at_end : errno};
}

class SendfileTransfer final : public Transfer {
 public:
  TransferResult Send(int socket, const storage::FileRange& range) override {
    auto position = static_cast<off_t>(range.position);
    return FromReturn(::sendfile(socket, range.file->fd(), &position, range.size), ENODATA);
  }
};

class ReadWriteTransfer final : public Transfer {
 public:
  TransferResult Send(int socket, const storage::FileRange& range) override {
    buffer_.resize(kCopyBytes);
    const ssize_t got = ::pread(range.file->fd(), buffer_.data(), std::min(range.size, kCopyBytes),
                                static_cast<off_t>(range.position));
    if (got <= 0) {
      return FromReturn(got, ENODATA);
    }
    return FromReturn(::send(socket, buffer_.data(), static_cast<size_t>(got), MSG_NOSIGNAL), EIO);
  }

 private:
  std::vector<std::byte> buffer_;
};

class MmapWriteTransfer final : public Transfer {
 public:
  TransferResult Send(int socket, const storage::FileRange& range) override {
    const uint64_t lead = range.position % kPageBytes;
    const size_t size = lead + range.size;
    void* map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, range.file->fd(),
                       static_cast<off_t>(range.position - lead));
    if (map == MAP_FAILED) {
      return {.error = errno};
    }
    TransferResult result =
        FromReturn(::send(socket, static_cast<const char*>(map) + lead, range.size, MSG_NOSIGNAL), EIO);
    // The kernel reads the map for us, so a page beyond the end of the file is an error and no signal.
    if (result.error == EFAULT) {
      result.error = ENODATA;
    }
    ::munmap(map, size);
    return result;
  }
};

class SpliceTransfer final : public Transfer {
 public:
  TransferResult Send(int socket, const storage::FileRange& range) override {
    if (!reader_.valid() && !OpenPipe()) {
      return {.error = errno};
    }
    auto position = static_cast<loff_t>(range.position);
    const ssize_t filled = ::splice(range.file->fd(), &position, writer_.get(), nullptr,
                                    std::min<uint64_t>(range.size, kPipeBytes), SPLICE_F_NONBLOCK);
    if (filled <= 0) {
      return FromReturn(filled, ENODATA);
    }
    return Drain(socket, static_cast<uint64_t>(filled));
  }

 private:
  bool OpenPipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
      return false;
    }
    reader_ = storage::UniqueFd(ends[0]);
    writer_ = storage::UniqueFd(ends[1]);
    ::fcntl(ends[0], F_SETPIPE_SZ, kPipeBytes);  // May be refused; the pipe is only smaller then.
    return true;
  }

  TransferResult Drain(int socket, uint64_t filled) {
    TransferResult result;
    while (result.sent < filled) {
      const ssize_t moved = ::splice(reader_.get(), nullptr, socket, nullptr, filled - result.sent,
                                     SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
      if (moved <= 0) {
        // What is left in the pipe must not reach the next connection: the pipe goes, the pages stay where
        // they are.
        result.error = moved == 0 ? EIO : errno;
        reader_.Reset();
        writer_.Reset();
        break;
      }
      result.sent += static_cast<uint64_t>(moved);
    }
    return result;
  }

  storage::UniqueFd reader_;
  storage::UniqueFd writer_;
};

}  // namespace

absl::string_view TransferMethodName(TransferMethod method) {
  for (const auto& [known, name] : kNames) {
    if (known == method) {
      return name;
    }
  }
  return "?";
}

bool ParseTransferMethod(absl::string_view name, TransferMethod* method) {
  for (const auto& [known, known_name] : kNames) {
    if (known_name == name) {
      *method = known;
      return true;
    }
  }
  return false;
}

std::unique_ptr<Transfer> MakeTransfer(TransferMethod method) {
  switch (method) {
    case TransferMethod::kSendfile:
      return std::make_unique<SendfileTransfer>();
    case TransferMethod::kReadWrite:
      return std::make_unique<ReadWriteTransfer>();
    case TransferMethod::kMmapWrite:
      return std::make_unique<MmapWriteTransfer>();
    case TransferMethod::kSplice:
      return std::make_unique<SpliceTransfer>();
  }
  CHECK(false);
}

}  // namespace sluice::broker
