#include "storage/index/index_folder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "proto/base/bytes.h"
#include "proto/base/status_macros.h"
#include "storage/index/key_codec.h"
#include "storage/rocks/rocks_options.h"
#include "storage/rocks/rocks_status.h"

namespace sluice::storage {
namespace {

namespace fs = std::filesystem;

constexpr char kDamageMark[] = "DAMAGED";

absl::Status DamagedError(const std::string& path, absl::string_view why) {
  return absl::DataLossError(absl::StrCat("offset index ", path, " cannot be used: ", why));
}

bool IsEmpty(rocksdb::DB& db) {
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(rocksdb::ReadOptions()));
  it->SeekToFirst();
  return !it->Valid() && it->status().ok();
}

// DataLoss means: set it aside. Any other error means: leave it alone.
absl::StatusOr<OpenedIndex> CheckFormat(std::unique_ptr<rocksdb::DB> db, const std::string& path) {
  std::string version;
  const rocksdb::Status read = db->Get(rocksdb::ReadOptions(), ToSlice(kIndexFormatKey), &version);
  const std::string ours = absl::StrCat(kIndexFormatVersion);
  if (read.ok()) {
    if (version != ours) {
      return DamagedError(path, absl::StrCat("its format is ", version, ", this program's is ", ours));
    }
    return OpenedIndex{.db = std::move(db), .is_new = false};
  }
  if (!read.IsNotFound()) {
    return DamagedError(path, read.ToString());
  }
  if (!IsEmpty(*db)) {
    return DamagedError(path, "it does not say which format it has");
  }
  RETURN_IF_ERROR(FromRocks(db->Put(rocksdb::WriteOptions(), ToSlice(kIndexFormatKey), ours),
                            absl::StrCat("beginning the offset index ", path)));
  return OpenedIndex{.db = std::move(db), .is_new = true};
}

absl::StatusOr<OpenedIndex> TryOpen(const std::string& path, const rocksdb::Options& options) {
  RETURN_IF_ERROR(MakeDatabaseFolder(path));
  if (std::error_code error; fs::exists(fs::path(path) / kDamageMark, error)) {
    return DamagedError(path, "an earlier run met damage in it");
  }
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(options, path, &raw);
  std::unique_ptr<rocksdb::DB> db(raw);
  if (opened.ok()) {
    return CheckFormat(std::move(db), path);
  }
  return IsDamage(opened) ? DamagedError(path, opened.ToString())
                          : FromRocks(opened, absl::StrCat("opening the offset index ", path));
}

// The N of "<name>.broken.N", or nothing. (With a dash it could be the folder of a topic called that.)
std::optional<int> BrokenNumber(absl::string_view file_name, absl::string_view name) {
  int number = 0;
  if (!absl::ConsumePrefix(&file_name, absl::StrCat(name, ".broken.")) ||
      !absl::SimpleAtoi(file_name, &number)) {
    return std::nullopt;
  }
  return number;
}

absl::Status SetAside(const std::string& path) {
  const fs::path folder = fs::path(path).has_filename() ? fs::path(path) : fs::path(path).parent_path();
  std::error_code error;
  int last = 0;
  for (const auto& entry : fs::directory_iterator(fs::absolute(folder, error).parent_path(), error)) {
    const auto number = BrokenNumber(entry.path().filename().string(), folder.filename().string());
    if (number) {
      last = std::max(last, *number);
      fs::remove_all(entry.path(), error);
    }
  }
  const std::string aside = absl::StrCat(folder.string(), ".broken.", last + 1);
  fs::rename(folder, aside, error);
  if (error) {
    return absl::ErrnoToStatus(error.value(),
                               absl::StrCat("moving the damaged offset index ", path, " aside to ", aside,
                                            "; delete the folder by hand, it is made again from the log"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OpenedIndex> OpenIndexFolder(const std::string& path, const rocksdb::Options& options) {
  absl::StatusOr<OpenedIndex> opened = TryOpen(path, options);
  if (opened.ok() || !absl::IsDataLoss(opened.status())) {
    return opened;
  }
  RETURN_IF_ERROR(SetAside(path));
  return TryOpen(path, options);
}

void MarkIndexDamaged(const std::string& path) {
  std::ofstream(fs::path(path) / kDamageMark) << "The next start makes this index again from the log.\n";
}

}  // namespace sluice::storage
