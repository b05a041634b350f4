// A Kafka cluster of a few hundred lines for the client's tests: real sockets, real codec, topics in memory,
// and a hook before each answer where a test can make it fail. It keeps the rules that the client relies on:
// sequences of idempotent producers are checked (a gap is error 45, one of the last five batches again is a
// duplicate), an answer to a fetch contains whole batches, and groups of the classic protocol rebalance when
// all members have come (fake_cluster_groups.cc).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/bytes.h"
#include "proto/base/uuid.h"
#include "proto/kafka/error_code.h"
#include "proto/kafka/header.h"

namespace sluice::client_test {

// What the hook wants for one request.
struct Fault {
  enum class Kind {
    kNone,
    kDropBefore,  // The connection closes; nothing was done.
    kDropAfter,   // The work was done; the connection closes instead of an answer.
    kSilence,     // Nothing was done and no answer comes.
    kError,       // `code` in the place where this request has it.
  };
  Kind kind = Kind::kNone;
  kafka::ErrorCode code = kafka::ErrorCode::kNone;
};

class FakeCluster {
 public:
  struct Options {
    int nodes = 1;
    bool topic_ids = true;
    int16_t api_versions_max = 4;     // Higher ApiVersions requests get UNSUPPORTED_VERSION in layout 0.
    std::map<int16_t, int16_t> caps;  // Highest version advertised, by key; -1 hides the key.
    size_t fetch_bytes_max = size_t{1} << 20;
    bool auto_create = false;  // Metadata requests that allow it create what they name, after the answer.
  };
  // Asked before each request is worked on, on the connection's thread, perhaps after the test's body has
  // ended: what it captures it must own.
  using Hook = std::function<Fault(int32_t node, int16_t api_key)>;

  FakeCluster() : FakeCluster(Options{}) {}
  explicit FakeCluster(const Options& options);
  ~FakeCluster();

  std::string bootstrap() const { return Address(0); }
  std::string Address(int32_t node) const;
  void SetHook(Hook hook);

  void CreateTopic(const std::string& name, int32_t partitions);
  void DeleteTopic(const std::string& name);
  void MoveLeader(const std::string& topic, int32_t partition, int32_t node);
  // Everything before `offset` is gone.
  void Trim(const std::string& topic, int32_t partition, int64_t offset);
  // As if a producer had sent it; the base offset is assigned.
  void AppendRaw(const std::string& topic, int32_t partition, Bytes batch);
  void StopNode(int32_t node);
  void StartNode(int32_t node);

  // All record values of a partition, in offset order.
  std::vector<std::string> Values(const std::string& topic, int32_t partition);
  std::vector<Bytes> Batches(const std::string& topic, int32_t partition);
  int CountRequests(int16_t api_key);
  // Waits until so many requests have come; counted before the hook and the answer. False: they did not.
  bool WaitForRequests(int16_t api_key, int count);
  bool WaitUntilNobodyIsConnected();

  // One node coordinates all groups: the first, until it is moved.
  void MoveCoordinator(int32_t node);
  // The group forgets its members, as when their session timeouts have passed, and shares anew.
  void DropMembers(const std::string& group);
  // The group shares anew at the next heartbeats.
  void StartRebalance(const std::string& group);
  std::vector<std::string> MembersOf(const std::string& group);
  bool WaitUntilNobodyIsIn(const std::string& group);
  // -1: nothing is committed.
  int64_t CommittedOffset(const std::string& group, const std::string& topic, int32_t partition);
  std::vector<int16_t> VersionsSeen(int16_t api_key);

