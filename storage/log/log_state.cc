#include "storage/log/log_state.h"

#include <concepts>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/bytes.h"
#include "proto/base/endian.h"

namespace sluice::storage {
namespace {

constexpr int16_t kVersion = 1;
constexpr size_t kEpochSize = 4 + 8;
constexpr size_t kProducerSizeMin = 8 + 2 + 8 + 1;

class Writer {
 public:
  template <std::integral T>
  void Put(T value) {
    std::byte raw[sizeof(T)];
    StoreBigEndian(raw, value);
    out_.append(AsText(raw).data(), sizeof(T));
  }
  std::string Take() && { return std::move(out_); }

 private:
  std::string out_;
};

// Sticky: after the first value that is not there, every value is zero and ok() is false.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : bytes_(AsBytes(bytes)) {}

  template <std::integral T>
  T Get() {
    if (bytes_.size() < sizeof(T)) {
      ok_ = false;
      return 0;
    }
    const T value = LoadBigEndian<T>(bytes_.data());
    bytes_ = bytes_.subspan(sizeof(T));
    return value;
  }
  // A count of things that take at least `size_min` bytes each: never more than there can be.
  uint32_t GetCount(size_t size_min) {
    const auto count = Get<uint32_t>();
    if (count > bytes_.size() / size_min) {
      ok_ = false;
      return 0;
    }
    return count;
  }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && bytes_.empty(); }

 private:
  ByteView bytes_;
  bool ok_ = true;
};

void PutProducer(Writer& out, ProducerId id, const ProducerEntry& entry) {
  out.Put<int64_t>(id.value());
  out.Put<int16_t>(entry.epoch.value());
  out.Put<int64_t>(entry.last_seen_ms);
  out.Put<uint8_t>(static_cast<uint8_t>(entry.count));
  for (size_t i = 0; i < entry.count; ++i) {
    const ProducedBatch& batch = entry.batches[i];
    out.Put<int32_t>(batch.first_sequence);
    out.Put<int32_t>(batch.last_sequence);
    out.Put<int64_t>(batch.base_offset.value());
    out.Put<int64_t>(batch.last_offset.value());
    out.Put<int64_t>(batch.log_append_time_ms);
  }
}

void GetProducer(Reader& in, ProducerState& producers) {
  const ProducerId id(in.Get<int64_t>());
  ProducerEntry entry;
  entry.epoch = ProducerEpoch(in.Get<int16_t>());
  entry.last_seen_ms = in.Get<int64_t>();
  for (int left = in.Get<uint8_t>(); left > 0 && in.ok(); --left) {
    ProducedBatch batch;
    batch.first_sequence = in.Get<int32_t>();
    batch.last_sequence = in.Get<int32_t>();
    batch.base_offset = Offset(in.Get<int64_t>());
    batch.last_offset = Offset(in.Get<int64_t>());
    batch.log_append_time_ms = in.Get<int64_t>();
    entry.Push(batch);
  }
  producers.Restore(id, entry);
}

}  // namespace

std::string EncodeLogState(const LogState& state) {
  Writer out;
  out.Put<int16_t>(kVersion);
  out.Put<int64_t>(state.log_start.value());
  out.Put<int64_t>(state.max_timestamp_ms);
  out.Put<int64_t>(state.segment_max_timestamp_ms);
  out.Put<uint32_t>(static_cast<uint32_t>(state.epochs.size()));
  for (const EpochStart& epoch : state.epochs) {
    out.Put<int32_t>(epoch.epoch.value());
    out.Put<int64_t>(epoch.start.value());
  }
  out.Put<uint32_t>(static_cast<uint32_t>(state.producers.entries().size()));
  for (const auto& [id, entry] : state.producers.entries()) {
    PutProducer(out, id, entry);
  }
  return std::move(out).Take();
}

absl::StatusOr<LogState> DecodeLogState(absl::string_view bytes) {
  Reader in(bytes);
  const auto version = in.Get<int16_t>();
  if (version > kVersion) {
    return absl::FailedPreconditionError(absl::StrCat("checkpoint state of version ", version,
                                                      "; this Sluice knows versions up to ", kVersion));
  }
  LogState state;
  state.log_start = Offset(in.Get<int64_t>());
  state.max_timestamp_ms = in.Get<int64_t>();
  state.segment_max_timestamp_ms = in.Get<int64_t>();
  for (uint32_t left = in.GetCount(kEpochSize); left > 0; --left) {
    const LeaderEpoch epoch(in.Get<int32_t>());
    state.epochs.push_back({epoch, Offset(in.Get<int64_t>())});
  }
  for (uint32_t left = in.GetCount(kProducerSizeMin); left > 0 && in.ok(); --left) {
    GetProducer(in, state.producers);
  }
  if (!in.done()) {
    return absl::DataLossError(absl::StrCat("checkpoint state of ", bytes.size(), " bytes is damaged"));
  }
  return state;
}

}  // namespace sluice::storage
