#include "storage/meta/metadata_envelope.h"

#include <array>
#include <limits>

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/base/varint.h"

namespace sluice::storage {
namespace {

constexpr char kEnvelopeVersion = 1;

void AddVarint(std::string& to, int64_t value) {
  CHECK_GE(value, 0);
  std::array<std::byte, kVarint64SizeMax> buffer;
  const std::byte* end = WriteVarint(buffer.data(), static_cast<uint64_t>(value));
  to.append(reinterpret_cast<const char*>(buffer.data()), static_cast<size_t>(end - buffer.data()));
}

bool TakeVarint(absl::string_view& from, int64_t& value) {
  uint64_t read = 0;
  const size_t used = ReadVarint(AsBytes(from), 64, &read);
  from.remove_prefix(used);
  value = static_cast<int64_t>(read);
  return used > 0 && read <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
}

}  // namespace

std::string EncodeEnvelope(int64_t revision, int64_t lease, absl::string_view value) {
  std::string bytes(1, kEnvelopeVersion);
  AddVarint(bytes, revision);
  AddVarint(bytes, lease);
  bytes.append(value.data(), value.size());
  return bytes;
}

std::optional<MetadataEnvelope> DecodeEnvelope(absl::string_view bytes) {
  if (bytes.empty() || bytes[0] != kEnvelopeVersion) {
    return std::nullopt;
  }
  bytes.remove_prefix(1);
  MetadataEnvelope envelope;
  if (!TakeVarint(bytes, envelope.revision) || !TakeVarint(bytes, envelope.lease)) {
    return std::nullopt;
  }
  envelope.value = std::string(bytes);
  return envelope;
}

}  // namespace sluice::storage
