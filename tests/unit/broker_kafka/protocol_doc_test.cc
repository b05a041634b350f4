// docs/protocol.md is written from the table of APIs that are served. UPDATE_DOCS=1 in the environment writes
// it anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "broker/kafka/api_table.h"
#include "proto/kafka/gen/api_versions.h"
#include "tests/unit/broker_kafka/kafka_fixture.h"
#include "tests/unit/broker_kafka/protocol_page.h"

namespace sluice {
namespace {

using broker::ApiRow;

constexpr absl::string_view kIntroduction = R"(# Protocol coverage

<!-- Written from the table of APIs by the broker_kafka_test with UPDATE_DOCS=1; do not edit. -->

Which of Kafka's APIs the broker serves, and in which versions: `broker/kafka/api_table.cc`, and what ApiVersions answers.
A test compares this page with the answer of a running broker, another asks for every version of every API.

"Codec" is what `proto/kafka` can read and write, made from `proto/kafka/schema`. "Flexible from" is the first version
with compact lengths and tagged fields (KIP-482). What has no entry under "served" is not advertised, and a request of
it closes the connection, as in Kafka.

| key | API | served | codec | flexible from |
|----:|-----|--------|-------|---------------|
)";

constexpr absl::string_view kNotes = R"(
Produce 0 to 2 are advertised and refused, as Kafka does: librdkafka before 2.11.1 compresses nothing unless the range
begins with 0 (KAFKA-18659).

What is behind some of the answers, where Kafka's is of a cluster and ours of one broker:

- DescribeAcls: SECURITY_DISABLED, as Kafka without an authorizer.
- DescribeClientQuotas: there are none. Filters are checked.
- DescribeQuorum: one voter of `__cluster_metadata`, this broker.
- ElectLeaders: ELECTION_NOT_NEEDED, or the partition is offline. ListPartitionReassignments: nothing ever moves.
- UpdateFeatures: levels belong to the version of the broker; asking for another is an error
  (`docs/decisions/0006-feature-levels.md`).
)";

std::string Range(int16_t min, int16_t max) {
  return min == max ? absl::StrCat(min) : absl::StrCat(min, "-", max);
}

std::string Render() {
  constexpr int16_t kNever = 32767;
  std::string text(kIntroduction);
  for (const kafka::ApiInfo& info : kafka::kApiInfos) {
    const auto key = static_cast<int16_t>(info.key);
    const ApiRow* row = broker::FindApiRow(key);
    absl::StrAppend(
        &text, "| ", key, " | ", info.name, " | ",
        row == nullptr ? "" : Range(row->min_advertised, row->max_version), " | ",
        Range(info.min_version, info.max_version), " | ",
        info.first_flexible_version == kNever ? "none" : absl::StrCat(info.first_flexible_version), " |\n");
  }
  return absl::StrCat(text, kNotes);
}

TEST(ProtocolDocTest, IsWhatTheTableSays) {
  if (std::getenv("UPDATE_DOCS") != nullptr) {
    std::ofstream(kProtocolPage) << Render();
  }
  EXPECT_EQ(ReadProtocolPage(), Render()) << "run this test with UPDATE_DOCS=1 to write " << kProtocolPage;
}

class ProtocolPageTest : public KafkaTest {};

TEST_F(ProtocolPageTest, EveryRowIsWhatARunningBrokerAnswers) {
  ServedVersions answered;
  for (const auto& api : client_.Call(kafka::ApiVersionsRequest{}, 0).api_keys) {
    answered[api.api_key] = {api.min_version, api.max_version};
  }
  EXPECT_GE(answered.size(), 27u);
  EXPECT_EQ(ServedByThePage(), answered);
}

}  // namespace
}  // namespace sluice
