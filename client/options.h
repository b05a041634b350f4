// What a client, a producer and a consumer may be told. Every option has a default that is safe; the comments
// give units and Kafka's own name for the setting where it has one. Plain values: copy them freely.
//
//   auto client = sluice::Client::Connect({.bootstrap = "localhost:9092"});
//   auto producer = (*client)->NewProducer({.linger = 2ms, .compression = sluice::Compression::kLz4});
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

using std::chrono::milliseconds;

struct ClientOptions {
  // bootstrap.servers: "host:port", several separated by commas; tried in turn until one answers. A missing
  // port is 9092. After the first answer the client talks to the addresses that the brokers advertise.
  std::string bootstrap = "localhost:9092";
  // client.id: what brokers show in their logs and quotas.
  std::string client_id = "sluice";

  milliseconds connect_timeout{10'000};  // socket.connection.setup.timeout.ms: name lookup, TCP, handshake.
  milliseconds request_timeout{
      30'000};  // request.timeout.ms: for one answer; the connection is then given up.
  milliseconds metadata_max_age{
      300'000};  // metadata.max.age.ms: who leads what is asked again at least so often.
  milliseconds reconnect_backoff{50};  // reconnect.backoff.ms: doubles at each failure in a row, with jitter,
  milliseconds reconnect_backoff_max{1'000};  // reconnect.backoff.max.ms: up to here.

  // The largest answer that is accepted; a longer one closes the connection.
  size_t response_bytes_max = size_t{256} << 20;
};

enum class Acks : int16_t {
  kNone = 0,    // The broker does not answer: fastest, and records may be lost without notice.
  kLeader = 1,  // The leader has the record in memory.
  kAll = -1,    // All in-sync replicas have it; on a Sluice broker with default settings: it is on the disk.
};

enum class Compression : int8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

struct ProducerOptions {
  Acks acks = Acks::kAll;
  // enable.idempotence (KIP-98, KIP-360): retries neither duplicate nor reorder records. Needs Acks::kAll;
  // with other acks NewProducer returns InvalidArgument unless this is false.
  bool idempotent = true;

  // A batch is sent when it holds batch_bytes (batch.size, before compression) or when its oldest record has
  // waited for linger (linger.ms), whichever comes first. A record larger than batch_bytes is sent alone.
  size_t batch_bytes = size_t{256} << 10;
  milliseconds linger{5};
  // max.request.size: Send refuses a larger record, and a request holds no more than this, before
  // compression.
  size_t request_bytes_max = size_t{1} << 20;

  Compression compression = Compression::kNone;
  std::optional<int> compression_level = std::nullopt;  // As the codec numbers them; absent: its own default.

  // A topic that does not exist is created, if the broker's auto.create.topics.enable allows it; else Send to
  // it is NotFound: a typing error shall not make a topic.
  bool create_missing_topics = false;

  // max.in.flight.requests.per.connection: 1 to 5 when idempotent.
  int in_flight_max = 5;
  // buffer.memory: payload bytes that wait for an ack. At the limit Send blocks (back-pressure) for at most
  // max_block (max.block.ms), and TrySend returns ResourceExhausted at once.
  size_t buffer_bytes = size_t{64} << 20;
  milliseconds max_block{60'000};
  // delivery.timeout.ms: from Send to the ack or the final error, retries included.
  milliseconds delivery_timeout{120'000};
  milliseconds retry_backoff{100};  // retry.backoff.ms: doubles up to 1 s, with jitter (KIP-580).
  // The destructor flushes for at most this long; what is left then fails with DeadlineExceeded.
  milliseconds close_timeout{5'000};
};

// What a consumer does when the offset that it wants is not, or no longer, in the log (auto.offset.reset).
enum class OffsetReset {
  kError,     // Poll returns OutOfRange; Seek goes on from elsewhere.
  kEarliest,  // Goes on from the oldest record.
  kLatest,    // Goes on from the next record to be written.
};

// How the leader of a group shares the partitions out among its members (partition.assignment.strategy).
enum class Assignor {
  // Of each topic every member gets a run of neighbours. A rebalance takes all partitions from everybody.
  kRange,
  // Everybody keeps what they have as far as it is fair, and goes on reading it: a rebalance takes only what
  // moves, in a second round (KIP-429).
  kCooperativeSticky,
};

struct ConsumerOptions {
  OffsetReset offset_reset = OffsetReset::kError;

  int32_t fetch_bytes_min = 1;            // fetch.min.bytes: an answer waits for so many bytes,
  milliseconds fetch_wait_max{500};       // fetch.max.wait.ms: but no longer than this.
  int32_t fetch_bytes_max = 50 << 20;     // fetch.max.bytes: one answer, of one broker.
  int32_t partition_bytes_max = 1 << 20;  // max.partition.fetch.bytes: one partition's share of it.
  // Fetched answers that wait for Poll, of each broker. While the application works on one, the next is under
  // way.
  int prefetch_responses = 2;

  bool check_crcs = true;  // check.crcs: verify the checksum of every batch before it is handed out.
  // The most that one compressed batch may grow to; more is an error (a decompression bomb).
  size_t decompressed_bytes_max = size_t{256} << 20;

  // group.id: commits are this group's, and Subscribe makes the consumer a member of it. Empty: neither.
  std::string group_id = {};
  // group.instance.id (KIP-345): a static member. It does not leave when it closes, and who comes with the
  // same name within session_timeout takes its place and its partitions, without a rebalance.
  std::string group_instance_id = {};
  // The best that all members know is used. As Kafka's consumers pair them: a group moves to the second, one
  // member after the other, by dropping the first. With only kCooperativeSticky rebalances are cooperative.
  std::vector<Assignor> assignors = {Assignor::kRange, Assignor::kCooperativeSticky};
  milliseconds session_timeout{45'000};    // session.timeout.ms: silent for so long, a member is dropped.
  milliseconds heartbeat_interval{3'000};  // heartbeat.interval.ms: at most a third of it.
  // max.poll.interval.ms: an application that does not call Poll for so long has hung; the member leaves, so
  // that others read its partitions.
  milliseconds poll_interval_max{300'000};
  // How long the group waits for its members to come to a rebalance. Absent: poll_interval_max, as Kafka's.
  std::optional<milliseconds> rebalance_timeout = std::nullopt;

  // enable.auto.commit: Poll commits what earlier ones returned, every auto_commit_interval
  // (auto.commit.interval.ms), before partitions go and at the end.
  bool auto_commit = true;
  milliseconds auto_commit_interval{5'000};
  // The destructor commits and leaves the group for at most this long.
  milliseconds close_timeout{5'000};
};

}  // namespace sluice
