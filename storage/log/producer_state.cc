#include "storage/log/producer_state.h"

#include <algorithm>
#include <utility>

namespace sluice::storage {
namespace {

const ProducedBatch* FindRetried(const ProducerEntry& entry, const record::BatchView& batch) {
  const auto end = entry.batches.begin() + static_cast<std::ptrdiff_t>(entry.count);
  const auto found = std::find_if(entry.batches.begin(), end, [&batch](const ProducedBatch& known) {
    return known.first_sequence == batch.base_sequence() && known.last_sequence == batch.last_sequence();
  });
  return found == end ? nullptr : &*found;
}

ProducerVerdict CheckSequence(const ProducerEntry& entry, const record::BatchView& batch) {
  if (batch.producer_epoch() > entry.epoch) {
    return batch.base_sequence() == 0 ? ProducerVerdict::kAccept : ProducerVerdict::kOutOfOrderSequence;
  }
  // A producer of which only markers are known is a known one, and has sent nothing in this epoch.
  const int32_t expected = entry.count == 0 ? 0 : record::AdvanceSequence(entry.last().last_sequence, 1);
  return batch.base_sequence() == expected ? ProducerVerdict::kAccept : ProducerVerdict::kOutOfOrderSequence;
}

// Within a millisecond the offset tells who came later.
using LastUse = std::pair<int64_t, Offset>;

LastUse LastUseOf(const ProducerEntry& entry) {
  return {entry.last_seen_ms, entry.count > 0 ? entry.last().last_offset : Offset(-1)};
}

}  // namespace

void ProducerEntry::Push(const ProducedBatch& batch) {
  if (count == kWindow) {
    std::copy(batches.begin() + 1, batches.end(), batches.begin());
    --count;
  }
  batches[count++] = batch;
}

// A producer that is not known may begin anywhere: its earlier batches may have left by retention, or its
// entry by age (KIP-360).
ProducerState::Answer ProducerState::Check(const record::BatchView& batch) const {
  if (!batch.has_producer()) {
    return {};
  }
  const auto found = entries_.find(batch.producer_id());
  if (found == entries_.end()) {
    return {};
  }
  const ProducerEntry& entry = found->second;
  if (batch.producer_epoch() < entry.epoch) {
    return {.verdict = ProducerVerdict::kInvalidEpoch, .duplicate = {}};
  }
  if (batch.is_control() || batch.base_sequence() == kNoSequence) {
    return {};
  }
  if (batch.producer_epoch() == entry.epoch) {
    if (const ProducedBatch* first_try = FindRetried(entry, batch)) {
      return {.verdict = ProducerVerdict::kDuplicate, .duplicate = *first_try};
    }
  }
  return {.verdict = CheckSequence(entry, batch), .duplicate = {}};
}

void ProducerState::Update(const record::BatchView& batch, Offset base, int64_t log_append_time_ms,
                           int64_t now_ms) {
  if (!batch.has_producer()) {
    return;
  }
  ProducerEntry& entry = EntryOf(batch.producer_id());
  if (batch.producer_epoch() != entry.epoch) {
    entry.epoch = batch.producer_epoch();
    entry.count = 0;
  }
  entry.last_seen_ms = now_ms;
  if (!batch.is_control() && batch.base_sequence() != kNoSequence) {
    entry.Push({.first_sequence = batch.base_sequence(),
                .last_sequence = batch.last_sequence(),
                .base_offset = base,
                .last_offset = base + batch.last_offset_delta(),
                .log_append_time_ms = log_append_time_ms});
  }
}

ProducerEntry& ProducerState::EntryOf(ProducerId id) {
  const auto found = entries_.find(id);
  if (found != entries_.end()) {
    return found->second;
  }
  if (entries_.size() >= kProducersMax) {
    ForgetOldest();
  }
  return entries_[id];
}

// Many at once, so that a flood of new ids pays for the search once in a thousand.
void ProducerState::ForgetOldest() {
  std::vector<std::pair<LastUse, ProducerId>> uses;
  uses.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) {
    uses.emplace_back(LastUseOf(entry), id);
  }
  const auto end = uses.begin() + static_cast<std::ptrdiff_t>(uses.size() / 10);
  std::nth_element(uses.begin(), end, uses.end());
  for (auto use = uses.begin(); use != end; ++use) {
    entries_.erase(use->second);
  }
}

void ProducerState::Expire(int64_t last_seen_ms) {
  absl::erase_if(entries_,
                 [last_seen_ms](const auto& item) { return item.second.last_seen_ms <= last_seen_ms; });
}

}  // namespace sluice::storage
