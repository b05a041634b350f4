// What only a store on a disk can show: restarts, damage, formats, two processes.
#include "storage/meta/rocks_metadata_store.h"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "storage/meta/metadata_envelope.h"
#include "tests/support/sanitizers.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class RocksMetadataStoreTest : public testing::Test {
 protected:
  RocksMetadataStoreTest() { Open(); }

  absl::Status TryOpen(absl::Duration lease_check_interval = absl::ZeroDuration()) {
    store_.reset();
    auto opened =
        OpenRocksMetadataStore(path_, {.clock = clock_, .lease_check_interval = lease_check_interval});
    if (opened.ok()) {
      store_ = *std::move(opened);
    }
    return opened.status();
  }
  void Open() { ASSERT_EQ(TryOpen(), absl::OkStatus()); }
  int64_t Put(const std::string& key, const std::string& value, int64_t lease = 0) {
    const auto revision = store_->Commit({.writes = {{.key = key, .value = value, .lease = lease}}});
    EXPECT_TRUE(revision.ok()) << revision.status();
    return revision.value_or(-1);
  }
  void PutRaw(const std::string& stored_key, const std::string& bytes) {
    store_.reset();
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(rocksdb::Options(), path_, &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    ASSERT_TRUE(db->Put({}, stored_key, bytes).ok());
  }
  fs::path WriteAheadLog() {
    for (const auto& entry : fs::directory_iterator(path_)) {
      if (entry.path().extension() == ".log") {
        return entry.path();
      }
    }
    ADD_FAILURE() << "no write-ahead log in " << path_;
    return {};
  }

  TempDir dir_;
  const std::string path_ = dir_ / "some/deep/meta";
  ManualClock clock_;
  std::unique_ptr<LocalMetadataStore> store_;
};

TEST_F(RocksMetadataStoreTest, KeysAndRevisionsSurviveARestart) {
  const int64_t first = Put("a", "1");
  const int64_t second = Put("b", "2");
  Open();
  EXPECT_EQ((*store_->Get("a"))->revision, first);
  EXPECT_EQ((*store_->Get("b"))->value, "2");
  EXPECT_EQ(Put("c", "3"), second + 1);
}

TEST_F(RocksMetadataStoreTest, RevisionsGrowAcrossARestartEvenWhenTheLastKeyIsGone) {
  const int64_t last = Put("a", "1");
  ASSERT_TRUE(store_->Commit({.writes = {{.key = "a"}}}).ok());
  Open();
  EXPECT_EQ(Put("a", "1"), last + 2);
}

