#include "broker/group/core/consumer/metadata_hash.h"

#include "absl/strings/str_cat.h"
#include "proto/base/bytes.h"
#include "proto/base/siphash.h"

namespace sluice::broker {
namespace {

// Written down with every group: it must never change.
constexpr SipHashKey kKey = {.low = 0x736c756963652d67, .high = 0x726f7570732d3834};

}  // namespace

int64_t MetadataHash(const std::map<std::string, TopicShape>& topics) {
  if (topics.empty()) {
    return 0;
  }
  std::string text;
  for (const auto& [name, shape] : topics) {  // A name holds no space.
    absl::StrAppend(&text, name, " ", shape.id.ToString(), " ", shape.partitions, "\n");
  }
  return static_cast<int64_t>(SipHash128(kKey, AsBytes(text)).low);
}

}  // namespace sluice::broker
