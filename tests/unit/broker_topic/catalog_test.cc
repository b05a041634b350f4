#include "broker/topic/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/topic/fetch_wait.h"
#include "broker/topic/topic_store.h"
#include "fake_log.h"
#include "storage/meta/memory_metadata_store.h"

namespace sluice::broker {
namespace {

using kafka::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CollectingLogger final : public Logger {
 public:
  void Log(LogLevel, absl::string_view, absl::string_view message) override { lines.emplace_back(message); }
  std::vector<std::string> lines;
};

class CatalogTest : public testing::Test {
 protected:
  CatalogTest() { Restart(); }

  void Restart() {
    catalog.reset();
    auto loaded = TryLoad();
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    catalog = *std::move(loaded);
  }

  // With dir_b offline.
  absl::StatusOr<std::unique_ptr<Catalog>> LoadWithoutB() {
    catalog.reset();
    return Catalog::Load({.metadata = *store,
                          .log_dirs = {&dir_a},
                          .config = config,
                          .clock = clock,
                          .leader_epoch = LeaderEpoch(7),
                          .logger = &logger,
                          .random = &random,
                          .offline_dirs = {{.path = "/b", .reason = "no such device"}}});
  }

  absl::StatusOr<std::unique_ptr<Catalog>> TryLoad() {
    return Catalog::Load({.metadata = *store,
                          .log_dirs = {&dir_a, &dir_b},
                          .config = config,
                          .clock = clock,
                          .leader_epoch = LeaderEpoch(7),
                          .logger = &logger,
                          .random = &random});
  }

  TopicPtr Create(const std::string& name, int32_t partitions = 1,
                  std::map<std::string, std::string> configs = {}) {
    TopicPtr topic;
    const TopicError error = catalog->Create(
        {.name = name, .partitions = partitions, .configs = std::move(configs)}, false, &topic);
    EXPECT_TRUE(error.ok()) << error.message;
    return topic;
  }

  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const TopicPtr& topic : catalog->All()) {
      names.push_back(topic->name);
    }
    return names;
  }

  std::unique_ptr<storage::LocalMetadataStore> store = storage::NewMemoryMetadataStore();
  FakeLogDir dir_a;
  FakeLogDir dir_b;
  BrokerConfig config = BrokerConfig::Defaults();
  ManualClock clock;
  CollectingLogger logger;
  Random random{1};
  std::unique_ptr<Catalog> catalog;
};

