#include "storage/log/segment_walk.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"

namespace sluice::storage {
namespace {

// A batch further ahead in offsets than this is not of this segment.
constexpr int64_t kOffsetsAheadMax = int64_t{1} << 31;
// While the next whole batch is searched for, headers that only look like one are hashed for so many times
// the segment's size; then they are passed over. So hostile bytes cost bounded time.
constexpr uint64_t kHashFactor = 16;

bool IsZero(ByteView bytes) {
  return bytes.empty() ||
         (bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace

absl::StatusOr<SegmentWalk::Step> SegmentWalk::Next() {
  if (position_ >= bounds_.size_bytes) {
    return Step{.kind = Kind::kEnd, .position = position_, .expected = expected_};
  }
  ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader_.HeaderAt(position_));
  if (header && header->last_offset_delta() >= 0) {
    ASSIGN_OR_RETURN(const bool whole, reader_.IsWholeAt(position_));
    if (whole) {
      return TakeBatch();
    }
  }
  ASSIGN_OR_RETURN(std::optional<Step> room, TakeRoom());
  return room ? *std::move(room) : TakeStretch();
}

absl::StatusOr<SegmentWalk::Step> SegmentWalk::TakeBatch() {
  ASSIGN_OR_RETURN(std::optional<record::BatchView> header, reader_.HeaderAt(position_));
  Step step{.kind = Kind::kBatch,
            .position = position_,
            .size_bytes = StoredSize(*header),
            .expected = expected_,
            .header = *header};
  std::optional<Offset> follower;
  if (header->base_offset() != expected_) {
    ASSIGN_OR_RETURN(follower, OffsetBehind(position_ + step.size_bytes));
    ASSIGN_OR_RETURN(header, reader_.HeaderAt(position_));  // The look behind may have moved the buffer.
    step.header = *header;
  }
  Judge(&step, follower);
  position_ += step.size_bytes;
  if (step.fault == Fault::kWrongOffset) {
    expected_ = Offset(expected_.value() + header->last_offset_delta() + 1);
  } else if (step.fault != Fault::kMisplaced) {
    expected_ = header->next_offset();
  }
  after_damage_ = step.fault == Fault::kMisplaced;
  if (step.fault != Fault::kMisplaced) {
    epoch_ = header->leader_epoch();  // Also when it fell: told once, whichever of the two is wrong.
  }
  return step;
}

// The batch's own claim against what the batch behind it (or the next segment) says.
void SegmentWalk::Judge(Step* step, std::optional<Offset> follower) const {
  const record::BatchView& header = step->header;
  const Offset base = header.base_offset();
  const int64_t count = int64_t{header.last_offset_delta()} + 1;
  const bool may_have_gap = header.next_offset() <= bounds_.gaps_below;
  const bool ahead = base > expected_ && base.value() - expected_.value() < kOffsetsAheadMax;
  const bool overlaps = (follower && *follower >= expected_ && *follower < header.next_offset()) ||
                        (bounds_.next && header.next_offset() > *bounds_.next);
  if (base != expected_ && !may_have_gap && follower && follower->value() == expected_.value() + count) {
    step->fault = Fault::kWrongOffset;
    step->reason = absl::StrCat("its base offset says ", base.value(), ", but ", expected_.value(),
                                " ends before it and ", follower->value(), " follows");
  } else if (base < expected_ || (base > expected_ && (!ahead || overlaps)) ||
             (bounds_.next && header.next_offset() > *bounds_.next)) {
    step->fault = Fault::kMisplaced;
    step->reason = absl::StrCat("a batch of offsets ", base.value(), " to ", header.last_offset().value(),
                                " stands where offset ", expected_.value(), " belongs");
  } else if (base > expected_ && !may_have_gap && !after_damage_) {
    step->fault = Fault::kGap;
    step->reason = absl::StrCat("offsets ", expected_.value(), " to ", base.value() - 1,
                                " are missing before this batch");
  } else if (header.leader_epoch() < epoch_) {
    step->fault = Fault::kEpochFell;
    step->reason = absl::StrCat("its leader epoch ", header.leader_epoch().value(), " is below ",
                                epoch_.value(), " of an earlier batch");
  }
}

// The base offset of the batch at `position`; of the next segment, at the end of this one.
absl::StatusOr<std::optional<Offset>> SegmentWalk::OffsetBehind(uint64_t position) {
  ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader_.HeaderAt(position));
  if (header) {
    return std::optional(header->base_offset());
  }
  ASSIGN_OR_RETURN(const ByteView rest, reader_.Peek(position, record::kHeaderSize));
  return IsZero(rest) ? bounds_.next : std::nullopt;
}

absl::StatusOr<std::optional<SegmentWalk::Step>> SegmentWalk::TakeRoom() {
  for (uint64_t at = position_; at < bounds_.size_bytes;) {
    ASSIGN_OR_RETURN(const ByteView bytes, reader_.Peek(at, BatchReader::kWhole));
    if (!IsZero(bytes)) {
      return std::nullopt;
    }
    if (bytes.empty()) {
      break;  // The file became shorter.
    }
    at += bytes.size();
  }
  Step step{.kind = Kind::kRoom,
            .position = position_,
            .size_bytes = bounds_.size_bytes - position_,
            .expected = expected_};
  position_ = bounds_.size_bytes;
  return std::optional(std::move(step));
}

absl::StatusOr<SegmentWalk::Step> SegmentWalk::TakeStretch() {
  ASSIGN_OR_RETURN(std::string reason, WhyNoBatch());
  ASSIGN_OR_RETURN(const uint64_t end, EndOfStretch());
  Step step{.kind = Kind::kNoBatch,
            .fault = Fault::kBadBytes,
            .position = position_,
            .size_bytes = end - position_,
            .expected = expected_,
            .reason = std::move(reason)};
  position_ = end;
  after_damage_ = true;
  return step;
}

absl::StatusOr<std::string> SegmentWalk::WhyNoBatch() {
  ASSIGN_OR_RETURN(const ByteView bytes, reader_.Peek(position_, record::kHeaderSize));
  if (bytes.size() < record::kHeaderSize) {
    return absl::StrCat("the file ends ", bytes.size(), " bytes into a batch's header");
  }
  const std::optional<size_t> size = record::PeekBatchSize(bytes);
  if (!size) {
    return std::string("no batch begins here: its length is one that no batch has");
  }
  const record::BatchView header(bytes);
  if (header.magic() != record::kMagic) {
    return absl::StrCat("no batch begins here: the magic is ", header.magic(), ", not 2");
  }
  if (*size > bounds_.size_bytes - position_) {
    return absl::StrCat("a batch of ", *size, " bytes begins here and the file ends before it does");
  }
  return absl::StrCat("the CRC of a batch of ", *size, " bytes does not match");
}

// The damaged batch's own length is believed when what follows proves it; else the next whole batch is
// searched for at every byte. (Not the other way round: records may hold whole batches of another log.)
absl::StatusOr<uint64_t> SegmentWalk::EndOfStretch() {
  ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader_.HeaderAt(position_));
  if (header) {
    const uint64_t end = position_ + StoredSize(*header);
    const Offset claimed_next = Offset(expected_.value() + header->last_offset_delta() + 1);
    ASSIGN_OR_RETURN(const bool is_true, IsTrueEnd(end, claimed_next));
    if (is_true) {
      return end;
    }
  }
  for (uint64_t at = position_ + 1; at + record::kHeaderSize <= bounds_.size_bytes; ++at) {
    ASSIGN_OR_RETURN(const ByteView bytes, reader_.Peek(at, BatchReader::kWhole));
    if (bytes.size() < record::kHeaderSize) {
      break;
    }
    // Only bytes with the magic in its place can begin a batch: a fast search for it.
    const ByteView magics = bytes.subspan(record::kMagicAt, bytes.size() - record::kHeaderSize + 1);
    const void* const magic = std::memchr(magics.data(), record::kMagic, magics.size());
    if (magic == nullptr) {
      at += magics.size() - 1;
      continue;
    }
    at += static_cast<uint64_t>(static_cast<const std::byte*>(magic) - magics.data());
    ASSIGN_OR_RETURN(const bool follows, CouldFollow(at));
    if (follows) {
      return at;
    }
  }
  return bounds_.size_bytes;
}

absl::StatusOr<bool> SegmentWalk::IsTrueEnd(uint64_t end, Offset claimed_next) {
  ASSIGN_OR_RETURN(const std::optional<record::BatchView> behind, reader_.HeaderAt(end));
  if (behind && behind->base_offset() == claimed_next) {
    return reader_.IsWholeAt(end);
  }
  ASSIGN_OR_RETURN(const ByteView rest, reader_.Peek(end, record::kHeaderSize));
  return IsZero(rest) && (!bounds_.next || *bounds_.next == claimed_next);
}

// A whole batch stands there that can be a later one of this segment.
absl::StatusOr<bool> SegmentWalk::CouldFollow(uint64_t position) {
  ASSIGN_OR_RETURN(const std::optional<record::BatchView> header, reader_.HeaderAt(position));
  if (!header || header->last_offset_delta() < 0 || header->leader_epoch() < epoch_) {
    return false;
  }
  const Offset base = header->base_offset();
  if (base < expected_ || base.value() - expected_.value() >= kOffsetsAheadMax ||
      (bounds_.next && header->next_offset() > *bounds_.next)) {
    return false;
  }
  const uint64_t size = StoredSize(*header);
  if (hashed_in_vain_ + size > kHashFactor * bounds_.size_bytes) {
    return false;
  }
  ASSIGN_OR_RETURN(const bool whole, reader_.IsWholeAt(position));
  hashed_in_vain_ += whole ? 0 : size;
  return whole;
}

}  // namespace sluice::storage