TEST_F(RocksMetadataStoreTest, ACommitSurvivesAKilledProcess) {
  SKIP_UNDER_THREAD_SANITIZER("it does not follow a fork of a process that has threads");
  store_.reset();
  const pid_t child = ::fork();
  if (child == 0) {
    auto store = OpenRocksMetadataStore(path_, {.lease_check_interval = absl::ZeroDuration()});
    const bool committed = store.ok() && (*store)->Commit({.writes = {{.key = "a", .value = "1"}}}).ok();
    ::_exit(committed ? 0 : 1);  // No destructor runs.
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  Open();
  EXPECT_EQ((*store_->Get("a"))->value, "1");
}

TEST_F(RocksMetadataStoreTest, KeysUnderALeaseDoNotOutliveTheProcess) {
  const int64_t lease = *store_->GrantLease(absl::Hours(1));
  Put("leased", "1", lease);
  Put("stays", "1");
  Open();
  EXPECT_FALSE(store_->Get("leased")->has_value());
  EXPECT_TRUE(store_->Get("stays")->has_value());
}

TEST_F(RocksMetadataStoreTest, ItsOwnThreadExpiresLeases) {
  ASSERT_TRUE(TryOpen(absl::Milliseconds(1)).ok());
  const int64_t lease = *store_->GrantLease(absl::Seconds(10));
  Put("leased", "1", lease);
  absl::Notification deleted;
  const auto watch = store_->Watch("leased", [&](const MetadataStore::Event& event) {
    if (event.deleted) {
      deleted.Notify();
    }
  });
  clock_.Advance(absl::Seconds(10));
  EXPECT_TRUE(deleted.WaitForNotificationWithTimeout(absl::Seconds(20)));
}

TEST_F(RocksMetadataStoreTest, ADatabaseInUseIsRefusedInWords) {
  const auto second = OpenRocksMetadataStore(path_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition) << second.status();
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use by another process"));
}

TEST_F(RocksMetadataStoreTest, ADatabaseInUseByAnotherProcessIsRefusedInWords) {
  SKIP_UNDER_THREAD_SANITIZER("it does not follow a fork of a process that has threads");
  store_.reset();
  int opened[2];
  int finish[2];
  ASSERT_EQ(::pipe(opened), 0);
  ASSERT_EQ(::pipe(finish), 0);
  const pid_t child = ::fork();
  char byte = 'x';
  if (child == 0) {
    ::close(finish[1]);
    const auto store = OpenRocksMetadataStore(path_, {.lease_check_interval = absl::ZeroDuration()});
    const bool told = ::write(opened[1], &byte, 1) == 1;
    const bool released = ::read(finish[0], &byte, 1) == 0;  // The parent closed its end.
    ::_exit(store.ok() && told && released ? 0 : 1);
  }
  ASSERT_EQ(::read(opened[0], &byte, 1), 1);
  const absl::Status refused = TryOpen();
  for (const int fd : {finish[0], finish[1], opened[0], opened[1]}) {
    ::close(fd);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("in use by another process"));
}

TEST_F(RocksMetadataStoreTest, ANewerFormatIsRefusedInWordsAndUntouched) {
  Put("a", "1");
  PutRaw("Fformat", "2");
  const absl::Status refused = TryOpen();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("has format 2, this program reads up to 1"));
  PutRaw("Fformat", "1");
  Open();
  EXPECT_EQ((*store_->Get("a"))->value, "1");
}

TEST_F(RocksMetadataStoreTest, DamageIsAnErrorAndNothingIsThrownAway) {
  Put("a", std::string(1000, 'x'));
  Put("b", std::string(1000, 'y'));
  store_.reset();
  {
    std::fstream log(WriteAheadLog(), std::ios::in | std::ios::out | std::ios::binary);
    log.seekp(500);
    log.put('?');
  }
  const absl::Status refused = TryOpen();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("restore the folder from a backup"));
}

TEST_F(RocksMetadataStoreTest, ATornLastCommitWasNeverAnsweredAndIsDropped) {
  Put("a", "1");
  Put("b", "2");
  store_.reset();
  const fs::path log = WriteAheadLog();
  fs::resize_file(log, fs::file_size(log) - 3);
  Open();
  EXPECT_EQ((*store_->Get("a"))->value, "1");
  EXPECT_FALSE(store_->Get("b")->has_value());
}

TEST_F(RocksMetadataStoreTest, AnUnknownEnvelopeIsDamage) {
  PutRaw("ka", "\x02rest");
  EXPECT_EQ(TryOpen().code(), absl::StatusCode::kDataLoss);
}

// What stands on people's disks.
TEST(MetadataEnvelope, HasTheBytesThatTheFormatPageShows) {
  EXPECT_EQ(EncodeEnvelope(300, 0, "v"), std::string("\x01\xac\x02\x00v", 5));
  const auto decoded = DecodeEnvelope(std::string("\x01\xac\x02\x07v", 5));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->revision, 300);
  EXPECT_EQ(decoded->lease, 7);
  EXPECT_EQ(decoded->value, "v");
  EXPECT_FALSE(DecodeEnvelope("").has_value());
  EXPECT_FALSE(DecodeEnvelope("\x01").has_value());
}

}  // namespace
}  // namespace sluice::storage
