#include "tests/crash/storage/log_model.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sluice::storage {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);

// From the checksum on: offset and leader epoch before it are the log's own.
std::string Payload(ByteView batch) {
  return std::string(AsText(batch.subspan(record::kCrcAt)));
}

}  // namespace

LogModel::LogModel(Disk& disk, std::string path, std::vector<LogOptions> options) : disk_(disk) {
  dir_options_.path = std::move(path);
  dir_options_.maintenance_interval_ms = 0;
  dir_options_.checkpoint_interval_bytes = 24 << 10;
  dir_options_.journal.bytes = 256 << 10;  // It goes round and round.
  dir_options_.journal.direct_bytes = 8 << 10;
  dir_options_.journal.flush_slice = 1;
  Random random(7);
  cluster_ = Uuid::Generate(random);
  for (size_t i = 0; i < options.size(); ++i) {
    logs_.push_back(
        {.name = {absl::StrCat("log", i), {Uuid::Generate(random), PartitionId(0)}}, .options = options[i]});
  }
}

absl::Status LogModel::Open() {
  Crash();
  absl::StatusOr<std::unique_ptr<LogDir>> opened =
      LogDir::Open(dir_options_, cluster_,
                   {.disk = disk_, .clock = clock_, .pool = pool_, .on_fatal = [this](absl::Status status) {
                      absl::MutexLock lock(&mu_);
                      fatal_.push_back(std::move(status));
                    }});
  if (!opened.ok()) {
    NoteError(opened.status());
    return opened.status();
  }
  dir_ = *std::move(opened);
  for (OneLog& one : logs_) {
    if (const absl::Status damage = DamageOf(one); !damage.ok()) {
      Crash();
      return damage;
    }
    one.log = dir_->Find(one.name.id);
    if (one.log == nullptr && one.acked_end == 0 && may_create_) {
      const auto created = dir_->Create(one.name, one.options);
      if (!created.ok()) {
        NoteError(created.status());
        Crash();
        return created.status();
      }
      one.log = created->get();
    }
    if (one.log == nullptr) {
      return absl::InternalError(absl::StrCat(one.name.topic, "-0: neither there nor called damaged"));
    }
    one.log->SetOptions(one.options);
    one.log->SetListener([this] {
      absl::MutexLock lock(&mu_);
      ++changes_;
    });
  }
  return absl::OkStatus();
}

absl::Status LogModel::DamageOf(const OneLog& one) {
  for (const LogDir::DamagedLog& damaged : dir_->damaged()) {
    if (damaged.name.id == one.name.id) {
      NoteError(damaged.status);
      return damaged.status;
    }
  }
  return absl::OkStatus();
}

void LogModel::Crash() {
  for (OneLog& one : logs_) {
    if (one.log != nullptr) {
      NoteAcks(one);
    }
    one.log = nullptr;
  }
  dir_.reset();
  absl::MutexLock lock(&mu_);
  fatal_.clear();
}

absl::Status LogModel::Close() {
  const absl::Status closed = dir_->Close();
  if (!closed.ok()) {
    NoteError(closed);
  }
  Crash();
  return closed;
}

void LogModel::NoteError(const absl::Status& status) {
  error_codes_.insert(status.code());
  EXPECT_NE(status.message(), "") << "an error that does not say what failed";
}

void LogModel::Await(const std::function<bool()>& condition) {
  absl::MutexLock lock(&mu_);
  const auto holds = [&condition] { return condition(); };
  EXPECT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&holds), kPatience)) << "nothing became of a batch";
}

// Until the batch is durable, or it is known that it never will be.
void LogModel::AwaitDurable(OneLog& one) {
  const Offset end = one.log->end();
  one.log->RequestSync();
  Await([&] {
    mu_.AssertHeld();
    return one.log->durable_end() >= end || !fatal_.empty();
  });
  NoteAcks(one);
}

void LogModel::NoteAcks(OneLog& one) {
  const bool synced = one.options.durability == Durability::kSynced;
  const int64_t durable = one.log->durable_end().value();
  if (synced) {
    EXPECT_LE(one.log->readable_end().value(), durable);
  }
  for (auto at = one.appended.lower_bound(one.acked_end); at != one.appended.end() && at->first < durable;
       ++at) {
    ++acked_batches_;
    at->second = {at->second.back()};  // The last one that was given this offset is the one.
  }
  one.acked_end = std::max(one.acked_end, durable);
}

absl::StatusOr<Offset> LogModel::Put(OneLog& one, size_t value_size) {
  const Bytes batch = MakeBatch({.records = 1 + static_cast<int>(next_fill_ % 3),
                                 .value_size = value_size,
                                 .timestamp_ms = clock_.NowMs(),
                                 .fill = static_cast<uint8_t>(1 + next_fill_ % 255)});
  ++next_fill_;
  const bool had_failed = failed();
  const AppendOutcome outcome = one.log->Append(record::BatchView(batch), {.now_ms = clock_.NowMs()});
  if (outcome.code != AppendCode::kOk) {
    EXPECT_EQ(outcome.code, AppendCode::kStorageError);
    NoteError(outcome.status);
    return outcome.status;
  }
  EXPECT_FALSE(had_failed && one.options.durability == Durability::kSynced)
      << "an append was taken after a sync had failed";
  one.appended[outcome.base_offset.value()].push_back(batch);
  return outcome.next_offset;
}

bool LogModel::Append(size_t log, size_t value_size) {
  OneLog& one = logs_[log];
  const absl::StatusOr<Offset> end = Put(one, value_size);
  if (!end.ok()) {
    return false;
  }
  AwaitDurable(one);
  return one.log->durable_end() >= *end;
}

