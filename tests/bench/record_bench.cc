// What a record batch costs: to hash, to check, to build, to walk, to compress. One step each, in memory.
//
//   sluice_record_bench --benchmark_filter=Iterate
#include <benchmark/benchmark.h>

#include <string>

#include "proto/base/check.h"
#include "proto/base/crc32c.h"
#include "proto/record/batch_builder.h"
#include "proto/record/batch_check.h"
#include "proto/record/batch_patch.h"
#include "proto/record/record_iterator.h"

namespace sluice::record {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

// Values that compress about as events do: a varying number in text that repeats.
void Fill(BatchBuilder& builder, int records, size_t value_size, bool with_header) {
  const Header header{"trace-id", AsBytes("0123456789abcdef")};
  for (int i = 0; i < records; ++i) {
    const std::string key = "user-" + std::to_string(i * 7919 % 100'003);
    std::string value;
    while (value.size() < value_size) {
      value += "{\"id\":" + std::to_string((i + 1) * 104'729) + ",\"state\":\"active\"}";
    }
    value.resize(value_size);
    CHECK_OK(builder.Append(kNow + i, AsBytes(key), AsBytes(value),
                            std::span<const Header>(&header, with_header ? 1 : 0)));
  }
}

Bytes MakeBatch(int records, size_t value_size, Codec codec, bool with_header = false) {
  BatchBuilder builder({.codec = codec});
  Fill(builder, records, value_size, with_header);
  return ToBytes(*builder.Build());
}

void SetRates(benchmark::State& state, size_t bytes, int records) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
  state.SetItemsProcessed(state.iterations() * records);
}

void BM_Crc32c(benchmark::State& state) {
  const Bytes bytes(static_cast<size_t>(state.range(0)), std::byte{7});
  for (auto _ : state) {
    benchmark::DoNotOptimize(Crc32c(bytes));
  }
  SetRates(state, bytes.size(), 1);
}
BENCHMARK(BM_Crc32c)->Arg(1 << 10)->Arg(16 << 10)->Arg(1 << 20);

void BM_AssignOffset(benchmark::State& state) {
  Bytes bytes = MakeBatch(100, 100, Codec::kNone);
  Offset next(0);
  for (auto _ : state) {
    AssignOffset(bytes, ++next, LeaderEpoch(3));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_AssignOffset);

// What a broker does to each batch before it appends it. Arguments: records, bytes of a value.
void BM_CheckProduced(benchmark::State& state) {
  const auto records = static_cast<int>(state.range(0));
  const Bytes bytes = MakeBatch(records, static_cast<size_t>(state.range(1)), Codec::kNone);
  BatchView batch;
  RecordFacts facts;
  for (auto _ : state) {
    CHECK(!CheckProduced(bytes, {}, &batch, &facts));
  }
  SetRates(state, bytes.size(), records);
}
BENCHMARK(BM_CheckProduced)->Args({1, 1024})->Args({150, 100})->Args({16, 1024})->Args({1000, 1024});

void BM_Iterate(benchmark::State& state) {
  const auto records = static_cast<int>(state.range(0));
  const bool with_header = state.range(2) != 0;
  const Bytes bytes = MakeBatch(records, static_cast<size_t>(state.range(1)), Codec::kNone, with_header);
  for (auto _ : state) {
    RecordIterator it{BatchView(bytes)};
    size_t sum = 0;
    for (RecordView record; it.Next(&record);) {
      sum += record.value->size();
    }
    benchmark::DoNotOptimize(sum);
  }
  SetRates(state, bytes.size(), records);
}
BENCHMARK(BM_Iterate)->Args({1000, 10, 0})->Args({1000, 100, 0})->Args({1000, 100, 1})->Args({1000, 1024, 0});

void BM_Build(benchmark::State& state) {
  const auto records = static_cast<int>(state.range(0));
  const std::string value(static_cast<size_t>(state.range(1)), 'v');
  BatchBuilder builder;
  size_t size = 0;
  for (auto _ : state) {
    builder.Reset();
    for (int i = 0; i < records; ++i) {
      CHECK_OK(builder.Append(kNow + i, AsBytes("user-12345"), AsBytes(value)));
    }
    size = builder.Build()->size();
  }
  SetRates(state, size, records);
}
BENCHMARK(BM_Build)->Args({1000, 10})->Args({1000, 100})->Args({1000, 1024});

void BM_Compress(benchmark::State& state) {
  const auto codec = static_cast<Codec>(state.range(0));
  const Bytes plain = MakeBatch(1000, 100, Codec::kNone);
  const ByteView records = BatchView(plain).records();
  Compressor compressor;
  Bytes out;
  for (auto _ : state) {
    out.clear();
    CHECK_OK(compressor.Compress(codec, kDefaultLevel, records, &out));
  }
  SetRates(state, records.size(), 1000);
  const std::string name(CodecName(codec));
  state.SetLabel(name + ", to " + std::to_string(out.size() * 100 / records.size()) + "%");
}
BENCHMARK(BM_Compress)->DenseRange(1, 4);

void BM_Decompress(benchmark::State& state) {
  const auto codec = static_cast<Codec>(state.range(0));
  const Bytes bytes = MakeBatch(1000, 100, codec);
  Decompressor decompressor;
  Bytes scratch;
  size_t size = 0;
  for (auto _ : state) {
    size = decompressor.DecompressRecords(BatchView(bytes), 8 << 20, &scratch)->size();
  }
  SetRates(state, size, 1000);
  state.SetLabel(std::string(CodecName(codec)));
}
BENCHMARK(BM_Decompress)->DenseRange(1, 4);

}  // namespace
}  // namespace sluice::record

BENCHMARK_MAIN();
