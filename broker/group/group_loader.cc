#include "broker/group/group_loader.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "proto/record/batch_view.h"
#include "proto/record/compression.h"
#include "proto/record/record_iterator.h"

namespace sluice::broker {
namespace {

constexpr uint64_t kReadBytes = 1 << 20;
constexpr size_t kDecompressedMax = 64 << 20;

absl::Status ReadFully(const storage::FileRange& range, Bytes* into) {
  into->resize(range.size);
  size_t done = 0;
  while (done < range.size) {
    const ssize_t count = ::pread(range.file->fd(), into->data() + done, range.size - done,
                                  static_cast<off_t>(range.position + done));
    if (count <= 0) {
      return absl::DataLossError(absl::StrCat("a read of ", range.size, " bytes ended after ", done));
    }
    done += static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status GroupLoader::Read(Partition& partition) {
  storage::Log& log = partition.log();
  const Offset end = log.end();
  storage::ReadCursor cursor;
  for (Offset next = log.start(); next < end;) {
    const storage::ReadOutcome outcome = log.Read(
        {.offset = next, .limit = end, .max_bytes = kReadBytes, .at_least_one_batch = true}, &cursor);
    if (outcome.code != storage::ReadCode::kOk) {
      return outcome.status.ok()
                 ? absl::UnavailableError(absl::StrCat("offset ", next.value(), " cannot be read"))
                 : outcome.status;
    }
    if (outcome.range.size == 0) {
      return absl::OkStatus();  // Compaction took the rest away.
    }
    RETURN_IF_ERROR(ReadRange(outcome.range, &next));
  }
  return absl::OkStatus();
}

absl::Status GroupLoader::ReadRange(const storage::FileRange& range, Offset* next) {
  Bytes bytes;
  RETURN_IF_ERROR(ReadFully(range, &bytes));
  for (ByteView rest = bytes; !rest.empty();) {
    const record::BatchParse parse = record::ParseBatch(rest);
    if (!parse.ok()) {
      return absl::DataLossError(absl::StrCat("no whole batch at offset ", next->value()));
    }
    RETURN_IF_ERROR(ReadBatch(parse.batch));
    *next = parse.batch.next_offset();
    rest = rest.subspan(parse.batch.size_bytes());
  }
  return absl::OkStatus();
}

absl::Status GroupLoader::ReadBatch(const record::BatchView& batch) {
  if (batch.is_control()) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(record::VerifyCrc(batch));
  Bytes scratch;
  ASSIGN_OR_RETURN(const ByteView records, record::DecompressRecords(batch, &scratch, kDecompressedMax));
  record::RecordIterator it(batch, records);
  for (record::RecordView record; it.Next(&record);) {
    RETURN_IF_ERROR(VisitGroupRecord(record.key, record.value, this));
  }
  return it.status();
}

LoadedGroup& GroupLoader::FindOrMake(const std::string& group) {
  return groups_.try_emplace(group, LoadedGroup{ClassicGroup(group, limits_)}).first->second;
}

void GroupLoader::OnOffset(const std::string& group, const TopicPartition& at,
                           const CommittedOffset* offset) {
  if (offset != nullptr) {
    FindOrMake(group).offsets.Put(at, *offset);
    return;
  }
  const auto found = groups_.find(group);
  if (found == groups_.end()) {
    return;
  }
  found->second.offsets.Remove(at);
  if (found->second.offsets.empty() && found->second.classic.state_changed_ms() < 0 &&
      !found->second.consumer) {
    groups_.erase(found);
  }
}

// The group goes with its last offset: their tombstones stand before its own.
void GroupLoader::OnGroup(const std::string& group, const kafka::GroupMetadataValue* value) {
  if (value != nullptr) {
    FindOrMake(group).classic.Load(*value, now_.monotonic_ms);
    return;
  }
  const auto found = groups_.find(group);
  if (found == groups_.end()) {
    return;
  }
  if (found->second.offsets.empty() && !found->second.consumer) {
    groups_.erase(found);
  } else {
    found->second.classic = ClassicGroup(group, limits_);
  }
}

void GroupLoader::OnConsumerRecord(const std::string& group, const ConsumerRecord& record) {
  LoadedGroup& loaded = FindOrMake(group);
  if (!loaded.consumer) {
    loaded.consumer.emplace(group, consumer_limits_);
  }
  loaded.consumer->Apply(record);
}

// Makes of a group's records what it is. False: it went, and they are what it left behind, in whatever number
// compaction made of them.
bool GroupLoader::Finish(const std::string& id, LoadedGroup* loaded) const {
  if (!loaded->consumer) {
    return true;
  }
  if (loaded->consumer->exists()) {
    loaded->consumer->FinishLoading(now_);
    loaded->classic = ClassicGroup(id, limits_);
    return true;
  }
  loaded->consumer.reset();
  return !loaded->offsets.empty() || loaded->classic.state_changed_ms() >= 0;
}

std::map<std::string, LoadedGroup> GroupLoader::Take() {
  for (auto it = groups_.begin(); it != groups_.end();) {
    it = Finish(it->first, &it->second) ? std::next(it) : groups_.erase(it);
  }
  return std::move(groups_);
}

}  // namespace sluice::broker
