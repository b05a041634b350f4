#include "storage/meta/rocks_metadata_store.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/base/status_macros.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/table.h"
#include "rocksdb/write_batch.h"
#include "storage/meta/metadata_envelope.h"
#include "storage/rocks/rocks_database.h"
#include "storage/rocks/rocks_options.h"
#include "storage/rocks/rocks_status.h"

namespace sluice::storage {
namespace {

constexpr int64_t kFormatVersion = 1;
constexpr absl::string_view kFormatKey = "Fformat";
constexpr absl::string_view kRevisionKey = "Rrevision";
constexpr char kKeyPrefix = 'k';  // Before every key of the store's users.

std::string StoredKey(absl::string_view key) {
  return absl::StrCat(std::string(1, kKeyPrefix), key);
}

rocksdb::Options DatabaseOptions() {
  rocksdb::Options options = CommonRocksOptions();
  options.write_buffer_size = 2 << 20;
  // Every commit was synced, so only the last record of the log can be torn; damage before it must not pass
  // for the end, as RocksDB's default lets it.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(2 << 20);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

class RocksBackend final : public MetadataBackend {
 public:
  explicit RocksBackend(std::string path) : path_(std::move(path)) {}

  absl::Status Open();

  absl::StatusOr<int64_t> ReadRevision() override { return ReadNumber(kRevisionKey); }
  absl::StatusOr<std::optional<MetadataValue>> Get(absl::string_view key) override;
  absl::StatusOr<std::vector<MetadataValue>> Range(absl::string_view prefix) override;
  absl::StatusOr<std::vector<std::string>> LeasedKeys() override;
  absl::Status Apply(int64_t revision, const std::vector<MetadataTransaction::Write>& writes) override;

 private:
  absl::StatusOr<std::unique_ptr<rocksdb::DB>> OpenDatabase();
  absl::Status CheckFormat();
  absl::StatusOr<bool> IsEmpty();
  absl::Status Begin();
  absl::StatusOr<int64_t> ReadNumber(absl::string_view stored_key);
  absl::Status CheckLastRevision(int64_t expected);
  absl::Status Write(rocksdb::WriteBatch& batch, absl::string_view what);
  absl::Status Explain(const rocksdb::Status& status, absl::string_view what) const;
  absl::Status Damaged(absl::string_view why) const;
  // Calls `visit(key, envelope)` for every key under the prefix, in order.
  template <class Visit>
  absl::Status ForEach(absl::string_view prefix, Visit visit);

  const std::string path_;
  std::unique_ptr<RocksDatabase> db_;  // Set in Open.
};

absl::Status RocksBackend::Explain(const rocksdb::Status& status, absl::string_view what) const {
  return IsDamage(status) ? Damaged(status.ToString())
                          : FromRocks(status, absl::StrCat("metadata store ", path_, ", ", what));
}

absl::Status RocksBackend::Damaged(absl::string_view why) const {
  return absl::DataLossError(absl::StrCat(
      "metadata store ", path_, " is damaged: ", why,
      "; it holds the topics and cannot be made from anything else: restore the folder from a backup"));
}

absl::Status RocksBackend::Open() {
  RETURN_IF_ERROR(MakeDatabaseFolder(path_));
  ASSIGN_OR_RETURN(std::unique_ptr<rocksdb::DB> db, OpenDatabase());
  db_ = std::make_unique<RocksDatabase>(path_, std::move(db), [this] { return OpenDatabase(); });
  return CheckFormat();
}

absl::StatusOr<std::unique_ptr<rocksdb::DB>> RocksBackend::OpenDatabase() {
  rocksdb::DB* raw = nullptr;
  RETURN_IF_ERROR(Explain(rocksdb::DB::Open(DatabaseOptions(), path_, &raw), "opening it"));
  return std::unique_ptr<rocksdb::DB>(raw);
}

absl::Status RocksBackend::CheckFormat() {
  ASSIGN_OR_RETURN(const bool empty, IsEmpty());
  if (empty) {
    return Begin();
  }
  ASSIGN_OR_RETURN(const int64_t version, ReadNumber(kFormatKey));
  if (version > kFormatVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("metadata store ", path_, " has format ", version, ", this program reads up to ",
                     kFormatVersion, ": it was written by a newer Sluice; start that version"));
  }
  return version == kFormatVersion ? absl::OkStatus() : Damaged(absl::StrCat("it has format ", version));
}

absl::StatusOr<bool> RocksBackend::IsEmpty() {
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(rocksdb::ReadOptions()));
  it->SeekToFirst();
  RETURN_IF_ERROR(Explain(it->status(), "reading its format"));
  return !it->Valid();
}

absl::Status RocksBackend::Begin() {
  rocksdb::WriteBatch batch;
  batch.Put(ToSlice(kFormatKey), absl::StrCat(kFormatVersion));
  batch.Put(ToSlice(kRevisionKey), "0");
  return Write(batch, "beginning it");
}

absl::StatusOr<int64_t> RocksBackend::ReadNumber(absl::string_view stored_key) {
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  std::string text;
  const rocksdb::Status read = db->Get(rocksdb::ReadOptions(), ToSlice(stored_key), &text);
  int64_t number = 0;
  if (read.IsNotFound() || (read.ok() && (!absl::SimpleAtoi(text, &number) || number < 0))) {
    return Damaged(absl::StrCat("its key \"", stored_key, "\" is missing or not a number"));
  }
  RETURN_IF_ERROR(Explain(read, "reading its format"));
  return number;
}

absl::StatusOr<std::optional<MetadataValue>> RocksBackend::Get(absl::string_view key) {
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  std::string bytes;
  const rocksdb::Status read = db->Get(rocksdb::ReadOptions(), StoredKey(key), &bytes);
  if (read.IsNotFound()) {
    return std::nullopt;
  }
  RETURN_IF_ERROR(Explain(read, "reading a key"));
  std::optional<MetadataEnvelope> envelope = DecodeEnvelope(bytes);
  if (!envelope) {
    return Damaged(absl::StrCat("the value of \"", key, "\" cannot be decoded"));
  }
  return MetadataValue{
      .key = std::string(key), .value = std::move(envelope->value), .revision = envelope->revision};
}

template <class Visit>
absl::Status RocksBackend::ForEach(absl::string_view prefix, Visit visit) {
  ASSIGN_OR_RETURN(const RocksDatabase::Handle db, db_->Use());
  const std::string begin = StoredKey(prefix);
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(rocksdb::ReadOptions()));
  for (it->Seek(begin); it->Valid() && it->key().starts_with(begin); it->Next()) {
    absl::string_view key = FromSlice(it->key());
    key.remove_prefix(sizeof(kKeyPrefix));
    std::optional<MetadataEnvelope> envelope = DecodeEnvelope(FromSlice(it->value()));
    if (!envelope) {
      return Damaged(absl::StrCat("the value of \"", key, "\" cannot be decoded"));
    }
    visit(std::string(key), *std::move(envelope));
  }
  return Explain(it->status(), "listing keys");
}

