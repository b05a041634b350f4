#include "tests/support/log_fixture.h"

namespace sluice::storage {
namespace {

using ::testing::HasSubstr;

class LogDirTest : public LogFixture {
 protected:
  LogId Other(int partition) const { return {id_.topic_id, PartitionId(partition)}; }
};

TEST_F(LogDirTest, ASecondBrokerIsRefusedAndToldWhoHoldsTheDirectory) {
  Open();
  const auto second = LogDir::Open(dir_options_, cluster_, {disk_, clock_, pool_, nullptr});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("in use by another broker (pid " + std::to_string(::getpid()) + ")"));
  Crash();
  Open();
}

TEST_F(LogDirTest, ItsIdentityStaysAndOthersAreRefused) {
  Open();
  const Uuid directory = dir_->directory_id();
  EXPECT_FALSE(directory.IsZero());
  EXPECT_EQ(dir_->cluster_id(), cluster_);
  CrashAndReopen();
  EXPECT_EQ(dir_->directory_id(), directory);
  Crash();
  const Uuid mine = cluster_;
  cluster_.bytes[3] ^= 1;
  EXPECT_THAT(std::string(TryOpen().message()), HasSubstr("belongs to cluster " + mine.ToString()));
  cluster_ = mine;
  dir_options_.node_id = NodeId(2);
  EXPECT_THAT(std::string(TryOpen().message()), HasSubstr("belongs to node 1, this is node 2"));
}

TEST_F(LogDirTest, ANewerFormatIsRefusedInWords) {
  Open();
  Crash();
  ASSERT_EQ(posix_.ReplaceFile(dir_options_.path + "/meta.properties", "version=2\n"), absl::OkStatus());
  const absl::Status status = TryOpen();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("written by a newer Sluice (format 2"));
}

TEST_F(LogDirTest, ALogHasAnEntryOfItsOwnAndTopicIdsAsKafkaWritesThem) {
  OpenNew();
  EXPECT_EQ(*posix_.ReadFile(LogPath("partition.metadata")),
            "version: 0\ntopic_id: " + id_.topic_id.ToString() + "\n");
  EXPECT_EQ(dir_->Create({"orders", id_}, options_).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(LogDirTest, AllLogsComeBackByNameAndId) {
  OpenNew();
  for (int i = 1; i < 5; ++i) {
    ASSERT_TRUE(dir_->Create({"a-b.c", Other(i)}, options_).ok());
  }
  CrashAndReopen();
  EXPECT_EQ(dir_->stats().logs, 5u);
  EXPECT_EQ(dir_->logs().size(), 5u);
  for (const LogDir::FoundLog& found : dir_->logs()) {
    EXPECT_EQ(found.name.topic, found.name.id.partition.value() == 0 ? "orders" : "a-b.c");
    EXPECT_EQ(found.log, dir_->Find(found.name.id));
  }
}

TEST_F(LogDirTest, ADeletedLogIsGoneForGoodAndItsNameIsFree) {
  OpenNew();
  PutMany(3);
  ASSERT_EQ(dir_->Delete(id_), absl::OkStatus());
  EXPECT_EQ(dir_->Delete(id_).code(), absl::StatusCode::kNotFound);
  Uuid again = id_.topic_id;
  again.bytes[0] ^= 1;
  ASSERT_TRUE(dir_->Create({"orders", {again, PartitionId(0)}}, options_).ok());
  CrashAndReopen();
  EXPECT_EQ(dir_->Find(id_), nullptr);
  ASSERT_NE(dir_->Find({again, PartitionId(0)}), nullptr);
  EXPECT_EQ(dir_->Find({again, PartitionId(0)})->end().value(), 0);
}

TEST_F(LogDirTest, ADeletionCutShortIsFinishedAtTheStart) {
  Open();
  Crash();
  const std::string left = dir_options_.path + "/orders-0.abc-delete";
  ASSERT_EQ(posix_.CreateDirectory(left), absl::OkStatus());
  ASSERT_EQ(posix_.ReplaceFile(left + "/00000000000000000000.log", "x"), absl::OkStatus());
  Open();
  EXPECT_FALSE(posix_.Exists(left));
}

TEST_F(LogDirTest, AMakingCutShortIsUndoneAtTheStart) {
  Open();
  Crash();
  ASSERT_EQ(posix_.CreateDirectory(LogPath()), absl::OkStatus());
  Open();
  EXPECT_FALSE(posix_.Exists(LogPath()));
}

TEST_F(LogDirTest, RecordsWithoutATopicIdAreNotTouched) {
  OpenNew();
  PutMany(1);
  Crash();
  ASSERT_EQ(posix_.Unlink(LogPath("partition.metadata")), absl::OkStatus());
  EXPECT_EQ(TryOpen().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(posix_.Exists(LogPath("00000000000000000000.log")));
}

// The making of a log was cut short by a power cut.
TEST_F(LogDirTest, ADirectoryWithoutATopicIdAndWithoutRecordsIsRemoved) {
  OpenNew();
  Crash();
  {
    const auto file = posix_.Open(LogPath("partition.metadata"), Disk::OpenMode::kReadWrite);
    ASSERT_EQ((*file)->Truncate(0), absl::OkStatus());
  }
  Open();
  EXPECT_EQ(log_, nullptr);
  EXPECT_FALSE(posix_.Exists(LogPath()));
}

TEST_F(LogDirTest, TheCleanMarkIsGoneBeforeTheFirstAppend) {
  OpenNew();
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  EXPECT_EQ(Append({}).code, AppendCode::kClosed);
  Crash();
  EXPECT_TRUE(posix_.Exists(dir_options_.path + "/clean-shutdown"));
  Open();
  EXPECT_TRUE(dir_->stats().clean_start);
  EXPECT_FALSE(posix_.Exists(dir_options_.path + "/clean-shutdown"));
  CrashAndReopen();
  EXPECT_FALSE(dir_->stats().clean_start);
}

}  // namespace
}  // namespace sluice::storage
