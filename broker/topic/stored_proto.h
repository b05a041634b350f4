// Internal to broker/topic and broker/group: values of the MetadataStore are the messages of
// proto/sluice/internal/metadata.proto.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "proto/base/status_macros.h"
#include "proto/base/uuid.h"
#include "storage/meta/metadata_store.h"

namespace sluice::broker {

inline absl::Status DamagedMetadata(absl::string_view key) {
  return absl::DataLossError(
      absl::StrCat("metadata key ", key,
                   " does not hold what was written there: the metadata store is damaged; "
                   "restore it from a backup"));
}

template <class Message>
absl::StatusOr<Message> DecodeStored(const storage::MetadataValue& stored) {
  Message message;
  if (!message.ParseFromString(stored.value)) {
    return DamagedMetadata(stored.key);
  }
  return message;
}

// A value and the revision that a change of it must still find; revision 0 when there is none yet.
template <class Message>
struct Stored {
  Message message;
  int64_t revision = 0;
};

template <class Message>
absl::StatusOr<Stored<Message>> ReadStored(storage::MetadataStore& store, absl::string_view key) {
  ASSIGN_OR_RETURN(const std::optional<storage::MetadataValue> value, store.Get(key));
  Stored<Message> stored;
  if (value) {
    ASSIGN_OR_RETURN(stored.message, DecodeStored<Message>(*value));
    stored.revision = value->revision;
  }
  return stored;
}

template <class Message>
absl::Status WriteStored(storage::MetadataStore& store, absl::string_view key,
                         const Stored<Message>& stored) {
  const std::string name(key);
  return store
      .Commit(
          {.conditions = {{name, stored.revision}}, .writes = {{name, stored.message.SerializeAsString()}}})
      .status();
}

inline std::string UuidBytes(const Uuid& id) {
  return std::string(id.bytes.begin(), id.bytes.end());
}

// False when `bytes` are not 16.
inline bool ReadUuidBytes(const std::string& bytes, Uuid* id) {
  if (bytes.size() != id->bytes.size()) {
    return false;
  }
  std::copy(bytes.begin(), bytes.end(), id->bytes.begin());
  return true;
}

}  // namespace sluice::broker