 private:
  struct ProducerState {
    int16_t epoch = -1;
    int32_t next_sequence = 0;
    std::vector<std::pair<int32_t, int64_t>> last;  // Base sequence and base offset of the last five batches.
  };
  struct Partition {
    int32_t leader = 0;
    int64_t start = 0;
    int64_t end = 0;
    std::vector<Bytes> batches;
    std::map<int64_t, ProducerState> producers;
  };
  struct Topic {
    Uuid id;
    std::vector<Partition> partitions;
  };
  struct GroupMember {
    std::string instance_id;
    std::map<std::string, Bytes> protocols;
    Bytes assignment;
    bool joined = false;  // It waits for the others.
  };
  struct Group {
    int32_t generation = 0;
    bool rebalancing = false;
    bool assigned = false;  // The leader has shared out.
    std::string leader;
    std::string protocol;
    std::set<std::string> expected;  // Ids that were given and have not come yet.
    std::map<std::string, GroupMember> members;
    std::map<std::pair<std::string, int32_t>, int64_t> offsets;
  };
  struct Node {
    int listener = -1;
    uint16_t port = 0;
    std::thread accepting;
    std::set<int> connections;
    std::vector<std::thread> threads;
  };

  void Listen(Node& node);
  void StartAccepting(int32_t index);
  void Accept(int32_t index);
  void Serve(int32_t index, int fd);
  // Appends the framed answer. False: close the connection.
  bool Handle(int32_t node, ByteView frame, Bytes* answer);

  bool AnswerApiVersions(const kafka::RequestHeader& header, Bytes* answer);
  bool AnswerMetadata(const kafka::RequestHeader& header, kafka::WireReader& in, Bytes* answer);
  bool AnswerProduce(int32_t node, const kafka::RequestHeader& header, kafka::WireReader& in, Fault fault,
                     Bytes* answer);
  bool AnswerFetch(int32_t node, const kafka::RequestHeader& header, kafka::WireReader& in, Fault fault,
                   Bytes* answer);
  bool AnswerListOffsets(const kafka::RequestHeader& header, kafka::WireReader& in, Bytes* answer);
  bool AnswerInitProducerId(const kafka::RequestHeader& header, kafka::WireReader& in, Bytes* answer);
  bool AnswerCreateTopics(const kafka::RequestHeader& header, kafka::WireReader& in, Bytes* answer);

  // The requests of groups. `fault` is a kError or none.
  bool AnswerGroup(int32_t node, const kafka::RequestHeader& header, kafka::WireReader& in, Fault fault,
                   Bytes* answer);
  void Join(const kafka::RequestHeader& header, kafka::WireReader& in, kafka::ErrorCode code, Bytes* answer)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Sync(const kafka::RequestHeader& header, kafka::WireReader& in, kafka::ErrorCode code, Bytes* answer)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Heartbeat(const kafka::RequestHeader& header, kafka::WireReader& in, kafka::ErrorCode code,
                 Bytes* answer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Leave(const kafka::RequestHeader& header, kafka::WireReader& in, kafka::ErrorCode code, Bytes* answer)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CommitOffsets(const kafka::RequestHeader& header, kafka::WireReader& in, kafka::ErrorCode code,
                     Bytes* answer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FetchOffsets(const kafka::RequestHeader& header, kafka::WireReader& in, kafka::ErrorCode code,
                    Bytes* answer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What a member of this generation is told before anything else.
  kafka::ErrorCode Check(const Group& group, const std::string& member_id, int32_t generation) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FinishJoins(Group& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void AddTopic(const std::string& name, int32_t partitions) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Partition* Find(const std::string& name, const Uuid& id, int32_t index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  kafka::ErrorCode Append(Partition& partition, ByteView batch, int64_t* base_offset)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int64_t Place(Partition& partition, ByteView batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Bytes Read(const Partition& partition, int64_t offset, size_t max_bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  std::vector<std::unique_ptr<Node>> nodes_;

  absl::Mutex mu_;
  absl::CondVar appended_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  Hook hook_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, Topic> topics_ ABSL_GUARDED_BY(mu_);
  std::map<int16_t, std::vector<int16_t>> seen_ ABSL_GUARDED_BY(mu_);
  int64_t next_producer_id_ ABSL_GUARDED_BY(mu_) = 1000;
  std::map<std::string, Group> groups_ ABSL_GUARDED_BY(mu_);
  int next_member_ ABSL_GUARDED_BY(mu_) = 1;
  int32_t coordinator_ ABSL_GUARDED_BY(mu_) = 0;
  uint8_t next_topic_id_ ABSL_GUARDED_BY(mu_) = 1;
};

}  // namespace sluice::client_test
