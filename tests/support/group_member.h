// A member of a consumer group that does one request at a time, as it is told: of a classic group (JoinGroup,
// SyncGroup, Heartbeat; the leader hands out ranges) or of one of KIP-848 (ConsumerGroupHeartbeat). It knows
// the rules of the protocol and has no will, no thread and no timer of its own.
//
//   AsyncConnection connection(context, {.port = port});
//   std::unique_ptr<GroupMember> member = NewGroupMember(GroupProtocol::kClassic, connection, options);
//   co_await connection.Connect();
//   co_await member->FindCoordinator();
//   while (!member->is_settled()) { co_await member->Step(); }       // Until it knows what it holds.
//   co_await member->Commit({{0, 17}});
//   co_await member->Step();                                         // Now a heartbeat.
//   co_await member->Leave(true);
//
// What an answer means is in its ErrorCode; kNetworkException: there was none, the connection is closed, and
// the member goes on when it is connected again. The connection must outlive the member.
#pragma once

#include <asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/uuid.h"
#include "proto/kafka/error_code.h"
#include "proto/kafka/gen/offset_commit.h"
#include "proto/kafka/gen/offset_fetch.h"
#include "tests/support/async_connection.h"

namespace sluice {

enum class GroupProtocol { kClassic, kConsumer };

struct GroupMemberOptions {
  std::string group;
  std::string topic;
  Uuid topic_id;
  int32_t partitions = 0;  // Of the topic.
  std::optional<std::string> instance_id = {};
  std::string member_id = {};  // KIP-848: its own choice, unlike anyone else's. Classic: the broker's.
  int32_t session_timeout_ms = 6'000;
  int32_t rebalance_timeout_ms = 6'000;
};

using OffsetsByPartition = std::map<int32_t, int64_t>;

class GroupMember {
 public:
  virtual ~GroupMember() = default;
  GroupMember(const GroupMember&) = delete;
  GroupMember& operator=(const GroupMember&) = delete;

  // The broker makes its internal topic when it is first asked.
  asio::awaitable<kafka::ErrorCode> FindCoordinator();

  // The one request that brings it further: into the group, to an assignment, or a heartbeat.
  virtual asio::awaitable<kafka::ErrorCode> Step() = 0;
  // The next Step has no need to wait for the heartbeat's time.
  virtual bool is_settled() const = 0;
  // What the next Step gives back of held(): the last moment to commit it.
  virtual std::vector<int32_t> giving_up() const = 0;
  virtual int32_t heartbeat_interval_ms() const = 0;
  // A static member may leave only for a while, and keep what it has: then a classic one says nothing.
  virtual asio::awaitable<kafka::ErrorCode> Leave(bool for_good) = 0;

  struct Committed {
    kafka::ErrorCode error = kafka::ErrorCode::kNone;  // Of the first partition that has one.
    OffsetsByPartition offsets = {};                   // FetchCommitted: -1 where there is none.
  };
  asio::awaitable<kafka::ErrorCode> Commit(const OffsetsByPartition& offsets);
  asio::awaitable<Committed> FetchCommitted(const std::vector<int32_t>& partitions);
  // What these two send, for who wants to send it himself.
  static constexpr int16_t kCommitVersion = 9;
  static constexpr int16_t kFetchVersion = 9;
  kafka::OffsetCommitRequest CommitRequest(const OffsetsByPartition& offsets) const;
  kafka::OffsetFetchRequest FetchRequest(const std::vector<int32_t>& partitions) const;

  const std::string& id() const { return member_id_; }
  // The generation, or the member's epoch; -1 or 0 while it is not in the group.
  int32_t epoch() const { return epoch_; }
  const std::vector<int32_t>& held() const { return held_; }  // In order.
  const GroupMemberOptions& options() const { return options_; }

 protected:
  GroupMember(AsyncConnection& connection, GroupMemberOptions options, int32_t epoch)
      : connection_(connection), options_(std::move(options)), epoch_(epoch) {}

  // OffsetFetch of a KIP-848 member names it.
  virtual bool asks_as_member() const = 0;

  AsyncConnection& connection_;
  const GroupMemberOptions options_;
  std::string member_id_ = {};
  int32_t epoch_;
  std::vector<int32_t> held_ = {};
};

std::unique_ptr<GroupMember> NewGroupMember(GroupProtocol protocol, AsyncConnection& connection,
                                            GroupMemberOptions options);

kafka::ErrorCode ErrorOf(int16_t wire);

}  // namespace sluice
