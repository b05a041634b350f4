#include "tests/crash/churn_run.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/use_future.hpp>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "proto/base/check.h"
#include "proto/kafka/gen/list_offsets.h"
#include "proto/kafka/gen/metadata.h"
#include "tests/crash/plain_producer.h"

namespace sluice::crash {
namespace {

using std::chrono::milliseconds;

constexpr int16_t kMetadataVersion = 12;
constexpr int16_t kListOffsetsVersion = 5;
constexpr int64_t kLatest = -1;
constexpr absl::Duration kWriteInterval = absl::Milliseconds(10);
constexpr uint64_t kBurstMax = 8;
constexpr milliseconds kPatience{90'000};
constexpr milliseconds kLookAgain{20};

}  // namespace

ChurnRun::ChurnRun(ChurnOptions options, const std::vector<GroupProtocol>& protocols)
    : options_(std::move(options)),
      busy_(context_.get_executor()),
      connection_(context_, options_.connection) {
  thread_ = std::thread([this] { context_.run(); });
  CHECK(Persist([this] { return FindTopic(); }));
  for (const GroupProtocol protocol : protocols) {
    auto& group = *groups_.emplace_back(std::make_unique<ChurnGroup>());
    group.protocol = protocol;
    group.name = protocol == GroupProtocol::kClassic ? "classic" : "consumer";
    for (int slot = 0; slot < options_.members; ++slot) {
      const ChurnMember::Place place{.slot = slot, .is_static = slot < options_.static_members};
      members_.push_back(std::make_unique<ChurnMember>(context_, options_, place, group));
    }
  }
  for (const auto& member : members_) {
    asio::co_spawn(context_, member->Run(), asio::detached);
  }
  writer_ = std::thread([this] { Write(); });
}

ChurnRun::~ChurnRun() {
  if (!stop_writing_.HasBeenNotified()) {
    stop_writing_.Notify();
    writer_.join();
  }
  busy_.reset();
  context_.stop();
  thread_.join();
}

template <class Work>
void ChurnRun::OnMembersThread(Work work) {
  std::promise<void> done;
  asio::post(context_, [&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

template <class Attempt>
bool ChurnRun::Persist(Attempt attempt) {
  const auto persist = [this, &attempt]() -> asio::awaitable<bool> {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      if (!connection_.connected()) {
        (void)co_await connection_.Connect();
      }
      const bool done = co_await attempt();
      if (done) {
        co_return true;
      }
      asio::steady_timer timer(context_, kLookAgain);
      co_await timer.async_wait(asio::use_awaitable);
    }
    co_return false;
  };
  return asio::co_spawn(context_, persist(), asio::use_future).get();
}

asio::awaitable<bool> ChurnRun::FindTopic() {
  kafka::MetadataRequest request;
  request.topics.emplace().emplace_back().name = options_.topic;
  const auto answer = co_await connection_.Call(request, kMetadataVersion);
  if (!answer || answer->topics.size() != 1 || answer->topics[0].error_code != 0) {
    co_return false;
  }
  options_.topic_id = answer->topics[0].topic_id;
  options_.partitions = static_cast<int32_t>(answer->topics[0].partitions.size());
  co_return true;
}

// One that tries once: what was not acknowledged may be there or not, and is nobody's to ask for.
void ChurnRun::Write() {
  PlainProducer producer(options_.connection.address.to_string(), options_.connection.port);
  Random random(options_.seed);
  std::vector<int64_t> next(static_cast<size_t>(options_.partitions));
  while (!stop_writing_.WaitForNotificationWithTimeout(kWriteInterval)) {
    const auto partition = static_cast<int32_t>(random.Below(static_cast<uint64_t>(options_.partitions)));
    ChurnEvent event{.kind = ChurnKind::kAppend, .partition = partition};
    std::vector<std::string> texts;
    for (uint64_t count = 1 + random.Below(kBurstMax); count > 0; --count) {
      event.values.push_back({partition, next[static_cast<size_t>(partition)]++});
      texts.push_back(event.values.back().Text());
    }
    const PlainOutcome outcome = producer.Send(options_.topic, partition, texts, /*damaged=*/false);
    if (outcome.kind == PlainOutcome::Kind::kAcked) {
      event.offset = outcome.base_offset;
      written_ += static_cast<int64_t>(texts.size());
      for (const auto& group : groups_) {
        group->history.Add(event);
      }
    }
  }
}

void ChurnRun::NoteDeath() {
  OnMembersThread([this] {
    for (const auto& group : groups_) {
      ++group->deaths;
      group->history.Add({.kind = ChurnKind::kDied});
    }
  });
}

bool ChurnRun::Settle() {
  stop_writing_.Notify();
  writer_.join();
  OnMembersThread([this] {
    for (const auto& group : groups_) {
      group->calm = true;
    }
  });
  for (const auto& group : groups_) {
    if (!Persist([this, &group] { return IsCaughtUp(group.get()); })) {
      return false;
    }
  }
  return true;
}

asio::awaitable<bool> ChurnRun::IsCaughtUp(ChurnGroup* group) {
  kafka::ListOffsetsRequest request;
  request.replica_id = -1;
  auto& topic = request.topics.emplace_back();
  topic.name = options_.topic;
  std::vector<int32_t> partitions;
  for (int32_t partition = 0; partition < options_.partitions; ++partition) {
    auto& asked = topic.partitions.emplace_back();
    asked.partition_index = partition;
    asked.timestamp = kLatest;
    partitions.push_back(partition);
  }
  const auto ends = co_await connection_.Call(request, kListOffsetsVersion);
  if (!ends || ends->topics.size() != 1) {
    co_return false;
  }
  OffsetsByPartition wanted;
  for (const auto& partition : ends->topics[0].partitions) {
    wanted[partition.partition_index] = partition.offset > 0 ? partition.offset : -1;
  }
  // Nobody: it asks without a member's id.
  const auto outsider =
      NewGroupMember(GroupProtocol::kClassic, connection_, {.group = group->name, .topic = options_.topic});
  const GroupMember::Committed committed = co_await outsider->FetchCommitted(partitions);
  co_return committed.error == kafka::ErrorCode::kNone&& committed.offsets == wanted;
}

bool ChurnRun::Finish() {
  if (!stop_writing_.HasBeenNotified()) {
    return false;
  }
  for (const auto& group : groups_) {
    if (!Persist([this, &group] { return FetchFinal(group.get()); })) {
      return false;
    }
    OnMembersThread([&group] { group->stopping = true; });
    if (!Persist([this, &group] { return HaveLeft(group.get()); })) {
      return false;
    }
  }
  return true;
}

asio::awaitable<bool> ChurnRun::FetchFinal(ChurnGroup* group) {
  std::vector<int32_t> partitions;
  for (int32_t partition = 0; partition < options_.partitions; ++partition) {
    partitions.push_back(partition);
  }
  const auto outsider =
      NewGroupMember(GroupProtocol::kClassic, connection_, {.group = group->name, .topic = options_.topic});
  const int64_t operation = group->history.Begin({.kind = ChurnKind::kFetched, .member = "the judge"});
  GroupMember::Committed found = co_await outsider->FetchCommitted(partitions);
  const bool ok = found.error == kafka::ErrorCode::kNone;
  group->history.End({.kind = ChurnKind::kFetched,
                      .type = ok ? EventType::kOk : EventType::kFail,
                      .operation = operation,
                      .offsets = found.offsets});
  co_return ok;
}

asio::awaitable<bool> ChurnRun::HaveLeft(ChurnGroup* group) {
  co_return group->running == 0;
}

std::string ChurnRun::Progress() {
  std::vector<std::string> groups;
  OnMembersThread([&] {
    for (const auto& group : groups_) {
      groups.push_back(absl::StrCat("\"", group->name, "\": {\"commits\": ", group->commits, ", \"lives\": ",
                                    group->lives, ", \"overslept\": ", group->overslept, "}"));
    }
  });
  return absl::StrCat("{\"written\": ", written_.load(), ", ", absl::StrJoin(groups, ", "), "}");
}

std::string ChurnRun::Describe() {
  std::string text = "the groups did not come to rest:\n";
  OnMembersThread([&] {
    for (const auto& member : members_) {
      absl::StrAppend(&text, "  ", member->Describe(), "\n");
    }
  });
  return text;
}

}  // namespace sluice::crash
