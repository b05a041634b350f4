#include "storage/index/index_reader.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "rocksdb/db.h"
#include "storage/index/key_codec.h"
#include "storage/index/value_codec.h"
#include "storage/rocks/rocks_options.h"
#include "storage/rocks/rocks_status.h"

namespace sluice::storage {
namespace {

absl::Status Unusable(const std::string& path, absl::string_view why) {
  return absl::DataLossError(
      absl::StrCat("offset index ", path, " cannot be read: ", why, "; the next start makes it again"));
}

class RocksIndexReader final : public IndexReader {
 public:
  RocksIndexReader(std::string path, std::unique_ptr<rocksdb::DB> db)
      : path_(std::move(path)), db_(std::move(db)) {}

  absl::Status CheckFormat() {
    std::string version;
    const rocksdb::Status read = db_->Get(rocksdb::ReadOptions(), ToSlice(kIndexFormatKey), &version);
    if (!read.ok() || version != absl::StrCat(kIndexFormatVersion)) {
      return Unusable(path_, absl::StrCat("its format is ", read.ok() ? version : "not known",
                                          ", this program's is ", kIndexFormatVersion));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<Checkpoint>> ReadCheckpoint(const LogId& log) override {
    std::string value;
    const rocksdb::Status read =
        db_->Get(rocksdb::ReadOptions(), ToSlice(IndexKey::Of(KeyType::kCheckpoint, log).text()), &value);
    if (read.IsNotFound()) {
      return std::nullopt;
    }
    std::optional<Checkpoint> checkpoint = read.ok() ? DecodeCheckpoint(value) : std::nullopt;
    if (!checkpoint) {
      return Unusable(path_, read.ok() ? "a checkpoint is damaged" : read.ToString());
    }
    return checkpoint;
  }

  absl::StatusOr<std::vector<SegmentEntry>> SealedSegments(const LogId& log) override {
    std::vector<SegmentEntry> segments;
    RETURN_IF_ERROR(Visit(KeyType::kSegment, IndexKey::Of(KeyType::kSegment, log), log,
                          [&](const ParsedKey& key, absl::string_view value) {
                            const std::optional<SegmentEntry> entry = DecodeSegmentEntry(key.offset, value);
                            if (entry) {
                              segments.push_back(*entry);
                            }
                            return entry.has_value() ? Go::kOn : Go::kDamaged;
                          }));
    return segments;
  }

  absl::Status VisitOffsets(const LogId& log, Offset from, OffsetVisitor visit) override {
    return Visit(KeyType::kOffset, IndexKey::OfOffset(log, from), log,
                 [&](const ParsedKey& key, absl::string_view value) {
                   const std::optional<OffsetEntry> entry = DecodeOffsetEntry(key.offset, value);
                   if (!entry) {
                     return Go::kDamaged;
                   }
                   return visit(*entry) ? Go::kOn : Go::kStop;
                 });
  }

  absl::Status VisitTimes(const LogId& log, TimeVisitor visit) override {
    return Visit(
        KeyType::kTime, IndexKey::Of(KeyType::kTime, log), log, [&](const ParsedKey& key, absl::string_view) {
          return visit({.timestamp_ms = key.timestamp_ms, .offset = key.offset}) ? Go::kOn : Go::kStop;
        });
  }

 private:
  enum class Go { kOn, kStop, kDamaged };
  using Visitor = absl::FunctionRef<Go(const ParsedKey&, absl::string_view)>;

  absl::Status Visit(KeyType type, const IndexKey& lower, const LogId& log, Visitor visit) {
    const IndexKey upper = IndexKey::After(type, log);
    const rocksdb::Slice upper_slice = ToSlice(upper.text());
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = &upper_slice;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
    for (it->Seek(ToSlice(lower.text())); it->Valid(); it->Next()) {
      const std::optional<ParsedKey> key = ParseKey(FromSlice(it->key()));
      const Go go = key ? visit(*key, FromSlice(it->value())) : Go::kDamaged;
      if (go == Go::kDamaged) {
        return Unusable(path_, "it holds bytes that no version of Sluice writes");
      }
      if (go == Go::kStop) {
        return absl::OkStatus();
      }
    }
    return it->status().ok() ? absl::OkStatus() : Unusable(path_, it->status().ToString());
  }

  const std::string path_;
  const std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<IndexReader>> IndexReader::Open(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path + "/CURRENT", error)) {
    return absl::NotFoundError(absl::StrCat("there is no offset index ", path));
  }
  rocksdb::Options options = CommonRocksOptions();
  options.create_if_missing = false;
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status opened = rocksdb::DB::OpenForReadOnly(options, path, &raw);
  if (!opened.ok()) {
    return Unusable(path, opened.ToString());
  }
  auto reader = std::make_unique<RocksIndexReader>(path, std::unique_ptr<rocksdb::DB>(raw));
  RETURN_IF_ERROR(reader->CheckFormat());
  return reader;
}

}  // namespace sluice::storage
