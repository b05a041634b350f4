// `sluice log dump`: what segment files hold, batch by batch or record by record, straight from the files.
// Bytes that are no whole batch are named and passed over.

#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "proto/record/compression.h"
#include "proto/record/record_iterator.h"
#include "storage/tools/segment_row.h"
#include "tools/cli/commands.h"
#include "tools/cli/log_tool.h"
#include "tools/cli/record_json.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;
using record::BatchView;
using storage::LogFiles;
using storage::PartitionFiles;
using storage::SegmentRow;
using storage::SegmentWalk;

constexpr size_t kDecompressedBytesMax = size_t{1} << 30;

std::string Shown(const std::optional<ByteView>& bytes) {
  return bytes ? absl::StrCat("\"", absl::CEscape(AsText(*bytes)), "\"") : "null";
}

class Dump {
 public:
  Dump(const Context& context, const LogDumpOptions& options) : json_(context.json), options_(options) {}

  absl::Status Run();

 private:
  absl::Status DumpPartition(const PartitionFiles& partition, std::optional<Offset> only);
  absl::Status DumpSegment(const SegmentRow& row, size_t index);
  absl::Status PrintStep(const SegmentWalk::Step& step, SegmentWalk& walk);
  void PrintBatch(const SegmentWalk::Step& step) const;
  void PrintDamage(const SegmentWalk::Step& step) const;
  absl::Status PrintRecords(BatchView batch);
  void PrintRecord(const record::RecordView& record);
  bool IsWanted(Offset first, Offset last) const {
    return last.value() >= options_.from && first.value() <= options_.to;
  }
  bool several_records() const { return options_.records || options_.records_only; }

  const bool json_;
  const LogDumpOptions& options_;
  storage::PosixDisk disk_;
  std::string topic_;
  int32_t partition_ = -1;
  record::Decompressor decompressor_;
  Bytes scratch_;
  std::string line_;
  uint64_t faults_ = 0;
};

absl::Status Dump::Run() {
  ASSIGN_OR_RETURN(const LogFiles files,
                   LogFiles::Open(disk_, options_.path,
                                  options_.running ? LogFiles::For::kLiveReading : LogFiles::For::kReading));
  for (const PartitionFiles& partition : files.partitions()) {
    RETURN_IF_ERROR(DumpPartition(partition, files.only_segment()));
  }
  return faults_ == 0
             ? absl::OkStatus()
             : absl::DataLossError(absl::StrCat(options_.path, ": ", faults_,
                                                " places are not as they should be; `sluice log verify` says "
                                                "what they mean"));
}

absl::Status Dump::DumpPartition(const PartitionFiles& partition, std::optional<Offset> only) {
  const size_t dash = partition.name.rfind('-');
  topic_ = partition.name.substr(0, dash);
  if (dash == std::string::npos || !absl::SimpleAtoi(partition.name.substr(dash + 1), &partition_)) {
    partition_ = -1;
  }
  ASSIGN_OR_RETURN(const SegmentRow row, storage::ReadSegmentRow(disk_, partition));
  for (size_t i = 0; i < row.items.size(); ++i) {
    const Offset base = row.items[i].base;
    const bool ends_before = i + 1 < row.items.size() && row.items[i + 1].base.value() <= options_.from;
    if ((only && base != *only) || ends_before || base.value() > options_.to) {
      continue;
    }
    if (!only && !options_.records_only) {
      Note(row.items[i].path);
    }
    RETURN_IF_ERROR(DumpSegment(row, i));
  }
  return absl::OkStatus();
}

absl::Status Dump::DumpSegment(const SegmentRow& row, size_t index) {
  const std::string& path = row.items[index].path;
  ASSIGN_OR_RETURN(const auto file, disk_.Open(path, storage::Disk::OpenMode::kReadOnly));
  SegmentWalk walk(*file, row.BoundsOf(index, LeaderEpoch(0)));
  while (true) {
    ASSIGN_OR_RETURN(const SegmentWalk::Step step, walk.Next());
    if (step.kind == SegmentWalk::Kind::kEnd || step.kind == SegmentWalk::Kind::kRoom) {
      const uint64_t room = step.kind == SegmentWalk::Kind::kRoom ? step.size_bytes : 0;
      Note(absl::StrCat("end at byte ", step.position,
                        room == 0 ? "" : absl::StrCat(", then ", room, " bytes of preallocated zeros")));
      return absl::OkStatus();
    }
    if (absl::Status printed = PrintStep(step, walk); !printed.ok()) {
      return WithContext(printed, absl::StrCat(path, ": byte ", step.position));
    }
    if (walk.expected().value() > options_.to) {
      return absl::OkStatus();
    }
  }
}

