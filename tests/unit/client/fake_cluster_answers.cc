// What the fake cluster answers: decode, look at the topics, encode; one function for each key.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/base/check.h"
#include "proto/kafka/gen/api_versions.h"
#include "proto/kafka/gen/create_topics.h"
#include "proto/kafka/gen/fetch.h"
#include "proto/kafka/gen/init_producer_id.h"
#include "proto/kafka/gen/list_offsets.h"
#include "proto/kafka/gen/metadata.h"
#include "proto/kafka/gen/produce.h"
#include "proto/record/batch_view.h"
#include "tests/unit/client/fake_cluster.h"
#include "tests/unit/client/fake_cluster_encode.h"

namespace sluice::client_test {
namespace {

using kafka::ErrorCode;
using kafka::ToWire;

}  // namespace

bool FakeCluster::AnswerApiVersions(const kafka::RequestHeader& header, Bytes* answer) {
  kafka::ApiVersionsResponse response;
  int16_t version = header.api_version;
  if (version > options_.api_versions_max) {
    version = 0;
    response.error_code = ToWire(ErrorCode::kUnsupportedVersion);
  }
  const auto add = [&](kafka::ApiKey key) {
    const kafka::ApiInfo* info = kafka::FindApi(static_cast<int16_t>(key));
    const auto cap = options_.caps.find(static_cast<int16_t>(key));
    const int16_t max = cap == options_.caps.end() ? info->max_version : cap->second;
    if (max >= info->min_version) {
      auto& entry = response.api_keys.emplace_back();
      entry.api_key = static_cast<int16_t>(key);
      entry.min_version = info->min_version;
      entry.max_version = key == kafka::ApiKey::kApiVersions ? options_.api_versions_max : max;
    }
  };
  add(kafka::ApiKey::kApiVersions);
  if (response.error_code == 0) {
    for (const auto key :
         {kafka::ApiKey::kMetadata, kafka::ApiKey::kProduce, kafka::ApiKey::kFetch,
          kafka::ApiKey::kListOffsets, kafka::ApiKey::kInitProducerId, kafka::ApiKey::kCreateTopics,
          kafka::ApiKey::kFindCoordinator, kafka::ApiKey::kJoinGroup, kafka::ApiKey::kSyncGroup,
          kafka::ApiKey::kHeartbeat, kafka::ApiKey::kLeaveGroup, kafka::ApiKey::kOffsetCommit,
          kafka::ApiKey::kOffsetFetch}) {
      add(key);
    }
  }
  Encode(header, version, response, answer);
  return true;
}

bool FakeCluster::AnswerMetadata(const kafka::RequestHeader& header, kafka::WireReader& in, Bytes* answer) {
  kafka::MetadataRequest request;
  request.Decode(in, header.api_version);
  CHECK(in.ok());
  kafka::MetadataResponse response;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    auto& broker = response.brokers.emplace_back();
    broker.node_id = static_cast<int32_t>(i);
    broker.host = "127.0.0.1";
    broker.port = nodes_[i]->port;
  }
  response.cluster_id = "fake";
  response.controller_id = 0;
  absl::MutexLock lock(&mu_);
  std::vector<std::string> names;
  if (request.topics.has_value()) {
    for (const auto& topic : *request.topics) {
      names.push_back(topic.name.value_or(""));
    }
  } else {
    for (const auto& [name, topic] : topics_) {
      names.push_back(name);
    }
  }
  for (const std::string& name : names) {
    auto& entry = response.topics.emplace_back();
    entry.name = name;
    const auto topic = topics_.find(name);
    if (topic == topics_.end()) {
      entry.error_code = ToWire(ErrorCode::kUnknownTopicOrPartition);
      if (options_.auto_create && request.allow_auto_topic_creation) {
        AddTopic(name, 1);
      }
      continue;
    }
    entry.topic_id = options_.topic_ids ? topic->second.id : Uuid{};
    for (size_t i = 0; i < topic->second.partitions.size(); ++i) {
      auto& partition = entry.partitions.emplace_back();
      partition.partition_index = static_cast<int32_t>(i);
      partition.leader_id = topic->second.partitions[i].leader;
    }
  }
  Encode(header, header.api_version, response, answer);
  return true;
}

bool FakeCluster::AnswerProduce(int32_t node, const kafka::RequestHeader& header, kafka::WireReader& in,
                                Fault fault, Bytes* answer) {
  kafka::ProduceRequest request;
  request.Decode(in, header.api_version);
  CHECK(in.ok());
  kafka::ProduceResponse response;
  absl::MutexLock lock(&mu_);
  for (const auto& topic : request.topic_data) {
    auto& topic_answer = response.responses.emplace_back();
    topic_answer.name = topic.name;
    topic_answer.topic_id = topic.topic_id;
    for (const auto& data : topic.partition_data) {
      auto& result = topic_answer.partition_responses.emplace_back();
      result.index = data.index;
      result.base_offset = -1;
      Partition* partition = Find(topic.name, topic.topic_id, data.index);
      ErrorCode code = fault.code;
      if (fault.kind != Fault::Kind::kError) {
        code = partition == nullptr        ? ErrorCode::kUnknownTopicOrPartition
               : partition->leader != node ? ErrorCode::kNotLeaderOrFollower
                                           : Append(*partition, data.records->bytes, &result.base_offset);
      }
      result.error_code = ToWire(code);
    }
  }
  appended_.SignalAll();
  if (request.acks != 0) {
    Encode(header, header.api_version, response, answer);
  }
  return true;
}