absl::StatusOr<std::vector<MetadataValue>> RocksBackend::Range(absl::string_view prefix) {
  std::vector<MetadataValue> values;
  RETURN_IF_ERROR(ForEach(prefix, [&values](std::string key, MetadataEnvelope envelope) {
    values.push_back(
        {.key = std::move(key), .value = std::move(envelope.value), .revision = envelope.revision});
  }));
  return values;
}

absl::StatusOr<std::vector<std::string>> RocksBackend::LeasedKeys() {
  std::vector<std::string> keys;
  RETURN_IF_ERROR(ForEach("", [&keys](std::string key, const MetadataEnvelope& envelope) {
    if (envelope.lease != 0) {
      keys.push_back(std::move(key));
    }
  }));
  return keys;
}

absl::Status RocksBackend::Apply(int64_t revision, const std::vector<MetadataTransaction::Write>& writes) {
  RETURN_IF_ERROR(CheckLastRevision(revision - 1));
  rocksdb::WriteBatch batch;
  for (const MetadataTransaction::Write& write : writes) {
    if (write.value) {
      batch.Put(StoredKey(write.key), EncodeEnvelope(revision, write.lease, *write.value));
    } else {
      batch.Delete(StoredKey(write.key));
    }
  }
  batch.Put(ToSlice(kRevisionKey), absl::StrCat(revision));
  return Write(batch, "committing");
}

// A commit that a full disk refused may turn up when the database is opened again: its caller was told
// otherwise, so there is no going on from here.
absl::Status RocksBackend::CheckLastRevision(int64_t expected) {
  RETURN_IF_ERROR(Explain(db_->ReopenIfFull(), "committing"));
  ASSIGN_OR_RETURN(const int64_t found, ReadRevision());
  if (found != expected) {
    return absl::AbortedError(absl::StrCat("metadata store ", path_, ": its last revision is ", found,
                                           ", not ", expected,
                                           ": a commit that met a full disk was stored after all; "
                                           "restart to go on from it"));
  }
  return absl::OkStatus();
}

absl::Status RocksBackend::Write(rocksdb::WriteBatch& batch, absl::string_view what) {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return Explain(db_->Write(synced, &batch), what);
}

}  // namespace

absl::StatusOr<std::unique_ptr<LocalMetadataStore>> OpenRocksMetadataStore(
    const std::string& path, const LocalMetadataOptions& options) {
  auto backend = std::make_unique<RocksBackend>(path);
  RETURN_IF_ERROR(backend->Open());
  return LocalMetadataStore::Open(std::move(backend), options);
}

}  // namespace sluice::storage
