// Logs that are not served: damaged ones, and those of a log dir whose disk failed.
#include <atomic>

#include "storage/log/damage.h"
#include "tests/support/log_fixture.h"

namespace sluice::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kFirst[] = "00000000000000000000.log";

class OfflineTest : public LogFixture {
 protected:
  OfflineTest() {
    Random random(7);
    other_ = {Uuid::Generate(random), PartitionId(0)};
    options_.durability = Durability::kSynced;
  }

  // "orders" with ten batches, of which the fifth is damaged, and "other" with one.
  void MakeDamaged() {
    dir_options_.journal.enabled = false;  // It would put back what is damaged here.
    OpenNew();
    PutMany(10, {.value_size = 100});
    AwaitDurable(Offset(10));
    const auto created = dir_->Create({"other", other_}, options_);
    ASSERT_TRUE(created.ok()) << created.status();
    AppendTo(**created);
    Crash();
    bad_byte_ = 4 * expected_[0].size();
    FlipBit(kFirst, bad_byte_ + 90);
  }
  AppendOutcome AppendTo(Log& log) {
    const Bytes batch = MakeBatch({});
    return log.Append(record::BatchView(batch), {.leader_epoch = LeaderEpoch(0), .now_ms = clock_.NowMs()});
  }

  LogId other_;
  uint64_t bad_byte_ = 0;
};

TEST_F(OfflineTest, ADamagedLogIsRefusedInWordsAndTheOthersAreServed) {
  MakeDamaged();
  Open();
  const std::vector<LogDir::DamagedLog> damaged = dir_->damaged();
  ASSERT_EQ(damaged.size(), 1u);
  EXPECT_EQ(damaged[0].name.topic, "orders");
  EXPECT_EQ(damaged[0].directory, LogPath());
  const std::string words(damaged[0].status.message());
  EXPECT_THAT(words, HasSubstr(absl::StrCat("orders-0/", kFirst, ": byte ", bad_byte_, ":")));
  EXPECT_THAT(words, HasSubstr("from offset 4 on may be lost"));
  EXPECT_THAT(words, HasSubstr("sluice log repair " + LogPath()));

  EXPECT_EQ(log_->health(), damaged[0].status);
  EXPECT_EQ(Append({}).code, AppendCode::kStorageError);
  EXPECT_EQ(Append({}).status, damaged[0].status);
  EXPECT_EQ(ReadAt(0).code, ReadCode::kStorageError);
  EXPECT_EQ(log_->FindTimestamp(0, Offset(10)).status(), damaged[0].status);

  Log* const other = dir_->Find(other_);
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->health(), absl::OkStatus());
  EXPECT_EQ(other->end(), Offset(1));
  EXPECT_EQ(AppendTo(*other).code, AppendCode::kOk);
  EXPECT_EQ(dir_->stats().logs, 2u);
}

TEST_F(OfflineTest, LaterStartsRefuseADamagedLogInTheSameWordsWithoutAWalk) {
  MakeDamaged();
  Open();
  const std::string words(dir_->damaged().at(0).status.message());
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  Crash();
  FlipBit(kFirst, bad_byte_ + 90);  // Were it walked, it would be found whole.
  Open();
  ASSERT_EQ(dir_->damaged().size(), 1u);
  EXPECT_EQ(dir_->damaged()[0].status.message(), words);

  // Repaired: the mark is gone, and what is there is checked batch by batch, after an orderly stop too.
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  Crash();
  ASSERT_EQ(posix_.Unlink(LogPath("damaged")), absl::OkStatus());
  Open();
  EXPECT_THAT(dir_->damaged(), IsEmpty());
  EXPECT_FALSE(dir_->stats().clean_start);
  ExpectLogHolds();
}

TEST_F(OfflineTest, ADamagedLogCanBeDeleted) {
  MakeDamaged();
  Open();
  ASSERT_EQ(dir_->Delete(id_), absl::OkStatus());
  EXPECT_FALSE(posix_.Exists(LogPath()));
  EXPECT_EQ(dir_->Find(id_), nullptr);
  EXPECT_THAT(dir_->damaged(), IsEmpty());
}

// What was acknowledged after the damage is in the journal and perhaps nowhere else, and the journal goes on
// with the other logs.
TEST_F(OfflineTest, WhatTheJournalHoldsOfADamagedLogIsPutIntoItFirst) {
  OpenNew();
  PutMany(10, {.value_size = 100});
  CloseAndReopen();
  PutMany(3, {.value_size = 100});
  AwaitDurable(Offset(13));
  Crash();
  RemoveIndex();  // So that everything is walked.
  FlipBit(kFirst, 4 * expected_[0].size() + 90);
  const int64_t syncs = disk_.calls(DiskCall::kSync);
  Open();
  ASSERT_EQ(dir_->damaged().size(), 1u);
  EXPECT_GT(disk_.calls(DiskCall::kSync), syncs);
  const auto damage = ReadDamage(disk_, LogPath());
  ASSERT_TRUE(damage.ok()) << damage.status();
  EXPECT_EQ((*damage)->offset, Offset(4));
  ASSERT_TRUE((*damage)->durable.has_value());
  EXPECT_EQ((*damage)->durable->offset, Offset(13));
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  Crash();
  FlipBit(kFirst, 4 * expected_[0].size() + 90);
  ASSERT_EQ(posix_.Unlink(LogPath("damaged")), absl::OkStatus());
  Open();
  ExpectLogHolds();
}