TEST_F(CatalogTest, CreatedTopicIsFoundByNameAndId) {
  const TopicPtr topic = Create("orders", 3, {{"retention.ms", "1h"}});
  ASSERT_EQ(topic->partitions.size(), 3u);
  EXPECT_EQ(catalog->Find("orders"), topic);
  EXPECT_EQ(catalog->FindById(topic->id), topic);
  EXPECT_EQ(topic->config.log().retention_ms, 3600'000);
  EXPECT_EQ(topic->created_ms, clock.NowMs());
  EXPECT_EQ(topic->Find(PartitionId(2))->leader_epoch(), LeaderEpoch(7));
  EXPECT_EQ(topic->Find(PartitionId(3)), nullptr);
  EXPECT_EQ(topic->Find(PartitionId(-1)), nullptr);
  EXPECT_EQ(catalog->partition_count(), 3u);
}

TEST_F(CatalogTest, LogsGoToTheDirectoryWithTheFewest) {
  Create("a", 3);
  Create("b", 3);
  EXPECT_EQ(dir_a.size(), 3u);
  EXPECT_EQ(dir_b.size(), 3u);
}

TEST_F(CatalogTest, TopicsAreThereAfterARestart) {
  const TopicPtr before = Create("orders", 2, {{"segment.bytes", "2MiB"}});
  Create("payments");
  Restart();
  EXPECT_THAT(Names(), ElementsAre("orders", "payments"));
  const TopicPtr after = catalog->Find("orders");
  EXPECT_EQ(after->id, before->id);
  EXPECT_EQ(after->created_ms, before->created_ms);
  ASSERT_EQ(after->partitions.size(), 2u);
  EXPECT_EQ(after->config.overrides().at("segment.bytes"), "2097152");
  EXPECT_EQ(static_cast<FakeLog&>(after->Find(PartitionId(1))->log()).options.segment_bytes, 2097152);
}

// Options begin the upkeep of a log that was found, and the partition must hear of what that moves.
TEST_F(CatalogTest, FoundLogGetsItsOptionsWhenItsPartitionListens) {
  Create("orders");
  auto& log = static_cast<FakeLog&>(catalog->Find("orders")->Find(PartitionId(0))->log());
  log.SetListener(nullptr);
  log.options_set_unheard = false;
  Restart();
  EXPECT_FALSE(log.options_set_unheard);
}

TEST_F(CatalogTest, RefusalsHaveKafkasCodes) {
  Create("orders");
  const auto code = [&](const TopicSpec& spec) { return catalog->Create(spec, false, nullptr).code; };
  EXPECT_EQ(code({.name = "orders"}), ErrorCode::kTopicAlreadyExists);
  EXPECT_EQ(code({.name = "a/b"}), ErrorCode::kInvalidTopicException);
  EXPECT_EQ(code({.name = "a", .partitions = 0}), ErrorCode::kInvalidPartitions);
  EXPECT_EQ(code({.name = "a", .partitions = 100'000}), ErrorCode::kPolicyViolation);
  EXPECT_EQ(code({.name = "a", .replication_factor = 3}), ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(code({.name = "a", .configs = {{"retention.ms", "x"}}}), ErrorCode::kInvalidConfig);
  EXPECT_THAT(Names(), ElementsAre("orders"));
}

TEST_F(CatalogTest, ValidateOnlyChangesNothing) {
  TopicPtr topic;
  EXPECT_TRUE(catalog->Create({.name = "a"}, true, &topic).ok());
  EXPECT_EQ(topic->name, "a");
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_EQ(dir_a.size() + dir_b.size(), 0u);
  Create("b");
  EXPECT_TRUE(catalog->AddPartitions("b", 4, true).ok());
  EXPECT_TRUE(catalog->ChangeConfigs("b", {{.name = "retention.ms", .value = "1"}}, true).ok());
  EXPECT_EQ(catalog->Find("b")->partitions.size(), 1u);
  EXPECT_THAT(catalog->Find("b")->config.overrides(), IsEmpty());
}

TEST_F(CatalogTest, DeletedTopicIsGoneWithItsLogsAndItsWaiters) {
  const TopicPtr topic = Create("orders", 2);
  absl::Status told;
  topic->Find(PartitionId(0))->AwaitCommitted(Offset(5), [&](absl::Status status) { told = status; });
  EXPECT_TRUE(catalog->Delete("orders").ok());
  EXPECT_TRUE(absl::IsUnavailable(told)) << told;
  EXPECT_EQ(catalog->Find("orders"), nullptr);
  EXPECT_EQ(catalog->FindById(topic->id), nullptr);
  EXPECT_EQ(dir_a.size() + dir_b.size(), 0u);
  EXPECT_EQ(catalog->partition_count(), 0u);
  Restart();
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(CatalogTest, TopicOfTheSameNameIsAnother) {
  const Uuid before = Create("orders")->id;
  ASSERT_TRUE(catalog->Delete("orders").ok());
  EXPECT_NE(Create("orders")->id, before);
}

TEST_F(CatalogTest, UnknownTopicIsAnsweredWithTheNearest) {
  Create("orders");
  EXPECT_EQ(catalog->Delete("ordesr").code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_THAT(catalog->Delete("orders2").message, HasSubstr("did you mean \"orders\"?"));
  EXPECT_THAT(catalog->UnknownTopic("xyz").message, HasSubstr("create it first"));
}

TEST_F(CatalogTest, DeletionCanBeSwitchedOff) {
  Create("orders");
  config = *BrokerConfig::Load({.sets = {{"delete.topic.enable", "false"}}});
  EXPECT_EQ(catalog->Delete("orders").code, ErrorCode::kTopicDeletionDisabled);
}

TEST_F(CatalogTest, AddedPartitionsJoinTheOldOnes) {
  const TopicPtr before = Create("orders", 2);
  ASSERT_TRUE(catalog->AddPartitions("orders", 5, false).ok());
  const TopicPtr after = catalog->Find("orders");
  ASSERT_EQ(after->partitions.size(), 5u);
  EXPECT_EQ(after->partitions[1], before->partitions[1]);
  EXPECT_EQ(after->Find(PartitionId(4))->id(), PartitionId(4));
  EXPECT_EQ(catalog->partition_count(), 5u);
  EXPECT_EQ(catalog->AddPartitions("orders", 5, false).code, ErrorCode::kInvalidPartitions);
  Restart();
  EXPECT_EQ(catalog->Find("orders")->partitions.size(), 5u);
}

TEST_F(CatalogTest, ChangedConfigsReachTheLogsAndStay) {
  Create("orders", 2, {{"retention.ms", "1h"}, {"segment.ms", "1h"}});
  ASSERT_TRUE(catalog
                  ->ChangeConfigs("orders",
                                  {{.name = "retention.ms", .value = "2h"},
                                   {.name = "segment.ms", .op = ConfigChange::Op::kDelete}},
                                  false)
                  .ok());
  const auto check = [&] {
    const TopicPtr topic = catalog->Find("orders");
    const auto& options = static_cast<FakeLog&>(topic->Find(PartitionId(1))->log()).options;
    EXPECT_EQ(options.retention_ms, 7200'000);
    EXPECT_EQ(options.segment_ms, 604'800'000);
    EXPECT_EQ(topic->config.overrides().size(), 1u);
  };
  check();
  Restart();
  check();
}

TEST_F(CatalogTest, ReplacedConfigsDropWhatIsNotNamed) {
  Create("orders", 1, {{"retention.ms", "1h"}});
  ASSERT_TRUE(catalog->ReplaceConfigs("orders", {{"segment.ms", "1h"}}, false).ok());
  EXPECT_THAT(catalog->Find("orders")->config.overrides(), ElementsAre(std::pair("segment.ms", "3600000")));
  EXPECT_EQ(catalog->ReplaceConfigs("orders", {{"no.such", "1"}}, false).code, ErrorCode::kInvalidConfig);
}

TEST_F(CatalogTest, BrokersConfigsReachTheTopicsWithoutTheirOwnAndTheirLogs) {
  const TopicPtr follows = Create("follows");
  Create("has-its-own", 1, {{"retention.ms", "9"}});
  const TopicError error = catalog->ChangeBrokerConfigs(
      Catalog::BrokerScope::kAll, {{.name = "log.retention.ms", .value = "5"}}, /*validate_only=*/false);
  EXPECT_TRUE(error.ok()) << error.message;
  EXPECT_EQ(catalog->Find("follows")->config.log().retention_ms, 5);
  EXPECT_EQ(catalog->Find("has-its-own")->config.log().retention_ms, 9);
  const auto& log = static_cast<FakeLog&>(follows->Find(PartitionId(0))->log());
  EXPECT_EQ(log.options.retention_ms, 5);
  Restart();
  EXPECT_EQ(catalog->Find("follows")->config.log().retention_ms, 5);
  EXPECT_EQ(config.Int("log.retention.ms"), 604'800'000) << "what the broker was started with stays";
}

TEST_F(CatalogTest, BrokersConfigsOfAnotherVersionAreLeftOutWithAWarning) {
  TopicStore topics(*store);
  const DynamicConfigs stored = {
      .own = {{"no.such.key", "1"}, {"log.roll.ms", "soon"}, {"log.retention.ms", "5"}}, .all = {}};
  ASSERT_TRUE(topics.ReplaceDynamic(NodeId(1), stored).ok());
  Restart();
  EXPECT_THAT(catalog->live_config()->dynamic.own, ElementsAre(std::pair("log.retention.ms", "5")));
  EXPECT_THAT(logger.lines, testing::IsSupersetOf({HasSubstr("no.such.key"), HasSubstr("log.roll.ms")}));
}

TEST_F(CatalogTest, LostLogStopsTheStart) {
  const TopicPtr topic = Create("orders", 2);
  dir_a.Lose({topic->id, PartitionId(0)});
  dir_b.Lose({topic->id, PartitionId(0)});
  const auto loaded = TryLoad();
  EXPECT_TRUE(absl::IsDataLoss(loaded.status())) << loaded.status();
  EXPECT_THAT(std::string(loaded.status().message()),
              HasSubstr("topic orders: the log of partition 0 is in none"));
}

TEST_F(CatalogTest, StrayLogIsLeftAloneWithAWarning) {
  const storage::LogId stray = {Uuid::Generate(random), PartitionId(0)};
  ASSERT_TRUE(dir_b.Create({.topic = "stray", .id = stray}, {}).ok());
  Restart();
  EXPECT_NE(dir_b.Find(stray), nullptr);
  EXPECT_THAT(logger.lines, ElementsAre(HasSubstr("/fake/stray-0 belongs to no topic")));
}

TEST_F(CatalogTest, SameLogInTwoDirectoriesStopsTheStart) {
  const storage::LogName name = {.topic = "twin", .id = {Uuid::Generate(random), PartitionId(0)}};
  ASSERT_TRUE(dir_a.Create(name, {}).ok());
  ASSERT_TRUE(dir_b.Create(name, {}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(TryLoad().status()));
}

TEST_F(CatalogTest, EndOfLongPollsLeavesCommitsAlone) {
  Partition& partition = *Create("orders")->Find(PartitionId(0));
  absl::Status told = absl::UnknownError("not yet");
  partition.AwaitCommitted(Offset(1), [&](absl::Status status) { told = status; });
  bool woken = false;
  FetchWait wait;
  wait.Arm({catalog->Find("orders")->Share(PartitionId(0))}, [&] { woken = true; });
  EXPECT_FALSE(catalog->long_polls_ended());
  catalog->EndLongPolls();
  EXPECT_TRUE(catalog->long_polls_ended());
  EXPECT_TRUE(woken);
  EXPECT_TRUE(absl::IsUnknown(told));
  static_cast<FakeLog&>(partition.log()).MoveReadableEnd(Offset(1));
  EXPECT_TRUE(told.ok());
}

TEST_F(CatalogTest, ClosedCatalogRefusesChangesAndTellsWaiters) {
  const TopicPtr topic = Create("orders");
  absl::Status told;
  topic->Find(PartitionId(0))->AwaitCommitted(Offset(1), [&](absl::Status status) { told = status; });
  catalog->Close();
  EXPECT_TRUE(absl::IsUnavailable(told));
  EXPECT_EQ(catalog->Create({.name = "a"}, false, nullptr).code, ErrorCode::kNotController);
  EXPECT_EQ(catalog->Find("orders"), topic);
}

TEST_F(CatalogTest, LogsOfAnOfflineDirAreOfflineAndNeverMadeAnew) {
  const Uuid id = Create("orders", 2)->id;
  ASSERT_EQ(dir_a.size(), 1u);
  auto loaded = LoadWithoutB();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  catalog = *std::move(loaded);
  const TopicPtr topic = catalog->Find("orders");
  EXPECT_FALSE(topic->Find(PartitionId(0))->offline());
  EXPECT_TRUE(topic->Find(PartitionId(1))->offline());
  EXPECT_THAT(std::string(topic->Find(PartitionId(1))->health().message()), HasSubstr("/b (no such device)"));
  EXPECT_EQ(dir_a.size(), 1u);
  ASSERT_EQ(catalog->OfflineDirs().size(), 1u);
  EXPECT_EQ(catalog->OfflineDirs()[0].path, "/b");

  // New topics go where they can.
  Create("new", 2);
  EXPECT_EQ(dir_a.size(), 3u);
  ASSERT_TRUE(catalog->Delete("new").ok());

  Restart();
  EXPECT_FALSE(catalog->Find("orders")->Find(PartitionId(1))->offline());
  EXPECT_EQ(catalog->Find("orders")->id, id);
}

TEST_F(CatalogTest, ATopicDeletedWhileADirIsOfflineIsDeletedThereWhenItIsBack) {
  Create("orders", 2);
  catalog = *LoadWithoutB();
  ASSERT_TRUE(catalog->Delete("orders").ok());
  EXPECT_EQ(dir_a.size(), 0u);
  EXPECT_EQ(dir_b.size(), 1u);
  catalog = *LoadWithoutB();
  EXPECT_THAT(Names(), IsEmpty());
  Restart();
  EXPECT_EQ(dir_b.size(), 0u);
}

TEST_F(CatalogTest, NewLogsGoToTheDirsThatAreOnline) {
  dir_a.failure = absl::FailedPreconditionError("log dir /a is offline");
  Create("orders", 3);
  EXPECT_EQ(dir_a.size(), 0u);
  EXPECT_EQ(dir_b.size(), 3u);
  EXPECT_EQ(catalog->OfflineDirs().size(), 1u);
  dir_b.failure = dir_a.failure;
  const TopicError error = catalog->Create({.name = "more"}, false, nullptr);
  EXPECT_EQ(error.code, ErrorCode::kKafkaStorageError);
  EXPECT_THAT(error.message, HasSubstr("no log dir is online"));
}

}  // namespace
}  // namespace sluice::broker
