#include "tests/fuzz/tcp/known_data.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/status_macros.h"
#include "proto/kafka/gen/create_topics.h"
#include "proto/kafka/gen/fetch.h"
#include "proto/kafka/gen/find_coordinator.h"
#include "proto/kafka/gen/offset_commit.h"
#include "proto/kafka/gen/offset_fetch.h"
#include "proto/kafka/gen/produce.h"
#include "proto/record/batch_builder.h"
#include "proto/record/batch_view.h"

namespace sluice::fuzz {
namespace {

// In every name that is not to be touched, so that a search of the body's bytes finds it.
constexpr absl::string_view kMark = "steady";
constexpr absl::string_view kOffsetsTopic = "__consumer_offsets";
constexpr const char* kGroup = "steady-group";
constexpr int kTopics = 2;
constexpr int32_t kPartitions = 2;
constexpr int kBatches = 40;
constexpr int64_t kCommitted = 7;
constexpr int kCommitTries = 500;
constexpr absl::Duration kCommitPause = absl::Milliseconds(20);
constexpr int16_t kCreateVersion = 7;
constexpr int16_t kProduceVersion = 9;
constexpr int16_t kFetchVersion = 12;

int RecordsOf(int seed) {
  return 1 + seed % 5;
}

Bytes MakeBatch(int seed, const record::BatchOptions& options) {
  record::BatchBuilder builder(options);
  const int64_t now_ms = Clock::System().NowMs();
  for (int i = 0; i < RecordsOf(seed); ++i) {
    const std::string key = absl::StrCat("key ", seed, " ", i);
    const std::string value(static_cast<size_t>(seed * 37 % 500), static_cast<char>('a' + i));
    const record::Header header{.key = "header", .value = AsBytes(key)};
    CHECK_OK(builder.Append(now_ms + i, AsBytes(key), AsBytes(value), {&header, 1}));
  }
  const absl::StatusOr<ByteView> batch = builder.Build();
  CHECK_OK(batch.status());
  return ToBytes(*batch);
}

constexpr std::array kCodecs = {record::Codec::kNone, record::Codec::kGzip, record::Codec::kSnappy,
                                record::Codec::kLz4, record::Codec::kZstd};

bool Holds(ByteView body, ByteView piece) {
  return std::ranges::search(body, piece).begin() != body.end();
}

absl::Status Unanswered(absl::string_view what) {
  return absl::InternalError(absl::StrCat("a good ", what, " was not answered"));
}

absl::Status CheckPrefix(absl::string_view where, ByteView known, ByteView now) {
  const auto differs = std::ranges::mismatch(known, now).in1;
  if (differs == known.end()) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(where, ": byte ", differs - known.begin(), " of ", known.size(),
                                          " known ones is not what it was; there are ", now.size()));
}

// Of all batches whole in `bytes`.
std::vector<int64_t> BaseOffsets(ByteView bytes) {
  std::vector<int64_t> offsets;
  while (!bytes.empty()) {
    const record::BatchParse parse = record::ParseBatch(bytes);
    CHECK(parse.ok());
    offsets.push_back(parse.batch.base_offset().value());
    bytes = bytes.subspan(parse.batch.size_bytes());
  }
  return offsets;
}

}  // namespace

absl::Status KnownData::Create(Connection& connection) {
  RETURN_IF_ERROR(CreateTopics(connection));
  for (KnownLog& log : logs_) {
    RETURN_IF_ERROR(Fill(connection, &log));
  }
  return CommitOffset(connection);
}

absl::Status KnownData::CreateTopics(Connection& connection) {
  kafka::CreateTopicsRequest request;
  request.timeout_ms = 10'000;
  for (int i = 0; i < kTopics; ++i) {
    auto& topic = request.topics.emplace_back();
    topic.name = absl::StrCat(kMark, "-", i);
    topic.num_partitions = kPartitions;
    topic.replication_factor = 1;
  }
  const auto response = connection.Call(request, kCreateVersion);
  if (!response.has_value()) {
    return Unanswered("CreateTopics");
  }
  for (const auto& topic : response->topics) {
    if (topic.error_code != 0) {
      return absl::InternalError(
          absl::StrCat("topic ", topic.name, " was not made: error ", topic.error_code));
    }
    for (int32_t partition = 0; partition < kPartitions; ++partition) {
      logs_.push_back({.topic = topic.name, .topic_id = topic.topic_id, .partition = partition});
    }
  }
  return absl::OkStatus();
}

