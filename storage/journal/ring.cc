#include "storage/journal/ring.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/base/check.h"
#include "proto/base/status_macros.h"
#include "storage/journal/journal_id.h"

namespace sluice::storage {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kFileBytesMax = 8 * kMiB;
constexpr size_t kFilesMin = 2;

uint64_t FileBytes(uint64_t ring_bytes) {
  return std::clamp(ring_bytes / 16 / kMiB * kMiB, kMiB, kFileBytesMax);
}

const Bytes& Zeroes() {
  static const auto* zeroes = new Bytes(kMiB);
  return *zeroes;
}

}  // namespace

std::string JournalFileName(size_t index) {
  return absl::StrFormat("%02d.journal", index);
}

JournalRing::JournalRing(Disk& disk, const Options& options)
    : disk_(disk),
      options_(options),
      file_bytes_(FileBytes(options.bytes)),
      files_max_(std::max<size_t>(kFilesMin, options.bytes / file_bytes_)) {}

absl::StatusOr<std::unique_ptr<JournalRing>> JournalRing::Open(Disk& disk, const Options& options) {
  RETURN_IF_ERROR(disk.CreateDurableDirectory(options.directory));
  std::unique_ptr<JournalRing> ring(new JournalRing(disk, options));
  RETURN_IF_ERROR(WriteJournalId(disk, options.directory, options.journal_id));
  RETURN_IF_ERROR(ring->TakeFiles());
  return ring;
}

std::string JournalRing::PathOf(size_t index) const {
  return absl::StrCat(options_.directory, "/", JournalFileName(index));
}