TEST_F(OfflineTest, ADirectoryWhoseJournalCannotBePutBackIsNotOpened) {
  OpenNew();
  PutMany(10);
  CloseAndReopen();
  PutMany(3);
  AwaitDurable(Offset(13));
  Crash();
  ASSERT_EQ(posix_.Rename(LogPath(kFirst), temp_ / "kept"), absl::OkStatus());
  const absl::Status refused = TryOpen();
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("the journal holds acknowledged records of this log"));
  ASSERT_EQ(posix_.Rename(temp_ / "kept", LogPath(kFirst)), absl::OkStatus());
  Open();
  ExpectLogHolds();
}

TEST_F(OfflineTest, ALogThatCannotBeReadIsOfflineUntilTheNextStart) {
  dir_options_.journal.enabled = false;
  OpenNew();
  PutMany(10);
  AwaitDurable(Offset(10));
  Crash();
  // The first reads are those of the directory's own files.
  int64_t nth = 1;
  do {
    dir_.reset();
    disk_.FailNth(DiskCall::kRead, nth++, absl::DataLossError("00.log: pread: Input/output error"));
  } while (!TryOpen().ok() && nth < 50);
  ASSERT_EQ(dir_->damaged().size(), 1u);
  EXPECT_THAT(std::string(dir_->damaged()[0].status.message()), HasSubstr("Input/output error"));
  EXPECT_FALSE(posix_.Exists(LogPath("damaged")));  // A disk's hiccup is not damage to be remembered.
  CrashAndReopen();
  EXPECT_THAT(dir_->damaged(), IsEmpty());
  ExpectLogHolds();
}

TEST_F(OfflineTest, AFileThatMarksDamageAndCannotBeReadKeepsTheLogOffline) {
  OpenNew();
  PutMany(1);
  Crash();
  for (const char* text : {"", "version=1\nfile=a\n", "version=99\nfile=a\nbyte=1\noffset=1\nreason=r\n",
                           "version=1\nfile=a\nbyte=-1\noffset=1\nreason=r\n"}) {
    ASSERT_EQ(posix_.ReplaceFile(LogPath("damaged"), text), absl::OkStatus());
    Open();
    ASSERT_EQ(dir_->damaged().size(), 1u) << text;
    EXPECT_THAT(std::string(dir_->damaged()[0].status.message()), HasSubstr("orders-0/damaged")) << text;
    Crash();
  }
}

TEST_F(OfflineTest, DamageSurvivesItsFile) {
  const Damage damage{.file = kFirst,
                      .byte = 412,
                      .offset = Offset(17),
                      .reason = "two\nlines = one",
                      .durable = LogPosition{Offset(20), Offset(0), 500}};
  const absl::StatusOr<Damage> read = DecodeDamage(EncodeDamage(damage), "damaged");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->file, kFirst);
  EXPECT_EQ(read->byte, 412u);
  EXPECT_EQ(read->offset, Offset(17));
  EXPECT_EQ(read->reason, "two lines = one");
  ASSERT_TRUE(read->durable.has_value());
  EXPECT_EQ(*read->durable, (LogPosition{Offset(20), Offset(0), 500}));
  EXPECT_EQ(DamageOf(DamageError(*read, "/d"))->byte, 412u);
  EXPECT_EQ(DamageOf(absl::DataLossError("pread")), std::nullopt);
}

// A page-cache log shows readers what is not on the disk; after a failed sync memory is not to be believed.
TEST_F(OfflineTest, AfterAFailedSyncNothingOfTheLogDirIsServedAppendedOrChanged) {
  options_.durability = Durability::kPageCache;
  OpenNew();
  PutMany(5);
  const auto created = dir_->Create({"other", other_}, options_);
  ASSERT_TRUE(created.ok()) << created.status();
  std::atomic<int> told = 0;
  (*created)->SetListener([&told] { ++told; });
  disk_.FailNth(DiskCall::kSync, 1, absl::DataLossError("fdatasync: Input/output error"));
  log_->RequestSync();
  Await([this] { return !fatal_.empty(); });
  Await([&told] { return told > 0; });

  EXPECT_TRUE(absl::IsFailedPrecondition(dir_->health())) << dir_->health();
  EXPECT_THAT(std::string(dir_->health().message()), HasSubstr(dir_options_.path + " is offline"));
  for (Log* log : {log_, created->get()}) {
    EXPECT_THAT(std::string(log->health().message()), HasSubstr("Input/output error"));
    EXPECT_EQ(AppendTo(*log).code, AppendCode::kStorageError);
    EXPECT_EQ(log->Read({.offset = Offset(0), .limit = log->end(), .max_bytes = 100}, nullptr).code,
              ReadCode::kStorageError);
    EXPECT_FALSE(log->FindTimestamp(0, Offset(5)).ok());
    EXPECT_FALSE(log->AdvanceStart(Offset(1)).ok());
  }
  EXPECT_FALSE(dir_->Create({"third", {other_.topic_id, PartitionId(1)}}, options_).ok());
  EXPECT_FALSE(dir_->Delete(id_).ok());
  EXPECT_TRUE(posix_.Exists(LogPath()));
  const int64_t syncs = disk_.calls(DiskCall::kSync);
  EXPECT_FALSE(dir_->Close().ok());
  EXPECT_EQ(disk_.calls(DiskCall::kSync), syncs);
  EXPECT_FALSE(posix_.Exists(dir_options_.path + "/clean-shutdown"));

  // The next start reads what is really there.
  Crash();
  Open();
  EXPECT_EQ(dir_->health(), absl::OkStatus());
  ExpectLogHolds();
}

TEST_F(OfflineTest, ASyncThatFailsWhileTheDirectoryIsOpenedRefusesIt) {
  OpenNew();
  PutMany(3);
  Crash();
  disk_.FailNth(DiskCall::kSync, 1, absl::DataLossError("fdatasync: Input/output error"));
  EXPECT_TRUE(absl::IsFailedPrecondition(TryOpen()));
  Open();
  ExpectLogHolds();
}

}  // namespace
}  // namespace sluice::storage