absl::Status KnownData::Fill(Connection& connection, KnownLog* log) {
  for (int i = 0; i < kBatches; ++i) {
    const Bytes batch = MakeBatch(i, {.codec = kCodecs[static_cast<size_t>(i) % kCodecs.size()]});
    kafka::ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 10'000;
    auto& topic = request.topic_data.emplace_back();
    topic.name = log->topic;
    auto& partition = topic.partition_data.emplace_back();
    partition.index = log->partition;
    partition.records = kafka::Records{.bytes = batch};
    const auto response = connection.Call(request, kProduceVersion);
    if (!response.has_value() || response->responses.at(0).partition_responses.at(0).error_code != 0) {
      return absl::InternalError(absl::StrCat("cannot fill ", log->topic));
    }
    log->end = response->responses[0].partition_responses[0].base_offset + RecordsOf(i);
  }
  ASSIGN_OR_RETURN(log->bytes, Fetch(connection, *log));
  return absl::OkStatus();
}

absl::StatusOr<Bytes> KnownData::Fetch(Connection& connection, const KnownLog& log) {
  kafka::FetchRequest request;
  request.max_bytes = 1 << 28;
  auto& topic = request.topics.emplace_back();
  topic.topic = log.topic;
  auto& partition = topic.partitions.emplace_back();
  partition.partition = log.partition;
  partition.partition_max_bytes = 1 << 28;
  const auto response = connection.Call(request, kFetchVersion);
  if (!response.has_value()) {
    return Unanswered("Fetch");
  }
  const auto& answer = response->responses.at(0).partitions.at(0);
  if (answer.error_code != 0 || !answer.records.has_value()) {
    return absl::DataLossError(
        absl::StrCat(log.topic, "-", log.partition, " cannot be read: error ", answer.error_code));
  }
  return ToBytes(answer.records->bytes);
}

absl::Status KnownData::CommitOffset(Connection& connection) {
  kafka::OffsetCommitRequest request;
  request.group_id = kGroup;
  auto& topic = request.topics.emplace_back();
  topic.name = logs_.front().topic;
  auto& partition = topic.partitions.emplace_back();
  partition.committed_offset = kCommitted;
  partition.committed_metadata = std::string(kMark);
  // The first question for a coordinator has its topic made.
  kafka::FindCoordinatorRequest find;
  find.key = kGroup;
  int16_t code = -1;
  for (int tries = 0; tries < kCommitTries && code != 0; ++tries) {
    connection.Call(find, 3);
    const auto response = connection.Call(request, 8);
    if (!response.has_value()) {
      return Unanswered("OffsetCommit");
    }
    code = response->topics.at(0).partitions.at(0).error_code;
    absl::SleepFor(code == 0 ? absl::ZeroDuration() : kCommitPause);
  }
  return code == 0 ? absl::OkStatus()
                   : absl::InternalError(absl::StrCat("cannot commit an offset: error ", code));
}

absl::Status KnownData::CheckOffset(Connection& connection) const {
  kafka::OffsetFetchRequest request;
  request.group_id = kGroup;
  auto& topic = request.topics.emplace().emplace_back();
  topic.name = logs_.front().topic;
  topic.partition_indexes = {0};
  const auto response = connection.Call(request, 5);
  if (!response.has_value()) {
    return Unanswered("OffsetFetch");
  }
  const auto& answer = response->topics.at(0).partitions.at(0);
  const bool good =
      answer.error_code == 0 && answer.committed_offset == kCommitted && answer.metadata == kMark;
  return good ? absl::OkStatus()
              : absl::DataLossError(absl::StrCat("the committed offset is ", answer.committed_offset,
                                                 ", error ", answer.error_code));
}

