// Leaves dropped entries out of the files that RocksDB's compaction writes: dropping costs no tombstone.
#pragma once

#include <memory>

#include "rocksdb/compaction_filter.h"
#include "storage/index/start_watermarks.h"

namespace sluice::storage {

// Makes one filter for each compaction. The watermarks must outlive the database.
class WatermarkFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit WatermarkFilterFactory(const StartWatermarks* watermarks) : watermarks_(watermarks) {}

  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  const char* Name() const override { return "sluice.start-watermarks"; }

 private:
  const StartWatermarks* watermarks_;
};

}  // namespace sluice::storage
