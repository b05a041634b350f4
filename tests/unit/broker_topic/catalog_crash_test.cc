// A process that dies between any two writes: the next start must show each change whole or not at all, and
// leave nothing behind.
#include <gtest/gtest.h>

#include "broker/topic/catalog.h"
#include "fake_log.h"
#include "storage/meta/memory_metadata_store.h"

namespace sluice::broker {
namespace {

// Lets `budget` writes through, then none.
class Guillotine {
 public:
  absl::Status Write() {
    if (budget == 0) {
      return absl::UnavailableError("the process is dead");
    }
    --budget;
    ++writes;
    return absl::OkStatus();
  }
  int budget = 1 << 30;
  int writes = 0;
};

class MortalStore final : public storage::MetadataStore {
 public:
  MortalStore(storage::MetadataStore& store, Guillotine& guillotine)
      : store_(store), guillotine_(guillotine) {}
  absl::StatusOr<std::optional<storage::MetadataValue>> Get(absl::string_view key) override {
    return store_.Get(key);
  }
  absl::StatusOr<std::vector<storage::MetadataValue>> Range(absl::string_view prefix) override {
    return store_.Range(prefix);
  }
  absl::StatusOr<int64_t> Commit(const storage::MetadataTransaction& transaction) override {
    RETURN_IF_ERROR(guillotine_.Write());
    return store_.Commit(transaction);
  }
  std::unique_ptr<WatchHandle> Watch(absl::string_view, absl::AnyInvocable<void(const Event&)>) override {
    return nullptr;
  }
  absl::StatusOr<int64_t> GrantLease(absl::Duration) override { return 0; }
  absl::Status RenewLease(int64_t) override { return absl::OkStatus(); }
  absl::Status RevokeLease(int64_t) override { return absl::OkStatus(); }

 private:
  storage::MetadataStore& store_;
  Guillotine& guillotine_;
};

struct World {
  std::unique_ptr<storage::LocalMetadataStore> memory = storage::NewMemoryMetadataStore();
  Guillotine guillotine;
  MortalStore store{*memory, guillotine};
  FakeLogDir dir{[this] { return guillotine.Write(); }};
  BrokerConfig config = BrokerConfig::Defaults();
  ManualClock clock;

  std::unique_ptr<Catalog> Start() {
    guillotine.budget = 1 << 30;
    auto catalog = Catalog::Load({.metadata = store, .log_dirs = {&dir}, .config = config, .clock = clock});
    EXPECT_TRUE(catalog.ok()) << catalog.status();
    return catalog.ok() ? *std::move(catalog) : nullptr;
  }

  // Every log belongs to a topic's partition, every partition has a log, and nothing is half done.
  void ExpectTidy(const Catalog& catalog) {
    EXPECT_EQ(dir.size(), catalog.partition_count());
    for (const TopicPtr& topic : catalog.All()) {
      for (size_t i = 0; i < topic->partitions.size(); ++i) {
        EXPECT_NE(dir.Find({topic->id, PartitionId(static_cast<int32_t>(i))}), nullptr);
      }
    }
    EXPECT_TRUE(memory->Range("/unfinished-topics/")->empty());
    EXPECT_TRUE(memory->Range("/deleted-topics/")->empty());
  }
};

template <class Change>
int CountWrites(Change change) {
  World world;
  const auto catalog = world.Start();
  EXPECT_TRUE(catalog->Create({.name = "old", .partitions = 2}, false, nullptr).ok());
  world.guillotine.writes = 0;
  EXPECT_TRUE(change(*catalog).ok());
  return world.guillotine.writes;
}

// Dies after each number of writes that the change makes, starts again, and hands the catalog to `check`.
template <class Change, class Check>
void DieEverywhere(Change change, Check check) {
  const int writes = CountWrites(change);
  ASSERT_GT(writes, 1);
  for (int budget = 0; budget <= writes; ++budget) {
    SCOPED_TRACE(absl::StrCat("dead after ", budget, " of ", writes, " writes"));
    World world;
    auto catalog = world.Start();
    ASSERT_TRUE(catalog->Create({.name = "old", .partitions = 2}, false, nullptr).ok());
    world.guillotine.budget = budget;
    const bool acknowledged = change(*catalog).ok();
    catalog.reset();
    catalog = world.Start();
    ASSERT_NE(catalog, nullptr);
    world.ExpectTidy(*catalog);
    check(*catalog, acknowledged);
    EXPECT_EQ(world.Start()->partition_count(), catalog->partition_count())
        << "a second start changed something";
  }
}

TEST(CatalogCrashTest, CreationIsWholeOrNotAtAll) {
  DieEverywhere(
      [](Catalog& catalog) { return catalog.Create({.name = "new", .partitions = 3}, false, nullptr); },
      [](Catalog& catalog, bool acknowledged) {
        const TopicPtr topic = catalog.Find("new");
        EXPECT_TRUE(!acknowledged || topic != nullptr);
        EXPECT_TRUE(topic == nullptr || topic->partitions.size() == 3);
        EXPECT_NE(catalog.Find("old"), nullptr);
      });
}

TEST(CatalogCrashTest, DeletionGoesThroughOnceItBegan) {
  DieEverywhere([](Catalog& catalog) { return catalog.Delete("old"); },
                [](Catalog& catalog, bool acknowledged) {
                  EXPECT_TRUE(!acknowledged || catalog.Find("old") == nullptr);
                });
}

TEST(CatalogCrashTest, GrowthIsWholeOrNotAtAll) {
  DieEverywhere([](Catalog& catalog) { return catalog.AddPartitions("old", 4, false); },
                [](Catalog& catalog, bool acknowledged) {
                  const size_t partitions = catalog.Find("old")->partitions.size();
                  EXPECT_TRUE(partitions == 4 || (partitions == 2 && !acknowledged)) << partitions;
                });
}

// The disk says no once (it is full), and the process lives on.
TEST(CatalogCrashTest, FailedCreationIsTakenBackAtOnce) {
  World world;
  auto catalog = world.Start();
  bool full = false;
  FakeLogDir dir(
      [&]() -> absl::Status { return full ? absl::ResourceExhaustedError("no space") : absl::OkStatus(); });
  catalog = *Catalog::Load(
      {.metadata = world.store, .log_dirs = {&dir}, .config = world.config, .clock = world.clock});
  full = true;
  const TopicError error = catalog->Create({.name = "new"}, false, nullptr);
  EXPECT_EQ(error.code, kafka::ErrorCode::kKafkaStorageError);
  EXPECT_EQ(error.message, "topic \"new\" could not be created: no space");
  full = false;
  EXPECT_TRUE(catalog->Create({.name = "new"}, false, nullptr).ok());
  EXPECT_EQ(dir.size(), 1u);
}

}  // namespace
}  // namespace sluice::broker
