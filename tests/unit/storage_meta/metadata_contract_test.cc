// What every MetadataStore promises, run against each that there is.
#include <atomic>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/meta/memory_metadata_store.h"
#include "storage/meta/rocks_metadata_store.h"
#include "tests/support/temp_dir.h"

namespace sluice::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

enum class Kind { kMemory, kRocks };

// What a watch saw, as "key=value" or "-key".
class EventLog {
 public:
  auto Listener() {
    return [this](const MetadataStore::Event& event) {
      absl::MutexLock lock(&mu_);
      seen_.push_back(event.deleted ? "-" + event.value.key : event.value.key + "=" + event.value.value);
    };
  }
  std::vector<std::string> WaitFor(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return seen_.size() >= count; };
    EXPECT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(20)));
    return seen_;
  }

 private:
  absl::Mutex mu_;
  std::vector<std::string> seen_ ABSL_GUARDED_BY(mu_);
};

class MetadataContractTest : public testing::TestWithParam<Kind> {
 protected:
  MetadataContractTest() {
    const LocalMetadataOptions options{.clock = clock_, .lease_check_interval = absl::ZeroDuration()};
    if (GetParam() == Kind::kMemory) {
      store_ = NewMemoryMetadataStore(options);
      return;
    }
    auto opened = OpenRocksMetadataStore(dir_ / "meta", options);
    CHECK_OK(opened.status());
    store_ = *std::move(opened);
  }

  int64_t Put(const std::string& key, const std::string& value, int64_t lease = 0) {
    const auto revision = store_->Commit({.writes = {{.key = key, .value = value, .lease = lease}}});
    EXPECT_TRUE(revision.ok()) << revision.status();
    return revision.value_or(-1);
  }
  void Delete(const std::string& key) { EXPECT_TRUE(store_->Commit({.writes = {{.key = key}}}).ok()); }
  std::optional<MetadataValue> Get(const std::string& key) {
    auto found = store_->Get(key);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.value_or(std::nullopt);
  }
  std::vector<std::string> Keys(const std::string& prefix) {
    auto values = store_->Range(prefix);
    EXPECT_TRUE(values.ok()) << values.status();
    std::vector<std::string> keys;
    for (const MetadataValue& value : values.value_or(std::vector<MetadataValue>{})) {
      keys.push_back(value.key);
    }
    return keys;
  }
  int64_t Grant(absl::Duration time_to_live) {
    const auto lease = store_->GrantLease(time_to_live);
    EXPECT_TRUE(lease.ok()) << lease.status();
    return lease.value_or(0);
  }

  TempDir dir_;
  ManualClock clock_;
  std::unique_ptr<LocalMetadataStore> store_;
};

TEST_P(MetadataContractTest, GetsWhatWasPut) {
  const std::string odd("v\0\xff", 3);
  const int64_t revision = Put("/topics/a", odd);
  const auto found = Get("/topics/a");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->key, "/topics/a");
  EXPECT_EQ(found->value, odd);
  EXPECT_EQ(found->revision, revision);
  EXPECT_EQ(Get("/topics/"), std::nullopt);
}

TEST_P(MetadataContractTest, RangeGivesThePrefixInOrderAndNothingElse) {
  for (const char* key : {"/b", "/topics/b", "/topics/a", "/topicsx", "/topics/a/deeper", "/topic"}) {
    Put(key, "");
  }
  EXPECT_THAT(Keys("/topics/"), ElementsAre("/topics/a", "/topics/a/deeper", "/topics/b"));
  EXPECT_EQ(Keys("").size(), 6u);
  EXPECT_THAT(Keys("/none"), IsEmpty());
}

TEST_P(MetadataContractTest, RevisionsGrowWithEveryCommit) {
  const int64_t first = Put("a", "1");
  const int64_t second = Put("b", "1");
  EXPECT_GT(first, 0);
  EXPECT_GT(second, first);
  EXPECT_EQ(Get("a")->revision, first);
  Delete("b");
  EXPECT_GT(Put("b", "2"), second + 1) << "a revision is not used again after a deletion";
}