bool FakeCluster::AnswerFetch(int32_t node, const kafka::RequestHeader& header, kafka::WireReader& in,
                              Fault fault, Bytes* answer) {
  kafka::FetchRequest request;
  request.Decode(in, header.api_version);
  CHECK(in.ok());
  const absl::Time deadline = absl::Now() + absl::Milliseconds(request.max_wait_ms);
  absl::MutexLock lock(&mu_);
  for (;;) {
    std::vector<Bytes> memory;
    kafka::FetchResponse response;
    bool any = false;
    for (const auto& topic : request.topics) {
      auto& topic_answer = response.responses.emplace_back();
      topic_answer.topic = topic.topic;
      topic_answer.topic_id = topic.topic_id;
      for (const auto& wanted : topic.partitions) {
        auto& data = topic_answer.partitions.emplace_back();
        data.partition_index = wanted.partition;
        const Partition* partition = Find(topic.topic, topic.topic_id, wanted.partition);
        ErrorCode code = fault.kind == Fault::Kind::kError ? fault.code : ErrorCode::kNone;
        if (code == ErrorCode::kNone && partition == nullptr) {
          code = ErrorCode::kUnknownTopicOrPartition;
        } else if (code == ErrorCode::kNone && partition->leader != node) {
          code = ErrorCode::kNotLeaderOrFollower;
        } else if (code == ErrorCode::kNone &&
                   (wanted.fetch_offset < partition->start || wanted.fetch_offset > partition->end)) {
          code = ErrorCode::kOffsetOutOfRange;
        }
        data.error_code = ToWire(code);
        any |= code != ErrorCode::kNone;
        if (code == ErrorCode::kNone) {
          data.high_watermark = partition->end;
          data.log_start_offset = partition->start;
          memory.push_back(Read(*partition, wanted.fetch_offset, options_.fetch_bytes_max));
          any |= !memory.back().empty();
        }
        data.records = kafka::Records{};
      }
    }
    if (any || stopping_ || absl::Now() >= deadline) {
      size_t next = 0;
      for (auto& topic : response.responses) {
        for (auto& data : topic.partitions) {
          if (data.error_code == 0) {
            data.records = kafka::Records{.bytes = memory[next++]};
          }
        }
      }
      Encode(header, header.api_version, response, answer);
      return true;
    }
    appended_.WaitWithDeadline(&mu_, deadline);
  }
}

bool FakeCluster::AnswerListOffsets(const kafka::RequestHeader& header, kafka::WireReader& in,
                                    Bytes* answer) {
  kafka::ListOffsetsRequest request;
  request.Decode(in, header.api_version);
  CHECK(in.ok());
  kafka::ListOffsetsResponse response;
  absl::MutexLock lock(&mu_);
  for (const auto& topic : request.topics) {
    auto& topic_answer = response.topics.emplace_back();
    topic_answer.name = topic.name;
    for (const auto& wanted : topic.partitions) {
      auto& result = topic_answer.partitions.emplace_back();
      result.partition_index = wanted.partition_index;
      const Partition* partition = Find(topic.name, {}, wanted.partition_index);
      if (partition == nullptr) {
        result.error_code = ToWire(ErrorCode::kUnknownTopicOrPartition);
        continue;
      }
      result.offset = wanted.timestamp == -2   ? partition->start
                      : wanted.timestamp == -1 ? partition->end
                                               : -1;
      for (size_t i = 0; wanted.timestamp >= 0 && i < partition->batches.size() && result.offset < 0; ++i) {
        const record::BatchView batch(partition->batches[i]);
        if (batch.max_timestamp() >= wanted.timestamp) {
          result.offset = batch.base_offset().value();
          result.timestamp = batch.max_timestamp();
        }
      }
    }
  }
  Encode(header, header.api_version, response, answer);
  return true;
}

bool FakeCluster::AnswerInitProducerId(const kafka::RequestHeader& header, kafka::WireReader& in,
                                       Bytes* answer) {
  kafka::InitProducerIdRequest request;
  request.Decode(in, header.api_version);
  CHECK(in.ok());
  kafka::InitProducerIdResponse response;
  {
    absl::MutexLock lock(&mu_);
    response.producer_id = next_producer_id_++;
  }
  Encode(header, header.api_version, response, answer);
  return true;
}

bool FakeCluster::AnswerCreateTopics(const kafka::RequestHeader& header, kafka::WireReader& in,
                                     Bytes* answer) {
  kafka::CreateTopicsRequest request;
  request.Decode(in, header.api_version);
  CHECK(in.ok());
  kafka::CreateTopicsResponse response;
  for (const auto& topic : request.topics) {
    auto& result = response.topics.emplace_back();
    result.name = topic.name;
    absl::ReleasableMutexLock lock(&mu_);
    const bool exists = topics_.contains(topic.name);
    lock.Release();
    if (exists) {
      result.error_code = ToWire(ErrorCode::kTopicAlreadyExists);
      result.error_message = absl::StrCat("Topic '", topic.name, "' already exists.");
    } else {
      CreateTopic(topic.name, std::max(topic.num_partitions, 1));
    }
  }
  Encode(header, header.api_version, response, answer);
  return true;
}

}  // namespace sluice::client_test
