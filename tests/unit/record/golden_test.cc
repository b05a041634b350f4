// Batches that a foreign client wrote (tests/golden/make_record_goldens.py says which): read them, and write
// the same bytes.
#include <fstream>

#include "absl/strings/escaping.h"
#include "proto/record/batch_check.h"
#include "record_support.h"

namespace sluice::record {
namespace {

Bytes LoadGolden(const std::string& name) {
  std::ifstream file(SLUICE_GOLDEN_DIR "/record_" + name + ".hex");
  CHECK(file.good());
  std::string hex;
  for (std::string line; std::getline(file, line);) {
    hex += line.starts_with('#') ? "" : line;
  }
  return ToBytes(AsBytes(absl::HexStringToBytes(hex)));
}

std::vector<OwnedRecord> GoldenRecords() {
  std::string long_value;
  for (int i = 0; i < 50; ++i) {
    long_value += "sluice";
  }
  return {{0, kNow, "k0", "v0", {}},
          {1,
           kNow + 5,
           std::nullopt,
           long_value,
           {{"trace", std::string("\0\xff", 2)}, {"empty", ""}, {"none", std::nullopt}}},
          {2, kNow - 3, "k2", std::nullopt, {}},
          {3, kNow + 100'000, "", "", {{"\xc3\xa9", "utf-8"}}}};
}

TEST(GoldenTest, ReadsWhatAForeignWriterWroteWithEveryCodec) {
  for (const Codec codec : kAllCodecs) {
    const Bytes bytes = LoadGolden(std::string(CodecName(codec)));
    const BatchView batch(bytes);
    EXPECT_EQ(batch.codec(), codec);
    EXPECT_EQ(CheckProducedBatch(batch, {}), std::nullopt) << CodecName(codec);
    EXPECT_TRUE(ValidateStructure(batch).ok());
    EXPECT_EQ(batch.base_timestamp(), kNow);
    EXPECT_EQ(batch.max_timestamp(), kNow + 100'000);
    EXPECT_EQ(ReadAll(batch), GoldenRecords()) << CodecName(codec);
  }
}

TEST(GoldenTest, WritesTheSameBytesWithoutCompression) {
  EXPECT_EQ(BuildBatch(GoldenRecords(), {.leader_epoch = LeaderEpoch(0)}), LoadGolden("none"));
}

TEST(GoldenTest, WritesTheSameBytesForATransactionalProducer) {
  const Bytes golden = LoadGolden("transactional");
  EXPECT_EQ(BuildBatch(GoldenRecords(), {.producer_id = ProducerId(4711),
                                         .producer_epoch = ProducerEpoch(3),
                                         .base_sequence = 2147483646,
                                         .transactional = true,
                                         .leader_epoch = LeaderEpoch(0)}),
            golden);
  EXPECT_EQ(BatchView(golden).last_sequence(), 1);
  EXPECT_EQ(CheckProducedBatch(BatchView(golden), {}), std::nullopt);
}

}  // namespace
}  // namespace sluice::record