// Files of another size belong to a ring of another size, or were not finished.
absl::Status JournalRing::TakeFiles() {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List(options_.directory));
  absl::MutexLock lock(&mu_);
  while (files_.size() < files_max_ && disk_.Exists(PathOf(files_.size()))) {
    ASSIGN_OR_RETURN(const uint64_t size, disk_.FileSize(PathOf(files_.size())));
    if (size != file_bytes_) {
      break;
    }
    ASSIGN_OR_RETURN(std::shared_ptr<File> file,
                     disk_.Open(PathOf(files_.size()), Disk::OpenMode::kReadWrite));
    files_.push_back({std::move(file), 0, 0});
  }
  std::set<std::string> taken;
  for (size_t i = 0; i < files_.size(); ++i) {
    taken.insert(JournalFileName(i));
  }
  for (const std::string& name : names) {
    if (absl::EndsWith(name, ".journal") && !taken.contains(name)) {
      RETURN_IF_ERROR(disk_.Unlink(absl::StrCat(options_.directory, "/", name)));
    }
  }
  while (files_.size() < kFilesMin) {
    ASSIGN_OR_RETURN(std::shared_ptr<File> file, MakeFile(files_.size()));
    files_.push_back({std::move(file), 0, 0});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<File>> JournalRing::MakeFile(size_t index) {
  const std::string path = PathOf(index);
  ASSIGN_OR_RETURN(std::shared_ptr<File> file, disk_.Open(path, Disk::OpenMode::kCreateNew));
  const auto fill = [&]() -> absl::Status {
    RETURN_IF_ERROR(file->Allocate(0, file_bytes_));
    for (uint64_t at = 0; at < file_bytes_; at += Zeroes().size()) {
      RETURN_IF_ERROR(file->WriteAt(at, Zeroes()));
    }
    RETURN_IF_ERROR(file->Sync());
    return disk_.SyncDirectory(options_.directory);
  };
  if (absl::Status filled = fill(); !filled.ok()) {
    disk_.Unlink(path).IgnoreError();  // Else the next start removes it, by its size.
    return absl::Status(filled.code(), absl::StrCat("the journal ", options_.directory, " gets no file of ",
                                                    file_bytes_, " bytes: ", filled.message(),
                                                    "; free some space or set "
                                                    "sluice.journal.bytes or sluice.journal.dir"));
  }
  return file;
}

bool JournalRing::IsFree(size_t index, uint64_t needed_from) const {
  return index != current_ && files_[index].last_sequence < needed_from;
}

std::optional<size_t> JournalRing::FreeFile(uint64_t needed_from) const {
  for (size_t step = 1; step < files_.size(); ++step) {
    const size_t index = (current_ + step) % files_.size();
    if (IsFree(index, needed_from)) {
      return index;
    }
  }
  return std::nullopt;
}

// The last 4 KiB of each file are kept for GoToFreeFile.
bool JournalRing::FitsCurrent(uint64_t size) const {
  return files_[current_].used + size + kBlockAlignment <= file_bytes_;
}

bool JournalRing::HasRoom(uint64_t block_size) const {
  absl::MutexLock lock(&mu_);
  return FitsCurrent(block_size) || FreeFile(needed_from_).has_value();
}

absl::Status JournalRing::Append(std::span<const JournalEntry> entries, std::span<const ByteView> data) {
  uint64_t data_bytes = 0;
  for (const ByteView piece : data) {
    data_bytes += piece.size();
  }
  bool fits;
  {
    absl::MutexLock lock(&mu_);
    fits = FitsCurrent(BlockSize(entries.size(), data_bytes));
  }
  if (!fits) {
    RETURN_IF_ERROR(GoToFreeFile());
  }
  return Write(entries, data);
}

// Before a block is written over, a later one must say that it is not needed: a crash in the middle of that
// write leaves neither.
absl::Status JournalRing::GoToFreeFile() {
  bool told;
  {
    absl::MutexLock lock(&mu_);
    told = FreeFile(durable_needed_from_).has_value();
  }
  if (!told) {
    RETURN_IF_ERROR(Write({}, {}));
  }
  absl::MutexLock lock(&mu_);
  const std::optional<size_t> next = FreeFile(durable_needed_from_);
  CHECK(next.has_value());
  current_ = *next;
  files_[current_].used = 0;
  return absl::OkStatus();
}

absl::Status JournalRing::Write(std::span<const JournalEntry> entries, std::span<const ByteView> data) {
  BlockHeader header{.journal_id = options_.journal_id};
  for (const ByteView piece : data) {
    header.data_bytes += piece.size();
  }
  std::shared_ptr<File> file;
  uint64_t position;
  {
    absl::MutexLock lock(&mu_);
    file = files_[current_].file;
    position = files_[current_].used;
    header.sequence = next_sequence_;
    header.needed_from = needed_from_;
  }
  EncodeBlockHead(header, entries, data, &head_);
  const uint64_t size = BlockSize(entries.size(), header.data_bytes);
  CHECK_LE(position + size, file_bytes_);
  pieces_.assign(1, head_);
  pieces_.insert(pieces_.end(), data.begin(), data.end());
  pieces_.push_back(ByteView(Zeroes()).first(size - head_.size() - header.data_bytes));
  RETURN_IF_ERROR(file->WriteVectorAt(position, pieces_));
  RETURN_IF_ERROR(file->Sync());
  absl::MutexLock lock(&mu_);
  files_[current_].used = position + size;
  files_[current_].last_sequence = next_sequence_++;
  durable_needed_from_ = header.needed_from;
  return absl::OkStatus();
}

uint64_t JournalRing::last_sequence() const {
  absl::MutexLock lock(&mu_);
  return next_sequence_ - 1;
}

void JournalRing::Release(uint64_t through) {
  absl::MutexLock lock(&mu_);
  needed_from_ = std::max(needed_from_, through + 1);
}

absl::StatusOr<bool> JournalRing::Grow() {
  size_t index;
  {
    absl::MutexLock lock(&mu_);
    index = files_.size();
  }
  if (index >= files_max_) {
    return false;
  }
  ASSIGN_OR_RETURN(std::shared_ptr<File> file, MakeFile(index));
  absl::MutexLock lock(&mu_);
  files_.push_back({std::move(file), 0, 0});
  return true;
}

bool JournalRing::has_free_file() const {
  absl::MutexLock lock(&mu_);
  return FreeFile(needed_from_).has_value();
}

bool JournalRing::wants_file() const {
  absl::MutexLock lock(&mu_);
  return files_.size() < files_max_ && !FreeFile(needed_from_);
}

double JournalRing::fullness() const {
  absl::MutexLock lock(&mu_);
  uint64_t used = files_[current_].used;
  for (size_t i = 0; i < files_.size(); ++i) {
    used += i != current_ && !IsFree(i, needed_from_) ? file_bytes_ : 0;
  }
  return static_cast<double>(used) / static_cast<double>(files_max_ * file_bytes_);
}

}  // namespace sluice::storage
