#include "storage/tools/log_files.h"

#include "tools_fixture.h"

namespace sluice::storage {
namespace {

using ::testing::HasSubstr;

class LogFilesTest : public ToolsFixture {
 protected:
  absl::Status OpenStatus(const std::string& path, LogFiles::For purpose = LogFiles::For::kReading) {
    return LogFiles::Open(posix_, path, purpose).status();
  }
};

TEST_F(LogFilesTest, ALogDirAPartitionAndASegmentAreTakenForWhatTheyAre) {
  MakeStoppedLog(100);
  const LogFiles all = Files();
  ASSERT_EQ(all.partitions().size(), 1u);
  EXPECT_EQ(all.partitions()[0].id, id_);
  EXPECT_EQ(all.partitions()[0].bases.size(), SegmentFiles().size());
  EXPECT_TRUE(all.clean());
  const auto partition = LogFiles::Open(posix_, LogPath() + "/", LogFiles::For::kReading);
  ASSERT_TRUE(partition.ok()) << partition.status();
  EXPECT_EQ(partition->partitions()[0].name, "orders-0");
  EXPECT_EQ(partition->index_path(), all.index_path());
  const auto segment = LogFiles::Open(posix_, LogPath(SegmentFiles()[1]), LogFiles::For::kReading);
  ASSERT_TRUE(segment.ok()) << segment.status();
  EXPECT_EQ(segment->only_segment()->value(), std::stoll(SegmentFiles()[1]));
}

TEST_F(LogFilesTest, ARunningBrokerIsAReasonToRefuse) {
  OpenNew();
  for (const LogFiles::For purpose : {LogFiles::For::kReading, LogFiles::For::kChanging}) {
    const absl::Status status = OpenStatus(dir_options_.path, purpose);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("stop it first"));
  }
  EXPECT_EQ(OpenStatus(LogPath()).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(OpenStatus(LogPath(), LogFiles::For::kLiveReading), absl::OkStatus());
}

TEST_F(LogFilesTest, ReadersStandBesideEachOtherAndKeepChangesOut) {
  MakeStoppedLog(10);
  const LogFiles reader = Files();
  EXPECT_EQ(OpenStatus(dir_options_.path), absl::OkStatus());
  EXPECT_EQ(OpenStatus(dir_options_.path, LogFiles::For::kChanging).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(TryOpen(), absl::OkStatus());
}

TEST_F(LogFilesTest, ANewerFormatIsRefusedInWords) {
  MakeStoppedLog(10);
  std::string text = *posix_.ReadFile(dir_options_.path + "/meta.properties");
  text.replace(text.find("version=1"), 9, "version=9");
  ASSERT_EQ(posix_.ReplaceFile(dir_options_.path + "/meta.properties", text), absl::OkStatus());
  const absl::Status status = OpenStatus(dir_options_.path);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("newer"));
}

TEST_F(LogFilesTest, WhatIsNoLogIsNotFound) {
  EXPECT_EQ(OpenStatus(temp_ / "no").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(OpenStatus(temp_.path()).code(), absl::StatusCode::kNotFound);
  ASSERT_EQ(posix_.ReplaceFile(temp_ / "some.log", "x"), absl::OkStatus());
  EXPECT_EQ(OpenStatus(temp_ / "some.log").code(), absl::StatusCode::kNotFound);
}

TEST_F(LogFilesTest, ACopiedPartitionStandsAlone) {
  MakeStoppedLog(100);
  const std::string copy = temp_ / "copy";
  std::filesystem::copy(LogPath(), copy);
  const auto files = LogFiles::Open(posix_, copy, LogFiles::For::kReading);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->log_dir(), "");
  const auto report = VerifyPartition({.disk = posix_, .partition = files->partitions()[0]}, NoProgress);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->records, 300u);
}

TEST_F(LogFilesTest, AJournalThatIsAheadOfTheSegmentsForbidsChanges) {
  options_.durability = Durability::kSynced;
  OpenNew();
  PutMany(10, {.records = 3, .value_size = 400});
  AwaitDurable(Offset(30));
  Crash();
  const absl::Status status = Files().CheckJournalIsBehind(posix_);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("start the broker once"));
  Open();
  ASSERT_EQ(dir_->Close(), absl::OkStatus());
  Crash();
  EXPECT_EQ(Files().CheckJournalIsBehind(posix_), absl::OkStatus());
}

}  // namespace
}  // namespace sluice::storage