TEST_P(MetadataContractTest, ACommitWithoutWritesOnlyChecks) {
  const int64_t revision = Put("a", "1");
  EXPECT_EQ(*store_->Commit({.conditions = {{.key = "a", .revision = revision}}}), revision);
  EXPECT_EQ(store_->Commit({.conditions = {{.key = "a", .revision = 0}}}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Put("b", ""), revision + 1);
}

TEST_P(MetadataContractTest, CreateIfAbsentSucceedsOnce) {
  const MetadataTransaction create{.conditions = {{.key = "a", .revision = 0}},
                                   .writes = {{.key = "a", .value = "mine"}}};
  EXPECT_TRUE(store_->Commit(create).ok());
  const auto again = store_->Commit(create);
  EXPECT_EQ(again.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(again.status().message()), HasSubstr("\"a\" has revision 1"));
}

TEST_P(MetadataContractTest, OneConditionThatFailsKeepsEverythingBack) {
  const int64_t a = Put("a", "1");
  Put("b", "1");
  const auto refused =
      store_->Commit({.conditions = {{.key = "a", .revision = a}, {.key = "b", .revision = a}},
                      .writes = {{.key = "a", .value = "2"}, {.key = "c", .value = "2"}}});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Get("a")->value, "1");
  EXPECT_EQ(Get("c"), std::nullopt);
}

TEST_P(MetadataContractTest, WritesOfOneCommitShareARevision) {
  ASSERT_TRUE(store_->Commit({.writes = {{.key = "a", .value = "1"}, {.key = "b", .value = "1"}}}).ok());
  EXPECT_EQ(Get("a")->revision, Get("b")->revision);
}

