// RocksDatabase while the disk is full and after it: with an Env that says so.
#include <atomic>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "storage/rocks/rocks_database.h"
#include "storage/rocks/rocks_options.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

class FullDiskFile final : public rocksdb::WritableFileWrapper {
 public:
  FullDiskFile(std::unique_ptr<rocksdb::WritableFile> file, const std::atomic<bool>* full)
      : WritableFileWrapper(file.get()), file_(std::move(file)), full_(full) {}

  rocksdb::Status Append(const rocksdb::Slice& data) override {
    return *full_ ? rocksdb::Status::NoSpace("test") : WritableFileWrapper::Append(data);
  }
  rocksdb::Status Append(const rocksdb::Slice& data,
                         const rocksdb::DataVerificationInfo& verification) override {
    return *full_ ? rocksdb::Status::NoSpace("test") : WritableFileWrapper::Append(data, verification);
  }

 private:
  const std::unique_ptr<rocksdb::WritableFile> file_;
  const std::atomic<bool>* const full_;
};

class FullDiskEnv final : public rocksdb::EnvWrapper {
 public:
  FullDiskEnv() : EnvWrapper(rocksdb::Env::Default()) {}

  const char* Name() const override { return "sluice.full-disk-test"; }
  rocksdb::Status NewWritableFile(const std::string& name, std::unique_ptr<rocksdb::WritableFile>* file,
                                  const rocksdb::EnvOptions& options) override {
    const rocksdb::Status opened = EnvWrapper::NewWritableFile(name, file, options);
    if (opened.ok()) {
      *file = std::make_unique<FullDiskFile>(std::move(*file), &full);
    }
    return opened;
  }

  std::atomic<bool> full = false;
};

class FullDiskTest : public testing::Test {
 protected:
  FullDiskTest()
      : database_(
            dir_.path(), *OpenAgain(), [this] { return OpenAgain(); }, [this] { return !env_.full; }) {}

  absl::StatusOr<std::unique_ptr<rocksdb::DB>> OpenAgain() {
    rocksdb::Options options = CommonRocksOptions();
    options.env = &env_;
    rocksdb::DB* raw = nullptr;
    const rocksdb::Status opened = rocksdb::DB::Open(options, dir_ / "db", &raw);
    ++opens_;
    if (!opened.ok()) {
      return absl::UnknownError(opened.ToString());
    }
    return std::unique_ptr<rocksdb::DB>(raw);
  }
  rocksdb::Status Put(const std::string& key) {
    rocksdb::WriteBatch batch;
    batch.Put(key, "value");
    return database_.Write(rocksdb::WriteOptions(), &batch);
  }
  rocksdb::Status Get(const std::string& key) {
    std::string value;
    const auto db = database_.Use();
    return db.ok() ? (*db)->Get(rocksdb::ReadOptions(), key, &value) : rocksdb::Status::Aborted();
  }
  bool Has(const std::string& key) { return Get(key).ok(); }

  TempDir dir_;
  FullDiskEnv env_;
  std::atomic<int> opens_ = 0;
  RocksDatabase database_;
};

TEST_F(FullDiskTest, WritesAreRefusedAndReadsGoOn) {
  ASSERT_TRUE(Put("before").ok());
  env_.full = true;
  EXPECT_TRUE(Put("refused").IsNoSpace());
  EXPECT_TRUE(Has("before"));
  EXPECT_FALSE(Has("refused"));
  EXPECT_EQ(opens_, 1);
}

TEST_F(FullDiskTest, TheFirstWriteThatFindsRoomGoesThrough) {
  ASSERT_TRUE(Put("before").ok());
  env_.full = true;
  EXPECT_TRUE(Put("refused").IsNoSpace());
  env_.full = false;
  EXPECT_TRUE(Put("after").ok());
  EXPECT_TRUE(Has("before"));
  EXPECT_TRUE(Has("after"));
  EXPECT_EQ(opens_, 2);
}

// The case that RocksDB's own recovery ends with an assertion: nothing in memory, so its log stays the same.
TEST_F(FullDiskTest, TheVeryFirstWriteMayMeetTheFullDisk) {
  env_.full = true;
  EXPECT_TRUE(Put("refused").IsNoSpace());
  env_.full = false;
  EXPECT_TRUE(Put("after").ok());
  EXPECT_TRUE(Has("after"));
}

TEST_F(FullDiskTest, WhatThreadsWereToldIsWrittenIsThere) {
  constexpr int kKeys = 100;
  std::atomic<bool> done = false;
  std::atomic<int> lost = 0;
  std::vector<std::thread> writers;
  for (int i = 0; i < 3; ++i) {
    writers.emplace_back([this, &done, &lost, i] {
      for (int n = 0; !done; n = (n + 1) % kKeys) {
        const std::string key = std::to_string(i) + "-" + std::to_string(n);
        lost += Put(key).ok() && Get(key).IsNotFound() ? 1 : 0;
      }
    });
  }
  for (int round = 0; round < 5; ++round) {
    env_.full = true;
    while (Put("probe").ok()) {
    }
    env_.full = false;
    while (!Put("probe").ok()) {
    }
  }
  done = true;
  for (std::thread& writer : writers) {
    writer.join();
  }
  EXPECT_EQ(lost, 0);
  EXPECT_GE(opens_, 6);
}

}  // namespace
}  // namespace sluice::storage
