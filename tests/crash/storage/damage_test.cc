// Bit flips, truncations and swapped blocks in the files of a stopped node. Damage in a segment is found, at
// the start or by whoever checks what is read, and nothing wrong passes for right; damage in the index is
// healed from the log. DAMAGES says how many.
#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/crash/storage/log_model.h"
#include "tests/crash/storage/run_options.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlock = 512;
constexpr int kBatches = 60;

enum class Harm { kFlip, kTruncate, kSwap };

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteFile(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

LogOptions SmallSegments() {
  LogOptions options;
  options.segment_bytes = 16 << 10;
  options.index_interval_bytes = 512;
  options.retention_ms = -1;
  return options;
}

class DamageTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { KeepFilesInMemory(); }

  // A node that stopped in order, or died with everything behind its last checkpoint on the disk.
  void MakeNode(bool clean) {
    LogModel model(disk_, node_, {SmallSegments()});
    ASSERT_EQ(model.Open(), absl::OkStatus());
    for (int i = 0; i < kBatches; ++i) {
      ASSERT_TRUE(model.Append(0, 100 + static_cast<size_t>(i) * 17 % 700));
    }
    std::string refusal;
    ASSERT_TRUE(model.ReadAll(0, &batches_, &refusal)) << refusal;
    if (clean) {
      ASSERT_EQ(model.Close(), absl::OkStatus());
    }
  }

  // Of the files of one kind: those of the index, or segments.
  std::vector<fs::path> Files(bool index, bool sealed_only) const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(copy_)) {
      const std::string path = entry.path();
      const bool of_index = absl::StrContains(path, "/index/");
      if (entry.is_regular_file() && entry.file_size() > 0 && of_index == index &&
          (index || absl::EndsWith(path, ".log"))) {
        files.push_back(entry.path());
      }
    }
    std::sort(files.begin(), files.end());
    if (sealed_only) {
      files.pop_back();
    }
    return files;
  }

  // False when it changed nothing.
  bool Hurt(const fs::path& file, Harm harm, Random& random) {
    const std::string before = ReadFile(file);
    std::string after = before;
    what_ = file.filename();
    if (harm == Harm::kFlip) {
      const size_t at = random.Below(after.size());
      after[at] = static_cast<char>(after[at] ^ (1 << random.Below(8)));
      absl::StrAppend(&what_, ": bit flipped in byte ", at);
    } else if (harm == Harm::kTruncate) {
      after.resize(random.Below(after.size()));
      absl::StrAppend(&what_, ": ", before.size(), " bytes cut to ", after.size());
    } else {
      const size_t blocks = std::max<size_t>(2, after.size() / kBlock);
      const size_t size = after.size() / blocks;
      const size_t one = random.Below(blocks) * size;
      const size_t other = random.Below(blocks) * size;
      for (size_t i = 0; i < size; ++i) {
        after[one + i] = before[other + i];
        after[other + i] = before[one + i];
      }
      absl::StrAppend(&what_, ": ", size, " bytes swapped at ", one, " and ", other);
    }
    WriteFile(file, after);
    return after != before;
  }

  void HurtAndOpen(uint64_t seed, bool index, bool clean) {
    Random random(seed);
    fs::remove_all(copy_);
    fs::copy(node_, copy_, fs::copy_options::recursive);
    const std::vector<fs::path> files = Files(index, /*sealed_only=*/!clean && !index);
    const fs::path file = files[random.Below(files.size())];
    if (!Hurt(file, static_cast<Harm>(random.Below(3)), random)) {
      return;
    }
    SCOPED_TRACE(absl::StrCat("SEED=", seed, " ", what_));
    index ? ExpectHealed() : ExpectFound(file.filename());
    ++harms_;
  }

  void ExpectHealed() {
    LogModel model(disk_, copy_, {SmallSegments()});
    model.set_may_create(false);
    ASSERT_EQ(model.Open(), absl::OkStatus());
    ExpectAllThere(model);
    // And each batch by a lookup of its own.
    for (const Bytes& batch : batches_) {
      const record::BatchView wanted(batch);
      const ReadOutcome outcome = model.log(0)->Read({.offset = wanted.base_offset(),
                                                      .limit = wanted.next_offset(),
                                                      .max_bytes = 1,
                                                      .at_least_one_batch = true},
                                                     nullptr);
      ASSERT_EQ(outcome.code, ReadCode::kOk) << outcome.status;
      ASSERT_EQ(ReadRange(outcome.range), AsText(wanted.bytes()));
    }
  }

  void ExpectAllThere(LogModel& model) {
    std::vector<Bytes> found;
    std::string refusal;
    ASSERT_TRUE(model.ReadAll(0, &found, &refusal)) << refusal;
    ASSERT_EQ(found, batches_);
  }

  void ExpectFound(const std::string& file) {
    LogModel model(disk_, copy_, {SmallSegments()});
    model.set_may_create(false);
    const absl::Status opened = model.Open();
    if (!opened.ok()) {
      EXPECT_TRUE(absl::IsDataLoss(opened)) << opened;
      EXPECT_TRUE(absl::StrContains(opened.message(), file) || absl::StrContains(opened.message(), "log0-0"))
          << opened << " does not name what is damaged";
      ++refused_;
      return;
    }
    std::vector<Bytes> found;
    std::string refusal;
    if (!model.ReadAll(0, &found, &refusal)) {
      ++found_by_reading_;
      return;
    }
    ExpectOnlyUncheckedBytesDiffer(found);
  }

  // What no checksum covers in a batch: the leader epoch, as in Kafka's format. All else must be right.
  void ExpectOnlyUncheckedBytesDiffer(const std::vector<Bytes>& found) {
    ASSERT_EQ(found.size(), batches_.size()) << "silently shorter";
    for (size_t i = 0; i < found.size(); ++i) {
      const record::BatchView one(found[i]);
      const record::BatchView wanted(batches_[i]);
      ASSERT_EQ(one.base_offset(), wanted.base_offset());
      ASSERT_EQ(AsText(one.bytes().subspan(record::kCrcAt)), AsText(wanted.bytes().subspan(record::kCrcAt)))
          << "wrong bytes passed for right";
    }
    ++harmless_;
  }

  void HurtManyTimes(bool index, bool clean, int64_t count) {
    ASSERT_NO_FATAL_FAILURE(MakeNode(clean));
    const uint64_t seed = SeedOfRun();
    for (uint64_t i = 0; harms_ < count && !HasFailure(); ++i) {
      HurtAndOpen(seed + i, index, clean);
    }
    std::fprintf(
        stderr,
        "%lld harms: %lld refused at the start, %lld found by reading, %lld in bytes that no checksum "
        "covers\n",
        static_cast<long long>(harms_), static_cast<long long>(refused_),
        static_cast<long long>(found_by_reading_), static_cast<long long>(harmless_));
    EXPECT_LE(harmless_, harms_ / 10) << "too much of a segment can change without being noticed";
  }

  static int64_t Wanted() { return CountFrom("DAMAGES", 500); }

  PosixDisk disk_;
  TempDir temp_;
  const std::string node_ = temp_ / "node";
  const std::string copy_ = temp_ / "copy";
  std::vector<Bytes> batches_;
  std::string what_;
  int64_t harms_ = 0;
  int64_t refused_ = 0;
  int64_t found_by_reading_ = 0;
  int64_t harmless_ = 0;
};

TEST_F(DamageTest, InASegmentOfANodeThatStoppedInOrderIsFound) {
  HurtManyTimes(/*index=*/false, /*clean=*/true, Wanted() * 2 / 5);
}

// Sealed segments only: they are below the last checkpoint.
TEST_F(DamageTest, BelowTheDurablePointOfANodeThatDiedIsFound) {
  HurtManyTimes(/*index=*/false, /*clean=*/false, Wanted() * 2 / 5);
}

TEST_F(DamageTest, InTheIndexIsHealedFromTheLog) {
  HurtManyTimes(/*index=*/true, /*clean=*/true, Wanted() / 10);
}

TEST_F(DamageTest, InTheIndexOfANodeThatDiedIsHealedFromTheLog) {
  HurtManyTimes(/*index=*/true, /*clean=*/false, Wanted() / 10);
}

}  // namespace
}  // namespace sluice::storage