void LogModel::AppendMany(size_t log, Random& random, int count) {
  OneLog& one = logs_[log];
  for (int i = 0; i < count; ++i) {
    if (!Put(one, random.Below(1500)).ok()) {
      return;
    }
  }
  if (one.options.durability == Durability::kSynced || random.Below(4) == 0) {
    AwaitDurable(one);
  }
}

void LogModel::Tick() {
  clock_.Advance(absl::Milliseconds(500));
  dir_->Tick();
  for (OneLog& one : logs_) {
    one.start_max = std::max(one.start_max, one.log->start().value());
  }
}

void LogModel::Step(Random& random) {
  const size_t index = random.Below(logs_.size());
  OneLog& one = logs_[index];
  const uint64_t dice = random.Below(100);
  if (dice < 45) {
    if (one.options.durability == Durability::kSynced) {
      Append(index, random.Below(random.Below(8) == 0 ? 4000 : 600));
    } else {
      AppendMany(index, random, 1);
    }
  } else if (dice < 80) {
    const bool many = pipelined_ || one.options.durability == Durability::kPageCache;
    AppendMany(index, random, many ? 1 + static_cast<int>(random.Below(6)) : 1);
  } else if (dice < 90) {
    Tick();
  } else if (dice < 94 && one.acked_end > one.log->start().value()) {
    const int64_t start =
        one.log->start().value() +
        static_cast<int64_t>(random.Below(static_cast<uint64_t>(one.acked_end - one.log->start().value())));
    one.start_max = std::max(one.start_max, start);
    const absl::Status moved = one.log->AdvanceStart(Offset(start));
    if (moved.ok()) {
      one.start_acked = std::max(one.start_acked, start);
    } else {
      NoteError(moved);
    }
  } else if (one.log->start() < one.log->readable_end()) {
    ReadCursor cursor;
    const ReadOutcome outcome = one.log->Read({.offset = one.log->start(),
                                               .limit = one.log->readable_end(),
                                               .max_bytes = 4096,
                                               .at_least_one_batch = true},
                                              &cursor);
    if (outcome.code != ReadCode::kOk) {
      EXPECT_EQ(outcome.code, ReadCode::kStorageError);
      NoteError(outcome.status);
    }
  }
}

void LogModel::Work(Random& random, int steps, const std::function<bool()>& until) {
  for (int i = 0; i < steps && !until() && !::testing::Test::HasFailure(); ++i) {
    Step(random);
  }
}

bool LogModel::ReadAll(size_t log, std::vector<Bytes>* found, std::string* refusal) {
  Log& one = *logs_[log].log;
  Offset offset = one.start();
  ReadCursor cursor;
  bool inside = true;  // The first batch may begin before the start.
  while (offset < one.end()) {
    const ReadOutcome outcome = one.Read(
        {.offset = offset, .limit = one.end(), .max_bytes = 1 << 16, .at_least_one_batch = true}, &cursor);
    if (outcome.code != ReadCode::kOk) {
      *refusal = outcome.status.ToString();
      return false;
    }
    const std::string text = ReadRange(outcome.range);
    ByteView rest = AsBytes(text);
    if (rest.empty()) {
      *refusal = absl::StrCat("nothing to read at offset ", offset.value());
      return false;
    }
    while (!rest.empty()) {
      const record::BatchParse parse = record::ParseBatch(rest);
      if (!parse.ok() || !record::CrcMatches(parse.batch)) {
        *refusal = absl::StrCat("bad checksum at offset ", offset.value());
        return false;
      }
      const int64_t base = parse.batch.base_offset().value();
      if (inside ? base > offset.value() || parse.batch.next_offset() <= offset : base != offset.value()) {
        *refusal = absl::StrCat("batch of offset ", base, " where ", offset.value(), " is due");
        return false;
      }
      inside = false;
      found->push_back(ToBytes(parse.batch.bytes()));
      offset = parse.batch.next_offset();
      rest = rest.subspan(parse.batch.size_bytes());
    }
  }
  return true;
}

void LogModel::ForgetStarts() {
  for (OneLog& one : logs_) {
    one.start_acked = 0;
  }
}

void LogModel::Verify() {
  for (size_t i = 0; i < logs_.size() && !::testing::Test::HasFailure(); ++i) {
    VerifyOne(i);
  }
}

void LogModel::VerifyOne(size_t index) {
  OneLog& one = logs_[index];
  std::vector<Bytes> found;
  std::string refusal;
  ASSERT_TRUE(ReadAll(index, &found, &refusal)) << one.name.topic << ": " << refusal;
  ASSERT_GE(one.log->end().value(), one.acked_end) << one.name.topic << " is shorter than was acknowledged";
  ASSERT_LE(one.log->start().value(), one.start_max)
      << one.name.topic << " starts later than anybody asked for";
  ASSERT_GE(one.log->start().value(), one.start_acked) << one.name.topic << " has back what was deleted";
  // What was deleted may come back with a lost index.
  std::map<int64_t, std::vector<Bytes>> now(one.appended.begin(),
                                            one.appended.lower_bound(one.log->start().value()));
  for (const Bytes& batch : found) {
    const int64_t base = record::BatchView(batch).base_offset().value();
    const auto known = one.appended.find(base);
    ASSERT_NE(known, one.appended.end()) << one.name.topic << ": nobody appended at offset " << base;
    ASSERT_TRUE(std::any_of(known->second.begin(), known->second.end(),
                            [&](const Bytes& one_of) { return Payload(one_of) == Payload(batch); }))
        << one.name.topic << ": other bytes than were appended at offset " << base
        << (base < one.acked_end ? ", acknowledged" : "");
    now[base] = {batch};
  }
  one.appended = std::move(now);
  one.acked_end = one.log->durable_end().value();
}

}  // namespace sluice::storage
