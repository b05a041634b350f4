#include "net_testing.h"

namespace sluice::broker {

Bytes Framed(absl::string_view body) {
  std::string wire(sizeof(int32_t), '\0');
  StoreBigEndian(reinterpret_cast<std::byte*>(wire.data()), static_cast<int32_t>(body.size()));
  wire.append(body.data(), body.size());
  return ToBytes(AsBytes(wire));
}

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time give_up = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > give_up) {
      return false;
    }
    ::poll(nullptr, 0, 1);
  }
  return true;
}

std::shared_ptr<const storage::SharedFile> MakeFile(absl::string_view content) {
  const char* base = std::getenv("TMPDIR");
  std::string path = absl::StrCat(base != nullptr ? base : "/tmp", "/sluice_net_XXXXXX");
  const int fd = ::mkstemp(path.data());
  EXPECT_GE(fd, 0) << path;
  ::unlink(path.c_str());
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    EXPECT_GT(n, 0);
    content.remove_prefix(static_cast<size_t>(n));
  }
  return std::make_shared<storage::SharedFile>(storage::UniqueFd(fd), "segment.log");
}

std::string Pattern(size_t size, uint64_t seed) {
  std::string text(size, '\0');
  uint64_t state = seed * 0x9e3779b97f4a7c15;
  for (char& c : text) {
    state = state * 6364136223846793005 + 1442695040888963407;
    c = static_cast<char>(state >> 56);
  }
  return text;
}

void MakeCold(const storage::SharedFile& file) {
  ASSERT_EQ(::fdatasync(file.fd()), 0);
  ASSERT_EQ(::posix_fadvise(file.fd(), 0, 0, POSIX_FADV_DONTNEED), 0);
}

Response Compose(const std::vector<Part>& parts) {
  std::string body;
  uint64_t file_bytes = 0;
  std::vector<Response::FilePart> files;
  for (const Part& part : parts) {
    if (part.range.file != nullptr) {
      files.push_back({sizeof(int32_t) + body.size(), part.range});
      file_bytes += part.range.size;
    }
    body += part.text;
  }
  Response response{.bytes = Framed(body), .files = std::move(files)};
  StoreBigEndian(response.bytes.data(), static_cast<int32_t>(body.size() + file_bytes));
  return response;
}

}  // namespace sluice::broker
