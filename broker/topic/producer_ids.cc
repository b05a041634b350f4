#include "broker/topic/producer_ids.h"

#include "broker/topic/stored_proto.h"
#include "sluice/internal/metadata.pb.h"

namespace sluice::broker {
namespace {

constexpr absl::string_view kNextKey = "/producer-ids/next";

}  // namespace

std::optional<ProducerId> ProducerIdAllocator::TryNext() {
  absl::MutexLock lock(&mu_);
  if (next_ == end_) {
    return std::nullopt;
  }
  return ProducerId(next_++);
}

absl::StatusOr<ProducerId> ProducerIdAllocator::Next() {
  absl::MutexLock reserving(&reserve_mu_);
  if (const std::optional<ProducerId> id = TryNext()) {
    return *id;
  }
  ASSIGN_OR_RETURN(const int64_t first, ReserveBlock());
  absl::MutexLock lock(&mu_);
  next_ = first + 1;
  end_ = first + kBlockSize;
  return ProducerId(first);
}

absl::StatusOr<int64_t> ProducerIdAllocator::ReserveBlock() {
  ASSIGN_OR_RETURN(auto stored, ReadStored<internal::ProducerIdBlock>(store_, kNextKey));
  const int64_t first = stored.message.next_producer_id();
  if (first < 0) {
    return DamagedMetadata(kNextKey);
  }
  stored.message.set_next_producer_id(first + kBlockSize);
  RETURN_IF_ERROR(WriteStored(store_, kNextKey, stored));
  return first;
}

}  // namespace sluice::broker
