// A damaged index is set aside and begun again; one that is merely in use is left alone.
#include <filesystem>
#include <fstream>

#include "index_fixture.h"
#include "storage/index/index_folder.h"

namespace sluice::storage {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

const LogId kLog = MakeLog(7, 1);

class IndexDamageTest : public IndexTest {
 protected:
  fs::path FileThatStartsWith(const std::string& prefix, const std::string& extension = "") {
    for (const auto& entry : fs::directory_iterator(path())) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(prefix) && name.ends_with(extension)) {
        return entry.path();
      }
    }
    ADD_FAILURE() << "no " << prefix << "*" << extension << " in " << path();
    return {};
  }
  static void FlipByte(const fs::path& file, std::streamoff at) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(at);
    const char old = static_cast<char>(stream.get());
    stream.seekp(at);
    stream.put(static_cast<char>(old ^ 0x5a));
    ASSERT_TRUE(stream.good()) << file;
  }
  std::vector<std::string> NamesSetAside() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      if (entry.path().filename() != "index") {
        names.push_back(entry.path().filename().string());
      }
    }
    return names;
  }
};

TEST_F(IndexDamageTest, MissingFolderIsMadeAndSaid) {
  Fill(kLog, 100);
  Close();
  fs::remove_all(path());
  Open();
  EXPECT_TRUE(index_->was_rebuilt());
  EXPECT_EQ(Find(kLog, 50), std::nullopt);
  EXPECT_THAT(NamesSetAside(), IsEmpty());
}

TEST_F(IndexDamageTest, MissingManifestBeginsAnew) {
  Fill(kLog, 100);
  Close();
  fs::remove(FileThatStartsWith("MANIFEST"));
  Open();
  EXPECT_TRUE(index_->was_rebuilt());
  Fill(kLog, 100);
  EXPECT_THAT(Find(kLog, 50), Optional(Entry(50, 0, 350)));
  EXPECT_THAT(NamesSetAside(), ElementsAre("index.broken.1"));
}

TEST_F(IndexDamageTest, MissingTableBeginsAnew) {
  Fill(kLog, 100);
  ASSERT_TRUE(index_->Flush().ok());
  Close();
  fs::remove(FileThatStartsWith("", ".sst"));
  Open();
  EXPECT_TRUE(index_->was_rebuilt());
}

TEST_F(IndexDamageTest, FlippedManifestByteBeginsAnew) {
  Fill(kLog, 100);
  ASSERT_TRUE(index_->Flush().ok());
  Close();
  FlipByte(FileThatStartsWith("MANIFEST"), 20);
  Open();
  EXPECT_TRUE(index_->was_rebuilt());
}

TEST_F(IndexDamageTest, DamageMetByALookupIsReportedAndCuredByTheNextStart) {
  Fill(kLog, 100'000);
  ASSERT_TRUE(index_->Flush().ok());
  Close();
  const fs::path table = FileThatStartsWith("", ".sst");
  const auto size = static_cast<std::streamoff>(fs::file_size(table));
  FlipByte(table, size / 4);  // Neither the first block, with the format key, nor what is read at the start.
  Open();
  ASSERT_FALSE(index_->was_rebuilt());
  absl::Status met;
  for (int64_t offset = 0; offset < 100'000 && met.ok(); offset += 100) {
    met = index_->FindOffset(kLog, Offset(offset)).status();
  }
  EXPECT_EQ(met.code(), absl::StatusCode::kDataLoss) << met;
  EXPECT_THAT(std::string(met.message()), HasSubstr("the next start makes it again"));
  Reopen();
  EXPECT_TRUE(index_->was_rebuilt());
}

TEST_F(IndexDamageTest, AnotherFormatIsSetAside) {
  Fill(kLog, 100);
  Close();
  {
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(rocksdb::Options(), path(), &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    ASSERT_TRUE(db->Put({}, std::string(kIndexFormatKey), "2").ok());
  }
  Open();
  EXPECT_TRUE(index_->was_rebuilt());
  EXPECT_EQ(Find(kLog, 50), std::nullopt);
}

TEST_F(IndexDamageTest, OnlyTheLastBrokenOneIsKept) {
  for (int i = 0; i < 3; ++i) {
    Close();
    MarkIndexDamaged(path());
    Open();
  }
  EXPECT_THAT(NamesSetAside(), ElementsAre("index.broken.3"));
}

TEST_F(IndexDamageTest, AnIndexInUseIsRefusedInWordsAndLeftAlone) {
  Fill(kLog, 100);
  const auto second = OffsetIndex::Open({.path = path()});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition) << second.status();
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use"));
  EXPECT_THAT(NamesSetAside(), IsEmpty());
  EXPECT_THAT(Find(kLog, 50), Optional(Entry(50, 0, 350)));
}

TEST_F(IndexDamageTest, TornWriteAheadLogLosesOnlyASuffix) {
  Write(kLog, {.offsets = {Entry(0, 0, 0)}});
  Write(kLog, {.offsets = {Entry(10, 0, 70)}});
  Close();
  const fs::path wal = FileThatStartsWith("", ".log");
  fs::resize_file(wal, fs::file_size(wal) - 3);
  Open();
  EXPECT_FALSE(index_->was_rebuilt());
  EXPECT_THAT(Find(kLog, 100), Optional(Entry(0, 0, 0)));
}

}  // namespace
}  // namespace sluice::storage
