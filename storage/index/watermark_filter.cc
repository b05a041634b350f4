#include "storage/index/watermark_filter.h"

#include <optional>

#include "storage/index/key_codec.h"
#include "storage/index/value_codec.h"
#include "storage/rocks/rocks_status.h"

namespace sluice::storage {
namespace {

bool IsBefore(Offset start, const ParsedKey& key, absl::string_view value) {
  switch (key.type) {
    case KeyType::kOffset:
    case KeyType::kTime:
      return key.offset < start;
    case KeyType::kSegment: {
      const std::optional<SegmentEntry> segment = DecodeSegmentEntry(key.offset, value);
      return segment && segment->next_offset <= start;
    }
    case KeyType::kCheckpoint:
      return start == kDroppedLog;
    case KeyType::kWatermark:
      return false;  // Until the log's last key is gone; the index removes it then.
  }
  return false;
}

// Used by one compaction thread. Keys come in order, so the start of the log is looked up once a log; one
// that is raised meanwhile is seen by the next compaction.
class WatermarkFilter final : public rocksdb::CompactionFilter {
 public:
  explicit WatermarkFilter(const StartWatermarks* watermarks) : watermarks_(watermarks) {}

  bool Filter(int /*level*/, const rocksdb::Slice& key, const rocksdb::Slice& existing_value,
              std::string* /*new_value*/, bool* /*value_changed*/) const override {
    const std::optional<ParsedKey> parsed = ParseKey(FromSlice(key));
    return parsed && IsBefore(StartOf(parsed->log), *parsed, FromSlice(existing_value));
  }
  const char* Name() const override { return "sluice.start-watermarks"; }

 private:
  Offset StartOf(const LogId& log) const {
    if (log != last_log_) {
      last_log_ = log;
      last_start_ = watermarks_->StartOf(log);
    }
    return last_start_;
  }

  const StartWatermarks* watermarks_;
  mutable std::optional<LogId> last_log_;
  mutable Offset last_start_;
};

}  // namespace

std::unique_ptr<rocksdb::CompactionFilter> WatermarkFilterFactory::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context& /*context*/) {
  return std::make_unique<WatermarkFilter>(watermarks_);
}

}  // namespace sluice::storage
