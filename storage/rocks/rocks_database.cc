#include "storage/rocks/rocks_database.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rocksdb/listener.h"
#include "storage/rocks/rocks_status.h"

namespace sluice::storage {
namespace {

constexpr uint64_t kRoomToOpenBytes = 32ull << 20;

class LogErrorsStay final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status /*error*/,
                            bool* auto_recovery) override {
    if (reason == rocksdb::BackgroundErrorReason::kWriteCallback ||
        reason == rocksdb::BackgroundErrorReason::kMemTable) {
      *auto_recovery = false;
    }
  }
};

RocksDatabase::RoomCheck RoomOnDisk(const std::string& path) {
  return [path] {
    std::error_code error;
    const std::filesystem::space_info space = std::filesystem::space(path, error);
    return error || space.available >= kRoomToOpenBytes;
  };
}

}  // namespace

void KeepLogErrorsFinal(rocksdb::Options& options) {
  options.listeners.push_back(std::make_shared<LogErrorsStay>());
  options.max_bgerror_resume_count = 0;
}

RocksDatabase::RocksDatabase(std::string path, std::unique_ptr<rocksdb::DB> db, Opener open_again)
    : RocksDatabase(path, std::move(db), std::move(open_again), RoomOnDisk(path)) {}

RocksDatabase::RocksDatabase(std::string path, std::unique_ptr<rocksdb::DB> db, Opener open_again,
                             RoomCheck has_room)
    : path_(std::move(path)), open_again_(std::move(open_again)), has_room_(std::move(has_room)) {
  absl::MutexLock lock(&mu_);
  Own(std::move(db));
}

RocksDatabase::~RocksDatabase() {
  absl::MutexLock lock(&mu_);
  CloseAndWait();
}

void RocksDatabase::Own(std::unique_ptr<rocksdb::DB> db) {
  closed_ = std::make_shared<absl::Notification>();
  db_ = Handle(db.release(), [closed = closed_](rocksdb::DB* owned) {
    delete owned;
    closed->Notify();
  });
}

void RocksDatabase::CloseAndWait() {
  if (db_ != nullptr) {
    db_.reset();
    closed_->WaitForNotification();
  }
}

absl::StatusOr<RocksDatabase::Handle> RocksDatabase::Use() {
  {
    absl::ReaderMutexLock lock(&mu_);
    if (db_ != nullptr) {
      return db_;
    }
  }
  absl::MutexLock lock(&mu_);
  if (db_ == nullptr) {
    const rocksdb::Status reopened = Reopen();
    if (!reopened.ok()) {
      return FromRocks(reopened, absl::StrCat("opening the database ", path_, " again after a full disk"));
    }
  }
  return db_;
}

rocksdb::Status RocksDatabase::Write(const rocksdb::WriteOptions& options, rocksdb::WriteBatch* batch) {
  if (rocksdb::Status reopened = ReopenIfFull(); !reopened.ok()) {
    return reopened;
  }
  absl::StatusOr<Handle> db = Use();
  if (!db.ok()) {
    return rocksdb::Status::IOError(std::string(db.status().message()));
  }
  rocksdb::Status written = (*db)->Write(options, batch);
  if (written.IsNoSpace()) {
    const rocksdb::DB* const failed = db->get();
    db->reset();  // Before the lock: who holds it may be waiting for the last handle to go.
    absl::MutexLock lock(&mu_);
    met_full_disk_ = met_full_disk_ || failed == db_.get();  // Not if it was opened again meanwhile.
  }
  return written;
}

rocksdb::Status RocksDatabase::ReopenIfFull() {
  {
    absl::ReaderMutexLock lock(&mu_);
    if (!met_full_disk_) {
      return rocksdb::Status::OK();
    }
  }
  absl::MutexLock lock(&mu_);
  return met_full_disk_ ? Reopen() : rocksdb::Status::OK();
}

rocksdb::Status RocksDatabase::Reopen() {
  if (!has_room_()) {
    return rocksdb::Status::NoSpace(absl::StrCat("less than ", kRoomToOpenBytes >> 20, " MiB are free"));
  }
  CloseAndWait();
  auto opened = open_again_();
  if (!opened.ok()) {
    const std::string message(opened.status().message());
    return absl::IsResourceExhausted(opened.status()) ? rocksdb::Status::NoSpace(message)
                                                      : rocksdb::Status::IOError(message);
  }
  Own(*std::move(opened));
  met_full_disk_ = false;
  return rocksdb::Status::OK();
}

}  // namespace sluice::storage
