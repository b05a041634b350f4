#include "tests/crash/workers.h"

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/bytes.h"
#include "proto/base/check.h"

namespace sluice::crash {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{120'000};  // For what must come to an end: longer than any restart.
constexpr uint64_t kBurstMax = 8;
constexpr uint64_t kDamagedOneIn = 32;
constexpr int kPollsPerJump = 50;
constexpr int64_t kJump = 200;
constexpr absl::Duration kEndInterval = absl::Milliseconds(20);

std::string Filled(const Value& value, const LoadOptions& options, Random& random) {
  std::string text = value.Text();
  text.append(random.Below(static_cast<uint64_t>(options.value_bytes)),
              static_cast<char>('a' + value.sequence % 26));
  return text;
}

uint64_t SeedOf(const LoadOptions& options, int id) {
  return options.seed * 1000 + static_cast<uint64_t>(id);
}

std::unique_ptr<Producer> NewProducer(Client& client) {
  auto producer = client.NewProducer({.batch_bytes = 8192,
                                      .linger = milliseconds(1),
                                      .buffer_bytes = 256 << 10,
                                      .max_block = kPatience,
                                      .delivery_timeout = kPatience,
                                      .retry_backoff = milliseconds(5)});
  CHECK_OK(producer.status());
  return *std::move(producer);
}

std::unique_ptr<Consumer> NewConsumer(Client& client) {
  auto consumer = client.NewConsumer({.offset_reset = OffsetReset::kEarliest});
  CHECK_OK(consumer.status());
  return *std::move(consumer);
}

ReadRecord ToReadRecord(const RecordView& record) {
  Value value = kForeignValue;
  if (!record.value || !Value::Parse(ToAbsl(TextOf(*record.value)), &value)) {
    value = kForeignValue;
  }
  return {record.partition, record.offset, value};
}

Event PollEvent(int consumer, const FetchedRecords& records) {
  Event event{.kind = EventKind::kPoll, .actor = consumer};
  for (const RecordView& record : records) {
    event.records.push_back(ToReadRecord(record));
  }
  return event;
}

Event SeekEvent(int consumer, int32_t partition, int64_t offset) {
  return {.kind = EventKind::kSeek, .actor = consumer, .partition = partition, .offset = offset};
}

}  // namespace

std::string LoadOptions::Address() const {
  return absl::StrCat(host, ":", port);
}

absl::StatusOr<std::unique_ptr<Client>> Connect(const LoadOptions& options) {
  return Client::Connect({.bootstrap = options.Address(),
                          .request_timeout = milliseconds(5'000),
                          .reconnect_backoff = milliseconds(5),
                          .reconnect_backoff_max = milliseconds(40)});
}

IdempotentSender::IdempotentSender(std::unique_ptr<Client> client, const LoadOptions& options, int id,
                                   LoadState& state)
    : options_(options),
      id_(id),
      state_(state),
      client_(std::move(client)),
      producer_(NewProducer(*client_)),
      random_(SeedOf(options, id)),
      thread_([this] { Run(); }) {}

void IdempotentSender::Finish() {
  thread_.join();
  (void)producer_->Close(kPatience);  // What it could not deliver was told to its callback.
}

void IdempotentSender::Run() {
  while (!state_.stop_producers.WaitForNotificationWithTimeout(absl::Milliseconds(options_.burst_ms))) {
    const auto partition = static_cast<int32_t>(random_.Below(static_cast<uint64_t>(options_.partitions)));
    const uint64_t count = 1 + random_.Below(kBurstMax);
    for (uint64_t i = 0; i < count; ++i) {
      if (!SendOne(partition)) {
        break;
      }
    }
  }
}

bool IdempotentSender::SendOne(int32_t partition) {
  const Value value{id_, next_++};
  const int64_t operation = state_.next_operation++;
  const std::string text = Filled(value, options_, random_);
  Event event{.kind = EventKind::kSend,
              .type = EventType::kInvoke,
              .operation = operation,
              .actor = id_,
              .partition = partition,
              .values = {value}};
  state_.history.Add(event);
  const auto end = [this, operation, partition](EventType type, int64_t offset) {
    state_.history.Add({.kind = EventKind::kSend,
                        .type = type,
                        .operation = operation,
                        .actor = id_,
                        .partition = partition,
                        .offset = offset});
  };
  const absl::Status sent =
      producer_->Send({.topic = options_.topic, .partition = partition, .value = BytesOf(text)},
                      [this, end](const absl::StatusOr<Delivery>& delivery) {
                        if (delivery.ok()) {
                          end(EventType::kOk, delivery->offset);
                          state_.acked.fetch_add(1);
                        } else {
                          end(EventType::kInfo, -1);
                          std::fprintf(stderr, "%s\n", delivery.status().ToString().c_str());
                          state_.given_up.fetch_add(1);
                        }
                      });
  if (!sent.ok()) {  // It was not even queued.
    end(EventType::kFail, -1);
    std::fprintf(stderr, "%s\n", sent.ToString().c_str());
    state_.given_up.fetch_add(1);
  }
  return sent.ok();
}

PlainSender::PlainSender(const LoadOptions& options, int id, LoadState& state)
    : options_(options),
      id_(id),
      state_(state),
      producer_(options.host, options.port),
      random_(SeedOf(options, id)),
      thread_([this] { Run(); }) {}

void PlainSender::Run() {
  while (!state_.stop_producers.WaitForNotificationWithTimeout(absl::Milliseconds(options_.burst_ms))) {
    SendOne();
  }
}

void PlainSender::SendOne() {
  Event event{.kind = EventKind::kSend,
              .type = EventType::kInvoke,
              .operation = state_.next_operation++,
              .actor = id_,
              .partition = static_cast<int32_t>(random_.Below(static_cast<uint64_t>(options_.partitions)))};
  std::vector<std::string> texts;
  const uint64_t count = 1 + random_.Below(kBurstMax);
  for (uint64_t i = 0; i < count; ++i) {
    event.values.push_back({id_, next_++});
    texts.push_back(Filled(event.values.back(), options_, random_));
  }
  state_.history.Add(event);
  const PlainOutcome outcome =
      producer_.Send(options_.topic, event.partition, texts, random_.Below(kDamagedOneIn) == 0);
  event.values.clear();
  event.offset = outcome.base_offset;
  event.type = EventType::kInfo;
  if (outcome.kind == PlainOutcome::Kind::kAcked) {
    event.type = EventType::kOk;
    state_.acked.fetch_add(static_cast<int64_t>(count));
  } else if (outcome.kind == PlainOutcome::Kind::kRefused) {
    event.type = EventType::kFail;
  }
  state_.history.Add(std::move(event));
}

Reader::Reader(std::unique_ptr<Client> client, const LoadOptions& options, int id, bool jumps,
               LoadState& state)
    : options_(options),
      id_(id),
      jumps_(jumps),
      state_(state),
      client_(std::move(client)),
      consumer_(NewConsumer(*client_)) {
  CHECK_OK(consumer_->AssignTopic(options_.topic, Position::Beginning()));
  thread_ = std::thread([this] { Run(); });
}

void Reader::Run() {
  int polls = 0;
  while (!state_.stop_consumers.HasBeenNotified()) {
    const absl::StatusOr<FetchedRecords> records = consumer_->Poll(milliseconds(50));
    if (!records.ok()) {
      std::fprintf(stderr, "consumer %d: %s\n", id_, records.status().ToString().c_str());
      state_.poll_errors.fetch_add(1);
      continue;
    }
    if (records->empty()) {
      continue;
    }
    state_.history.Add(PollEvent(id_, *records));
    if (jumps_ && ++polls % kPollsPerJump == 0) {
      JumpBack();
    }
  }
}

void Reader::JumpBack() {
  for (int32_t partition = 0; partition < options_.partitions; ++partition) {
    if (consumer_->Seek(options_.topic, partition, Position::Tail(kJump)).ok()) {
      state_.history.Add(SeekEvent(id_, partition, -1));
    }
  }
}

EndWatcher::EndWatcher(std::unique_ptr<Client> client, const LoadOptions& options, LoadState& state)
    : options_(options), state_(state), client_(std::move(client)), thread_([this] { Run(); }) {}

void EndWatcher::Run() {
  const std::unique_ptr<Consumer> consumer = NewConsumer(*client_);
  while (!state_.stop_consumers.WaitForNotificationWithTimeout(kEndInterval)) {
    const int64_t first = state_.next_operation.fetch_add(options_.partitions);
    for (int32_t partition = 0; partition < options_.partitions; ++partition) {
      state_.history.Add({.kind = EventKind::kEnd,
                          .type = EventType::kInvoke,
                          .operation = first + partition,
                          .partition = partition});
    }
    if (!consumer->AssignTopic(options_.topic, Position::End()).ok()) {
      continue;  // The broker is away.
    }
    for (int32_t partition = 0; partition < options_.partitions; ++partition) {
      const absl::StatusOr<int64_t> end = consumer->NextOffset(options_.topic, partition);
      CHECK_OK(end.status());
      state_.history.Add(
          {.kind = EventKind::kEnd, .operation = first + partition, .partition = partition, .offset = *end});
    }
  }
}

absl::Status ReadAllAtLast(Client& client, const LoadOptions& options, LoadState& state) {
  const int last_reader = options.consumers;
  const std::unique_ptr<Consumer> ends = NewConsumer(client);
  if (absl::Status assigned = ends->AssignTopic(options.topic, Position::End()); !assigned.ok()) {
    return assigned;
  }
  const std::unique_ptr<Consumer> consumer = NewConsumer(client);
  if (absl::Status assigned = consumer->AssignTopic(options.topic, Position::Beginning()); !assigned.ok()) {
    return assigned;
  }
  for (int32_t partition = 0; partition < options.partitions; ++partition) {
    const absl::StatusOr<int64_t> start = consumer->NextOffset(options.topic, partition);
    CHECK_OK(start.status());
    state.history.Add({.kind = EventKind::kStart, .partition = partition, .offset = *start});
    state.history.Add(SeekEvent(last_reader, partition, *start));
  }
  const auto is_done = [&] {
    for (int32_t partition = 0; partition < options.partitions; ++partition) {
      if (*consumer->NextOffset(options.topic, partition) < *ends->NextOffset(options.topic, partition)) {
        return false;
      }
    }
    return true;
  };
  const absl::Time deadline = absl::Now() + absl::FromChrono(kPatience);
  while (!is_done()) {
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("the last read did not reach the end: ", consumer->LastError().ToString()));
    }
    const absl::StatusOr<FetchedRecords> records = consumer->Poll(milliseconds(1000));
    if (!records.ok()) {
      return records.status();
    }
    Event event = PollEvent(last_reader, *records);
    event.last_read = true;
    state.history.Add(std::move(event));
  }
  return absl::OkStatus();
}

}  // namespace sluice::crash
