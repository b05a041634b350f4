#include "storage/disk/disk.h"

#include "proto/base/status_macros.h"

namespace sluice::storage {
namespace {

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

absl::Status File::WriteVectorAt(uint64_t position, std::span<const ByteView> pieces) {
  for (const ByteView piece : pieces) {
    RETURN_IF_ERROR(WriteAt(position, piece));
    position += piece.size();
  }
  return absl::OkStatus();
}

absl::Status Disk::CreateDurableDirectory(const std::string& path) {
  std::vector<std::string> parents = {DirectoryOf(path)};
  while (!Exists(parents.back())) {
    parents.push_back(DirectoryOf(parents.back()));
  }
  RETURN_IF_ERROR(CreateDirectory(path));
  for (const std::string& parent : parents) {
    RETURN_IF_ERROR(SyncDirectory(parent));
  }
  return absl::OkStatus();
}

absl::Status Disk::ReplaceFile(const std::string& path, absl::string_view content) {
  const std::string temporary = path + ".tmp";
  if (Exists(temporary)) {  // Left by a crash.
    RETURN_IF_ERROR(Unlink(temporary));
  }
  {
    ASSIGN_OR_RETURN(std::unique_ptr<File> file, Open(temporary, OpenMode::kCreateNew));
    RETURN_IF_ERROR(file->WriteAt(0, AsBytes(content)));
    RETURN_IF_ERROR(file->Sync());
  }
  RETURN_IF_ERROR(Rename(temporary, path));
  return SyncDirectory(DirectoryOf(path));
}

absl::StatusOr<std::string> Disk::ReadFile(const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<File> file, Open(path, OpenMode::kReadOnly));
  ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  std::string content(size, '\0');
  const MutableByteView into(reinterpret_cast<std::byte*>(content.data()), content.size());
  ASSIGN_OR_RETURN(const size_t got, file->ReadAt(0, into));
  content.resize(got);
  return content;
}

}  // namespace sluice::storage
