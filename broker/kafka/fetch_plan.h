// What a Fetch request would be answered now: for each partition, in the order of the request, which ranges
// of which files. Nothing is read; the connection streams the ranges later.
//
// Kafka's limits (KIP-74): the response holds at most max_bytes, a partition at most its own limit; only the
// first batch of the first partition that has any is given even where it is larger than both, so that every
// consumer gets on.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "broker/kafka/partition_lookup.h"
#include "broker/kafka/read_cursors.h"
#include "broker/kafka/reply.h"
#include "proto/kafka/gen/fetch.h"

namespace sluice::broker {

struct FetchScope {
  const Catalog& catalog;
  const ReadCursors& cursors;
  int16_t version = 0;
  uint64_t bytes_max = 0;  // fetch.max.bytes: the request may ask for less.
  NodeId node_id;
};

struct FetchPlan {
  struct Watched {
    TopicPtr topic;  // Keeps the partition alive.
    std::shared_ptr<Partition> partition;
    size_t answer_index = 0;  // Of its answer, counted through all topics.
    Offset high_watermark;    // When the plan was made, as the log's start.
    Offset log_start;
    bool at_end = false;  // All that may be read was given, or there was nothing.
  };
  struct Moved {
    ReadCursors::Key key;
    storage::ReadCursor cursor;
  };

  kafka::FetchResponse response;  // Its external records are named by their index in `parts`.
  std::vector<FileParts> parts;
  uint64_t bytes = 0;            // Of all parts.
  std::vector<Watched> watched;  // The partitions that may have more later.
  std::vector<Moved> moved;      // To remember once the response is sent.
  bool is_final = false;         // An error or a divergence: waiting would change nothing.
  bool can_grow = false;         // Some partition gave all it has and would give more.
  bool would_block = false;      // Not finished: to be made again where it may block.
};

enum class MayBlock { kNo, kYes };
FetchPlan PlanFetch(const kafka::FetchRequest& request, const FetchScope& scope, MayBlock may_block);

// True when a partition moved since the plan was made, or was closed.
bool IsStale(const FetchPlan::Watched& watched);
bool IsStale(const FetchPlan& plan);

}  // namespace sluice::broker
