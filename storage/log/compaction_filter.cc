#include "storage/log/compaction_filter.h"

#include <limits>

#include "proto/base/status_macros.h"
#include "proto/record/record_iterator.h"

namespace sluice::storage {
namespace {

CompactionFilter::Outcome AsItIs(record::BatchView batch) {
  return {.bytes = batch.bytes(),
          .max_timestamp_ms = batch.record_count() > 0 ? batch.max_timestamp() : record::kNoTimestamp,
          .records_kept = batch.record_count()};
}

int64_t AddSaturated(int64_t a, int64_t b) {
  return b > std::numeric_limits<int64_t>::max() - a ? std::numeric_limits<int64_t>::max() : a + b;
}

}  // namespace

bool CompactionFilter::Keeps(record::BatchView batch, const record::RecordView& record) const {
  if (!record.key) {
    return false;
  }
  if (!record.value && batch.has_delete_horizon() && batch.base_timestamp() <= rules_.now_ms) {
    return false;
  }
  const std::optional<Offset> newest = map_.Find(*record.key);
  return !newest || record.offset >= *newest;
}

bool CompactionFilter::IsLastOfProducer(record::BatchView batch) const {
  if (!batch.has_producer()) {
    return false;
  }
  const auto found = producers_.find(batch.producer_id());
  return found != producers_.end() && found->second == batch.last_offset();
}

absl::StatusOr<CompactionFilter::Outcome> CompactionFilter::Apply(record::BatchView batch,
                                                                  bool ends_segment) {
  if (batch.base_offset() >= rules_.end || batch.is_control() || batch.is_transactional()) {
    return AsItIs(batch);
  }
  ByteView records;
  Survey survey;
  if (batch.record_count() > 0) {
    ASSIGN_OR_RETURN(records, decompressor_.DecompressRecords(batch, kDecompressedMax, &scratch_));
    ASSIGN_OR_RETURN(survey, Count(batch, records));
  }
  if (survey.kept == 0 && !ends_segment && !IsLastOfProducer(batch)) {
    return Outcome{};
  }
  const bool new_horizon = survey.tombstones && !batch.has_delete_horizon();
  if (survey.kept == batch.record_count() && !new_horizon) {
    return AsItIs(batch);
  }
  return Rewrite(batch, records, new_horizon);
}

absl::StatusOr<CompactionFilter::Survey> CompactionFilter::Count(record::BatchView batch,
                                                                 ByteView records) const {
  Survey survey;
  record::RecordIterator it(batch, records);
  for (record::RecordView record; it.Next(&record);) {
    if (Keeps(batch, record)) {
      ++survey.kept;
      survey.tombstones = survey.tombstones || !record.value;
    }
  }
  RETURN_IF_ERROR(it.status());
  return survey;
}

absl::StatusOr<CompactionFilter::Outcome> CompactionFilter::Rewrite(record::BatchView batch, ByteView records,
                                                                    bool new_horizon) {
  rewriter_.Begin(batch, new_horizon ? std::optional(AddSaturated(rules_.now_ms, rules_.delete_retention_ms))
                                     : std::nullopt);
  record::RecordIterator it(batch, records);
  for (record::RecordView record; it.Next(&record);) {
    if (Keeps(batch, record)) {
      rewriter_.Keep(it.record_bytes(), record.timestamp_ms);
    }
  }
  ASSIGN_OR_RETURN(const ByteView bytes, rewriter_.Finish());
  return Outcome{.bytes = bytes,
                 .changed = true,
                 .max_timestamp_ms = rewriter_.max_timestamp_ms(),
                 .records_kept = rewriter_.record_count()};
}

}  // namespace sluice::storage
