#include "storage/tools/segment_row.h"

#include "proto/base/status_macros.h"
#include "storage/log/tail_check.h"

namespace sluice::storage {
namespace {

// A file that cannot be read holds something: whoever reads it next says what is wrong.
bool IsEmpty(Disk& disk, const SegmentRow::Item& item) {
  if (item.size_bytes == 0) {
    return true;
  }
  const absl::StatusOr<std::unique_ptr<File>> file = disk.Open(item.path, Disk::OpenMode::kReadOnly);
  if (!file.ok()) {
    return false;
  }
  const absl::StatusOr<TailVerdict> content = CheckTail(**file, 0, item.size_bytes, {.offset = item.base});
  return content.ok() && content->kind == TailVerdict::Kind::kClean;
}

}  // namespace

absl::StatusOr<SegmentRow> ReadSegmentRow(Disk& disk, const PartitionFiles& partition) {
  SegmentRow row;
  row.gaps_below = partition.gaps_below;
  for (const Offset base : partition.bases) {
    SegmentRow::Item item{.base = base, .path = partition.SegmentPath(base)};
    ASSIGN_OR_RETURN(item.size_bytes, disk.FileSize(item.path));
    row.bytes += item.size_bytes;
    row.items.push_back(std::move(item));
  }
  row.last = row.items.empty() ? 0 : row.items.size() - 1;
  while (row.last > 0 && IsEmpty(disk, row.items[row.last])) {
    --row.last;
  }
  return row;
}

}  // namespace sluice::storage