absl::Status Dump::PrintStep(const SegmentWalk::Step& step, SegmentWalk& walk) {
  if (step.fault != SegmentWalk::Fault::kNone && step.expected.value() >= options_.from) {
    ++faults_;
    PrintDamage(step);
  }
  if (step.kind != SegmentWalk::Kind::kBatch ||
      !IsWanted(step.header.base_offset(), step.header.last_offset())) {
    return absl::OkStatus();
  }
  if (!options_.records_only) {
    PrintBatch(step);
  }
  if (!several_records()) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::optional<BatchView> batch, walk.Batch(step.position));
  return batch ? PrintRecords(*batch) : absl::AbortedError("the file changed while it was read");
}

// Not among the records, which go to somebody who takes only records.
void Dump::PrintDamage(const SegmentWalk::Step& step) const {
  if (options_.records_only) {
    Note(absl::StrCat("byte ", step.position, ", offset ", step.expected.value(), ": ", step.reason));
  } else if (json_) {
    const Json line = {{"position", step.position},
                       {"size", step.size_bytes},
                       {"expected_offset", step.expected.value()},
                       {"fault", step.reason}};
    std::puts(line.dump().c_str());
  } else {
    std::printf("position %llu size %llu FAULT at offset %lld: %s\n",
                static_cast<unsigned long long>(step.position),
                static_cast<unsigned long long>(step.size_bytes),
                static_cast<long long>(step.expected.value()), step.reason.c_str());
  }
}

void Dump::PrintBatch(const SegmentWalk::Step& step) const {
  const BatchView& batch = step.header;
  if (json_) {
    const Json line = {{"topic", topic_},
                       {"partition", partition_},
                       {"position", step.position},
                       {"size", step.size_bytes},
                       {"base_offset", batch.base_offset().value()},
                       {"last_offset", batch.last_offset().value()},
                       {"records", batch.record_count()},
                       {"leader_epoch", batch.leader_epoch().value()},
                       {"codec", std::string(ToStd(record::CodecName(batch.codec())))},
                       {"max_timestamp", batch.max_timestamp()},
                       {"producer_id", batch.producer_id().value()},
                       {"producer_epoch", batch.producer_epoch().value()},
                       {"base_sequence", batch.base_sequence()},
                       {"transactional", batch.is_transactional()},
                       {"control", batch.is_control()},
                       {"crc", "good"}};
    std::puts(line.dump().c_str());
    return;
  }
  std::printf(
      "position %llu size %llu offsets %lld-%lld records %d epoch %d codec %s max timestamp %lld producer "
      "%lld/%d sequence %d crc good\n",
      static_cast<unsigned long long>(step.position), static_cast<unsigned long long>(step.size_bytes),
      static_cast<long long>(batch.base_offset().value()),
      static_cast<long long>(batch.last_offset().value()), batch.record_count(), batch.leader_epoch().value(),
      std::string(ToStd(record::CodecName(batch.codec()))).c_str(),
      static_cast<long long>(batch.max_timestamp()), static_cast<long long>(batch.producer_id().value()),
      batch.producer_epoch().value(), batch.base_sequence());
}

// Control batches end transactions: their records are no data.
absl::Status Dump::PrintRecords(BatchView batch) {
  if (batch.is_control() && options_.records_only) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const ByteView records,
                   decompressor_.DecompressRecords(batch, kDecompressedBytesMax, &scratch_));
  record::RecordIterator iterator(batch, records);
  record::RecordView one;
  while (iterator.Next(&one)) {
    if (IsWanted(one.offset, one.offset)) {
      PrintRecord(one);
    }
  }
  return iterator.status();
}

void Dump::PrintRecord(const record::RecordView& record) {
  if (json_) {
    line_.clear();
    AppendJson(&line_, RecordView{.topic = topic_,
                                  .partition = partition_,
                                  .offset = record.offset.value(),
                                  .timestamp_ms = record.timestamp_ms,
                                  .key = record.key,
                                  .value = record.value,
                                  .headers = HeaderList(record.headers.bytes(), record.headers.size())});
    std::puts(line_.c_str());
  } else {
    std::printf("%soffset %lld timestamp %lld key %s value %s\n", options_.records_only ? "" : "  ",
                static_cast<long long>(record.offset.value()), static_cast<long long>(record.timestamp_ms),
                Shown(record.key).c_str(), Shown(record.value).c_str());
  }
}

}  // namespace

int RunLogDump(const Context& context, const LogDumpOptions& options) {
  const absl::Status status = Dump(context, options).Run();
  return status.ok() ? kExitOk : Fail(status);
}

}  // namespace sluice::cli
