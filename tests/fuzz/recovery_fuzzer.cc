// Recovery of a log whose segments have any bytes in them. It must end, in a log whose every batch is whole,
// where it belongs, and one that was appended (or was forged, CRC and all); or in an error.
//
// Input: what is known of the stop before (2 bits), then pieces that the segments are written over with.
#include <fuzzer/FuzzedDataProvider.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/record/batch_builder.h"
#include "proto/record/batch_patch.h"
#include "storage/disk/posix_disk.h"
#include "storage/log/recovery.h"
#include "storage/log/segment_name.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

constexpr int kBatchesInSegment = 8;

// An index that knows nothing: each run walks everything.
class NoIndex final : public OffsetIndex {
 public:
  absl::Status Write(const LogId&, const IndexUpdate&) override { return absl::OkStatus(); }
  absl::StatusOr<std::optional<OffsetEntry>> FindOffset(const LogId&, Offset) override {
    return std::nullopt;
  }
  absl::StatusOr<TimeBounds> FindTime(const LogId&, int64_t) override { return TimeBounds(); }
  absl::StatusOr<std::vector<SegmentEntry>> SealedSegments(const LogId&) override {
    return std::vector<SegmentEntry>();
  }
  absl::StatusOr<std::optional<Checkpoint>> ReadCheckpoint(const LogId&) override { return std::nullopt; }
  void DropBefore(const LogId&, Offset) override {}
  absl::Status TruncateFrom(const LogId&, Offset) override { return absl::OkStatus(); }
  absl::Status ForgetRange(const LogId&, Offset, Offset) override { return absl::OkStatus(); }
  void DropLog(const LogId&) override {}
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::Status Flush() override { return absl::OkStatus(); }
  bool was_rebuilt() const override { return true; }
};

Bytes BatchAt(int64_t offset) {
  record::BatchBuilder builder;
  const std::string value(static_cast<size_t>(offset * 3 % 40), 'v');
  CHECK_OK(builder.Append(1000 + offset, std::nullopt, AsBytes(value)));
  Bytes batch = ToBytes(*builder.Build());
  StoreBigEndian<int64_t>(batch.data(), offset);
  return batch;
}

class Segments {
 public:
  Segments() {
    for (int64_t offset = 0; offset < 2 * kBatchesInSegment; ++offset) {
      const Bytes batch = BatchAt(offset);
      files_[offset / kBatchesInSegment * kBatchesInSegment] += std::string(AsText(batch));
    }
  }

  void Write() {
    CHECK_OK(disk_.RemoveTree(path_));
    CHECK_OK(disk_.CreateDirectory(path_));
    for (const auto& [base, content] : files_) {
      std::string padded = content;
      padded.resize(4096);
      CHECK_OK(Open(base)->WriteAt(0, AsBytes(padded)));
    }
  }
  void Damage(FuzzedDataProvider& data) {
    const int64_t base = data.ConsumeBool() ? kBatchesInSegment : 0;
    const auto at = data.ConsumeIntegralInRange<uint64_t>(0, 1200);
    if (data.ConsumeIntegralInRange(0, 7) == 0) {
      CHECK_OK(Open(base)->Truncate(at));
      return;
    }
    std::string bytes = data.ConsumeRandomLengthString(256);
    if (bytes.size() >= record::kHeaderSize && data.ConsumeBool()) {
      MakeBelievable(&bytes);
    }
    CHECK_OK(Open(base)->WriteAt(at, AsBytes(bytes)));
  }
  void Recover(const StartAfter& after) {
    ManualClock clock;
    NoIndex index;
    const absl::StatusOr<RecoveredLog> log = RecoverLog(
        {.disk = disk_, .clock = clock, .index = index, .directory = path_, .id = {}, .after = after});
    if (log.ok()) {
      CheckContent(*log, !after.clean);
    }
  }

 private:
  std::unique_ptr<File> Open(int64_t base) {
    const std::string path = absl::StrCat(path_, "/", SegmentFileName(Offset(base)));
    return *disk_.Open(path, disk_.Exists(path) ? Disk::OpenMode::kReadWrite : Disk::OpenMode::kCreateNew);
  }
  // Magic, a length that fits and a CRC that is right.
  static void MakeBelievable(std::string* bytes) {
    auto* const at = reinterpret_cast<std::byte*>(bytes->data());
    at[record::kMagicAt] = std::byte{2};
    StoreBigEndian<int32_t>(at + record::kLengthAt,
                            static_cast<int32_t>(bytes->size() - record::kLengthPrefixSize));
    record::RefreshCrc({at, bytes->size()});
  }
  // After a clean stop the CRCs are taken for granted, so a damaged batch may be among them.
  void CheckContent(const RecoveredLog& log, bool verified) {
    Offset expected = log.segments.empty() ? log.end.offset : log.segments.front().base();
    for (const SegmentInfo& info : log.segments) {
      const uint64_t size = info.sealed ? info.size_bytes : log.end.position;
      const std::string content =
          disk_.ReadFile(absl::StrCat(path_, "/", SegmentFileName(info.base())))->substr(0, size);
      CHECK_EQ(content.size(), size);
      ByteView rest = AsBytes(content);
      while (!rest.empty()) {
        const record::BatchParse parse = record::ParseBatch(rest);
        CHECK(parse.ok());
        CHECK(!verified || record::CrcMatches(parse.batch));
        CHECK(parse.batch.base_offset() == expected);
        expected = parse.batch.next_offset();
        rest = rest.subspan(parse.batch.size_bytes());
      }
    }
    CHECK(expected == log.end.offset);
  }

  TempDir dir_;
  const std::string path_ = dir_ / "orders-0";
  PosixDisk disk_;
  std::map<int64_t, std::string> files_;
};

}  // namespace
}  // namespace sluice::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace sluice::storage;
  static auto* const segments = new Segments;
  static const std::vector<FoundEntry> kNothing;
  FuzzedDataProvider data(bytes, size);
  segments->Write();
  const int before = data.ConsumeIntegralInRange(0, 3);
  for (int i = 0; i < 4 && data.remaining_bytes() > 0; ++i) {
    segments->Damage(data);
  }
  segments->Recover(
      {.clean = before == 1, .journal = before >= 2 ? &kNothing : nullptr, .index_is_current = before == 3});
  return 0;
}