kafka::Vocabulary KnownData::MakeVocabulary() const {
  kafka::Vocabulary words;
  words.numbers_below = 5;
  words.texts = {kGroup,
                 "prey-0",
                 "prey-1",
                 "prey-group",
                 std::string(kOffsetsTopic),
                 "consumer",
                 "range",
                 "member",
                 "1",
                 "cleanup.policy",
                 "compression.type",
                 "lz4",
                 "compact",
                 "max.message.bytes",
                 "metadata.version"};
  for (const KnownLog& log : logs_) {
    words.texts.push_back(log.topic);
    words.ids.push_back(log.topic_id);
  }
  for (int i = 0; i < 20; ++i) {
    const record::Codec codec = kCodecs[static_cast<size_t>(i) % kCodecs.size()];
    words.records.push_back(i < 10 ? MakeBatch(i, {.codec = codec})
                                   : MakeBatch(i, {.codec = codec,
                                                   .producer_id = ProducerId(i),
                                                   .producer_epoch = ProducerEpoch(0),
                                                   .base_sequence = 0}));
  }
  Bytes damaged = words.records.front();
  damaged.back() ^= std::byte{1};
  words.records.push_back(std::move(damaged));
  return words;
}

bool KnownData::MayBeChangedBy(int16_t key, ByteView body, bool wants_no_answer) const {
  // OffsetCommit, DeleteTopics, DeleteRecords, TxnOffsetCommit, AlterConfigs, CreatePartitions, DeleteGroups,
  // IncrementalAlterConfigs, OffsetDelete.
  constexpr std::array<int16_t, 9> kChanging = {8, 20, 21, 28, 33, 37, 42, 44, 47};
  if (!wants_no_answer && std::ranges::find(kChanging, key) == kChanging.end()) {
    return false;
  }
  return Holds(body, AsBytes(kMark)) || Holds(body, AsBytes(kOffsetsTopic)) ||
         std::ranges::any_of(logs_, [body](const KnownLog& log) {
           return Holds(body, std::as_bytes(std::span(log.topic_id.bytes)));
         });
}

void KnownData::NoteAnswer(ByteView frame, int16_t version) {
  kafka::WireReader in(frame);
  int32_t correlation_id = 0;
  kafka::DecodeResponseHeader(in, kafka::ProduceRequest::kApiKey, version, &correlation_id);
  kafka::ProduceResponse response;
  response.Decode(in, version);
  absl::MutexLock lock(&mu_);
  for (const auto& topic : response.responses) {
    for (const auto& answer : topic.partition_responses) {
      for (KnownLog& log : logs_) {
        const bool same = version >= 13 ? log.topic_id == topic.topic_id : log.topic == topic.name;
        if (same && log.partition == answer.index && answer.error_code == 0 &&
            answer.base_offset >= log.end) {
          log.accepted.insert(answer.base_offset);
        }
      }
    }
  }
}

absl::Status KnownData::CheckWire(Connection& connection) const {
  for (const KnownLog& log : logs_) {
    ASSIGN_OR_RETURN(const Bytes now, Fetch(connection, log));
    RETURN_IF_ERROR(CheckPrefix(absl::StrCat(log.topic, "-", log.partition, " as fetched"), log.bytes, now));
  }
  return CheckOffset(connection);
}

absl::Status KnownData::CheckAppended(Connection& connection) const {
  for (const KnownLog& log : logs_) {
    ASSIGN_OR_RETURN(const Bytes now, Fetch(connection, log));
    RETURN_IF_ERROR(CheckPrefix(absl::StrCat(log.topic, "-", log.partition), log.bytes, now));
    const std::vector<int64_t> appended = BaseOffsets(ByteView(now).subspan(log.bytes.size()));
    absl::MutexLock lock(&mu_);
    if (!std::ranges::equal(appended, log.accepted)) {
      return absl::DataLossError(absl::StrCat(log.topic, "-", log.partition, ": ", log.accepted.size(),
                                              " batches were accepted, and ", appended.size(),
                                              " others than these are there"));
    }
  }
  return absl::OkStatus();
}

absl::Status KnownData::CheckFiles(const std::string& log_dir) const {
  for (const KnownLog& log : logs_) {
    const std::string directory = absl::StrCat(log_dir, "/", log.topic, "-", log.partition);
    std::set<std::string> segments;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      if (entry.path().extension() == ".log") {
        segments.insert(entry.path().string());
      }
    }
    std::string bytes;
    for (const std::string& segment : segments) {
      std::ifstream in(segment, std::ios::binary);
      bytes.append(std::istreambuf_iterator<char>(in), {});
    }
    RETURN_IF_ERROR(CheckPrefix(directory, log.bytes, AsBytes(bytes)));
  }
  return absl::OkStatus();
}

}  // namespace sluice::fuzz