TEST_P(MetadataContractTest, ShapesThatCannotBeRightAreRefused) {
  for (const MetadataTransaction& bad :
       {MetadataTransaction{.writes = {{.key = "", .value = "1"}}},
        MetadataTransaction{.writes = {{.key = "a", .value = "1"}, {.key = "a"}}},
        MetadataTransaction{.writes = {{.key = "a", .value = std::string(1 << 20, 'x')}}}}) {
    EXPECT_EQ(store_->Commit(bad).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_THAT(Keys(""), IsEmpty());
}

TEST_P(MetadataContractTest, CompareAndSetFromManyThreadsLosesNoUpdate) {
  constexpr int kThreads = 4;
  constexpr int kAdditions = 25;
  Put("n", "0");
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this] {
      for (int done = 0; done < kAdditions;) {
        const auto old = Get("n");
        done += store_
                    ->Commit({.conditions = {{.key = "n", .revision = old->revision}},
                              .writes = {{.key = "n", .value = std::to_string(std::stoi(old->value) + 1)}}})
                    .ok();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(Get("n")->value, std::to_string(kThreads * kAdditions));
}

TEST_P(MetadataContractTest, WatchSeesChangesUnderItsPrefixInOrder) {
  Put("/t/before", "1");
  EventLog log;
  const auto watch = store_->Watch("/t/", log.Listener());
  Put("/t/a", "1");
  Put("/other", "1");
  ASSERT_TRUE(store_->Commit({.writes = {{.key = "/t/b", .value = "2"}, {.key = "/t/a"}}}).ok());
  Delete("/t/never-there");
  Put("/t/c", "3");
  EXPECT_THAT(log.WaitFor(4), ElementsAre("/t/a=1", "/t/b=2", "-/t/a", "/t/c=3"));
}

TEST_P(MetadataContractTest, EventsCarryTheRevisionOfTheirCommit) {
  absl::Mutex mu;
  int64_t seen = 0;
  const auto watch = store_->Watch("", [&](const MetadataStore::Event& event) {
    absl::MutexLock lock(&mu);
    seen = event.value.revision;
  });
  const int64_t revision = Put("a", "1");
  const auto arrived = [&] { return seen == revision; };
  absl::MutexLock lock(&mu);
  EXPECT_TRUE(mu.AwaitWithTimeout(absl::Condition(&arrived), absl::Seconds(20)));
}

TEST_P(MetadataContractTest, ADestroyedWatchHearsNothingMore) {
  EventLog ended;
  EventLog log;
  auto first = store_->Watch("", ended.Listener());
  const auto second = store_->Watch("", log.Listener());
  Put("a", "1");
  ended.WaitFor(1);
  first.reset();
  Put("b", "1");
  EXPECT_EQ(log.WaitFor(2).size(), 2u);
  EXPECT_THAT(ended.WaitFor(1), ElementsAre("a=1"));
}

TEST_P(MetadataContractTest, DestroyingAWatchWaitsForARunningCall) {
  absl::Notification entered;
  absl::Notification leave;
  std::atomic<bool> left = false;
  auto watch = store_->Watch("", [&](const MetadataStore::Event&) {
    entered.Notify();
    leave.WaitForNotification();
    left = true;
  });
  Put("a", "1");
  entered.WaitForNotification();
  std::thread destroyer([&] {
    watch.reset();
    EXPECT_TRUE(left);
  });
  leave.Notify();
  destroyer.join();
}

TEST_P(MetadataContractTest, AListenerMayCommitAndEndItsOwnWatch) {
  EventLog log;
  const auto all = store_->Watch("", log.Listener());
  std::unique_ptr<MetadataStore::WatchHandle> once;  // Written before the first commit, then by the listener.
  once = store_->Watch("a", [&](const MetadataStore::Event&) {
    Put("/from-listener", "1");
    once.reset();
  });
  Put("a1", "1");
  log.WaitFor(2);
  Put("a2", "1");
  EXPECT_THAT(log.WaitFor(3), ElementsAre("a1=1", "/from-listener=1", "a2=1"));
}

TEST_P(MetadataContractTest, KeysVanishWithTheirLease) {
  EventLog log;
  const int64_t lease = Grant(absl::Seconds(10));
  Put("/live/1", "x", lease);
  Put("/stays", "x");
  const auto watch = store_->Watch("/live/", log.Listener());
  clock_.Advance(absl::Seconds(9));
  ASSERT_TRUE(store_->ExpireLeases().ok());
  EXPECT_TRUE(Get("/live/1").has_value());
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(store_->ExpireLeases().ok());
  EXPECT_EQ(Get("/live/1"), std::nullopt);
  EXPECT_TRUE(Get("/stays").has_value());
  EXPECT_THAT(log.WaitFor(1), ElementsAre("-/live/1"));
}

TEST_P(MetadataContractTest, ARenewedLeaseKeepsItsKeys) {
  const int64_t lease = Grant(absl::Seconds(10));
  Put("a", "x", lease);
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(absl::Seconds(9));
    ASSERT_TRUE(store_->RenewLease(lease).ok());
    ASSERT_TRUE(store_->ExpireLeases().ok());
  }
  EXPECT_TRUE(Get("a").has_value());
}

TEST_P(MetadataContractTest, ARevokedLeaseTakesItsKeysAndIsGone) {
  const int64_t lease = Grant(absl::Seconds(10));
  Put("a", "x", lease);
  ASSERT_TRUE(store_->RevokeLease(lease).ok());
  EXPECT_EQ(Get("a"), std::nullopt);
  EXPECT_TRUE(absl::IsNotFound(store_->RenewLease(lease)));
  EXPECT_TRUE(absl::IsNotFound(store_->RevokeLease(lease)));
  EXPECT_TRUE(
      absl::IsNotFound(store_->Commit({.writes = {{.key = "b", .value = "x", .lease = lease}}}).status()));
}

TEST_P(MetadataContractTest, AnExpiredLeaseIsOverBeforeItsKeysAreDeleted) {
  const int64_t lease = Grant(absl::Seconds(10));
  clock_.Advance(absl::Seconds(10));
  EXPECT_TRUE(absl::IsNotFound(store_->RenewLease(lease)));
  EXPECT_TRUE(
      absl::IsNotFound(store_->Commit({.writes = {{.key = "b", .value = "x", .lease = lease}}}).status()));
}

TEST_P(MetadataContractTest, AKeyWrittenAgainWithoutALeaseStays) {
  const int64_t lease = Grant(absl::Seconds(10));
  Put("a", "x", lease);
  Put("a", "y");
  clock_.Advance(absl::Seconds(10));
  ASSERT_TRUE(store_->ExpireLeases().ok());
  EXPECT_EQ(Get("a")->value, "y");
}

TEST_P(MetadataContractTest, ALeaseWithoutTimeIsRefused) {
  EXPECT_EQ(store_->GrantLease(absl::ZeroDuration()).status().code(), absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Stores, MetadataContractTest, testing::Values(Kind::kMemory, Kind::kRocks),
                         [](const auto& info) { return info.param == Kind::kMemory ? "Memory" : "Rocks"; });

}  // namespace
}  // namespace sluice::storage
