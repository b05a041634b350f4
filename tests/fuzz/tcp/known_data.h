// Topics whose every byte is known, and a group whose offset is. Requests name them, and those that are taken
// may append to them, which their answers tell; whatever else happens, they must not change.
//
//   KnownData known;
//   known.Create(connection);
//   known.NoteAnswer(...);                      // Of each Produce that was answered.
//   known.CheckWire(connection);                // While requests come.
//   known.CheckAppended(connection);  known.CheckFiles(log_dir);      // When they have ended.
//
// Threads: thread-safe once created.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/bytes.h"
#include "proto/base/uuid.h"
#include "tests/fuzz/tcp/connection.h"
#include "tests/unit/kafka_wire/randomizer.h"

namespace sluice::fuzz {

class KnownData {
 public:
  absl::Status Create(Connection& connection);

  // Of their names and ids, some that may be done anything to, and batches, sound and otherwise.
  kafka::Vocabulary MakeVocabulary() const;
  // True when a request that is taken may change them in a way that its answer does not tell.
  bool MayBeChangedBy(int16_t key, ByteView body, bool wants_no_answer) const;

  // The answer to a Produce, header included.
  void NoteAnswer(ByteView frame, int16_t version) ABSL_LOCKS_EXCLUDED(mu_);

  // An error tells the first byte, or fact, that is not what it was.
  absl::Status CheckWire(Connection& connection) const;
  // Beside what they were, they hold what was accepted, and nothing else.
  absl::Status CheckAppended(Connection& connection) const ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status CheckFiles(const std::string& log_dir) const;

 private:
  struct KnownLog {
    std::string topic;
    Uuid topic_id;
    int32_t partition = 0;
    Bytes bytes = {};
    int64_t end = 0;
    std::set<int64_t> accepted = {};  // The base offsets of what came later. Guarded by mu_.
  };

  absl::Status CreateTopics(Connection& connection);
  absl::Status Fill(Connection& connection, KnownLog* log);
  absl::Status CommitOffset(Connection& connection);
  absl::Status CheckOffset(Connection& connection) const;
  static absl::StatusOr<Bytes> Fetch(Connection& connection, const KnownLog& log);

  std::vector<KnownLog> logs_;  // Set when created, but for `accepted`.
  mutable absl::Mutex mu_;
};

}  // namespace sluice::fuzz
