// `sluice log dump`: what a segment file holds, batch by batch, straight from the file. Stops at the first
// bytes that are no batch and says what they are.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "proto/record/batch_check.h"
#include "proto/record/compression.h"
#include "proto/record/record_iterator.h"
#include "tools/cli/commands.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;
using record::BatchParse;
using record::BatchView;

constexpr size_t kDecompressedBytesMax = size_t{1} << 30;

// A whole file, mapped for reading.
class MappedFile {
 public:
  static absl::StatusOr<MappedFile> Open(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info {};
    if (fd < 0 || fstat(fd, &info) != 0) {
      return absl::NotFoundError(absl::StrCat("cannot open ", path, ": ", std::strerror(errno)));
    }
    MappedFile file;
    file.size_ = static_cast<size_t>(info.st_size);
    if (file.size_ > 0) {
      file.data_ = mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    close(fd);
    if (file.data_ == MAP_FAILED) {
      return absl::UnknownError(absl::StrCat("cannot map ", path, ": ", std::strerror(errno)));
    }
    return file;
  }
  MappedFile(MappedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile() {
    if (data_ != nullptr && data_ != MAP_FAILED) {
      munmap(data_, size_);
    }
  }
  ByteView bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

 private:
  MappedFile() = default;
  void* data_ = nullptr;
  size_t size_ = 0;
};

void PrintBatch(size_t position, BatchView batch, bool crc_good, bool json) {
  if (json) {
    const Json line = {{"position", position},
                       {"size", batch.size_bytes()},
                       {"base_offset", batch.base_offset().value()},
                       {"last_offset", batch.last_offset().value()},
                       {"records", batch.record_count()},
                       {"leader_epoch", batch.leader_epoch().value()},
                       {"codec", std::string(ToStd(record::CodecName(batch.codec())))},
                       {"max_timestamp", batch.max_timestamp()},
                       {"producer_id", batch.producer_id().value()},
                       {"producer_epoch", batch.producer_epoch().value()},
                       {"base_sequence", batch.base_sequence()},
                       {"crc", crc_good ? "good" : "bad"}};
    std::puts(line.dump().c_str());
    return;
  }
  std::printf(
      "position %zu size %zu offsets %lld-%lld records %d epoch %d codec %s max timestamp %lld producer "
      "%lld/%d sequence %d crc %s\n",
      position, batch.size_bytes(), static_cast<long long>(batch.base_offset().value()),
      static_cast<long long>(batch.last_offset().value()), batch.record_count(), batch.leader_epoch().value(),
      std::string(ToStd(record::CodecName(batch.codec()))).c_str(),
      static_cast<long long>(batch.max_timestamp()), static_cast<long long>(batch.producer_id().value()),
      batch.producer_epoch().value(), batch.base_sequence(), crc_good ? "good" : "BAD");
}

std::string Shown(const std::optional<ByteView>& bytes) {
  return bytes ? absl::StrCat("\"", absl::CEscape(AsText(*bytes)), "\"") : "null";
}

absl::Status PrintRecords(BatchView batch, bool json, record::Decompressor& decompressor, Bytes* scratch) {
  ASSIGN_OR_RETURN(const ByteView records,
                   decompressor.DecompressRecords(batch, kDecompressedBytesMax, scratch));
  record::RecordIterator iterator(batch, records);
  record::RecordView one;
  while (iterator.Next(&one)) {
    if (json) {
      const Json line = {{"offset", one.offset.value()},
                         {"timestamp", one.timestamp_ms},
                         {"key", one.key ? Json(absl::CEscape(AsText(*one.key))) : Json()},
                         {"value", one.value ? Json(absl::CEscape(AsText(*one.value))) : Json()}};
      std::puts(line.dump().c_str());
    } else {
      std::printf("  offset %lld timestamp %lld key %s value %s\n",
                  static_cast<long long>(one.offset.value()), static_cast<long long>(one.timestamp_ms),
                  Shown(one.key).c_str(), Shown(one.value).c_str());
    }
  }
  return iterator.status();
}

// What follows the last batch: nothing, the zeros of a preallocated tail, or something else.
absl::Status JudgeTail(ByteView tail, size_t position) {
  const bool zeros =
      std::all_of(tail.begin(), tail.end(), [](std::byte byte) { return byte == std::byte{0}; });
  if (zeros) {
    Note(absl::StrCat(
        "end at byte ", position,
        tail.empty() ? "" : absl::StrCat(", then ", tail.size(), " bytes of preallocated zeros")));
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat("byte ", position, ": no batch starts here, and ", tail.size(),
                                          " bytes follow that are not all zero"));
}

absl::Status Dump(const Context& context, const LogDumpOptions& options) {
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(options.segment));
  record::Decompressor decompressor;
  Bytes scratch;
  ByteView rest = file.bytes();
  size_t position = 0;
  size_t bad = 0;
  for (BatchParse parse = record::ParseBatch(rest); parse.ok(); parse = record::ParseBatch(rest)) {
    const bool good = record::CrcMatches(parse.batch);
    bad += good ? 0 : 1;
    PrintBatch(position, parse.batch, good, context.json);
    if (options.records && good) {
      RETURN_IF_ERROR(PrintRecords(parse.batch, context.json, decompressor, &scratch));
    }
    position += parse.batch.size_bytes();
    rest = rest.subspan(parse.batch.size_bytes());
  }
  RETURN_IF_ERROR(JudgeTail(rest, position));
  return bad == 0 ? absl::OkStatus()
                  : absl::DataLossError(absl::StrCat(options.segment, ": ", bad, " batches with a bad CRC"));
}

}  // namespace

int RunLogDump(const Context& context, const LogDumpOptions& options) {
  const absl::Status status = Dump(context, options);
  return status.ok()
             ? kExitOk
             : Fail(absl::Status(status.code(), absl::StrCat(options.segment, ": ", status.message())));
}

}  // namespace sluice::cli
