// docs/configuration.md is written from the table of keys. UPDATE_DOCS=1 in the environment writes it anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/config/config_def.h"
#include "proto/base/bytes.h"

namespace sluice::broker {
namespace {

constexpr absl::string_view kIntroduction = R"(# Configuration

<!-- Written from the table of keys by the broker_config_test with UPDATE_DOCS=1; do not edit. -->

The names are Kafka's wherever Kafka has one; ours begin with `sluice.`. A value comes from, the later winning:

1. the default below;
2. a `.properties` file: `key=value` a line, `#` for comments. A key given twice is an error;
3. the environment: `SLUICE_LOG_DIRS` sets `log.dirs`. `_` stands for `.`, `__` for `_`, `___` for `-`; the prefix
   `sluice.` of our own keys may be left out (`SLUICE_GRPC_LISTENER`);
4. `--set key=value`.

Keys that give topics their defaults (those in the column "broker key" below) also change while the broker runs: clients
set them on the broker or on all of them, as `kafka-configs.sh --entity-type brokers` does. Such a value is kept over restarts
and wins over all of the above; the broker's own wins over that of all.

A group of the consumer protocol may have a `consumer.session.timeout.ms` and a `consumer.heartbeat.interval.ms` of its own
(`kafka-configs.sh --entity-type groups`), which win over the broker's keys of that name with `group.` in front.

Numbers of bytes take `KiB`, `MiB`, `GiB`, `TiB` (or `k`, `m`, `g`, `t`), times take `ms`, `s`, `m`, `h`, `d`, `w`;
a number alone counts what the key's name says. An unknown key is an error that names the nearest known one.

Keys of Kafka's that mean nothing to a broker that stands alone (`process.roles`, `controller.*`, `replica.*`,
`zookeeper.*`, `num.io.threads` and their like) are accepted and listed in one warning. Those that ask for
authentication, encryption or authorization (`ssl.*`, `sasl.*`, `authorizer.class.name` ...) are refused as long as
they would not be obeyed.

)";

absl::string_view TypeName(ConfigType type) {
  switch (type) {
    case ConfigType::kBoolean:
      return "boolean";
    case ConfigType::kInt:
    case ConfigType::kShort:
    case ConfigType::kLong:
      return "number";
    case ConfigType::kDouble:
      return "fraction";
    case ConfigType::kList:
      return "list";
    default:
      return "text";
  }
}

std::string AllowedValues(const ConfigDef& def) {
  if (!def.allowed.empty()) {
    return absl::StrCat("`", absl::StrJoin(def.allowed, "`, `"), "`");
  }
  if (!def.min && !def.max) {
    return std::string(TypeName(def.type));
  }
  return absl::StrCat(TypeName(def.type), def.min ? absl::StrCat(" from ", *def.min) : "",
                      def.max ? absl::StrCat(" to ", *def.max) : "");
}

std::string Code(absl::string_view text) {
  return text.empty() ? "" : absl::StrCat("`", text, "`");
}

std::vector<const ConfigDef*> ByName(std::span<const ConfigDef> defs) {
  std::vector<const ConfigDef*> sorted;
  for (const ConfigDef& def : defs) {
    sorted.push_back(&def);
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  return sorted;
}

std::string Render() {
  std::string text(kIntroduction);
  absl::StrAppend(&text, "## Broker\n\n| key | default | allowed | meaning |\n|---|---|---|---|\n");
  for (const ConfigDef* def : ByName(BrokerConfigDefs())) {
    absl::StrAppend(&text, "| `", def->name, "` | ", Code(def->default_value), " | ", AllowedValues(*def),
                    " | ", def->documentation, " |\n");
  }
  absl::StrAppend(&text, "\n## Topic\n\nWhere a broker key is named, it gives the default.\n\n",
                  "| key | default | broker key | allowed | meaning |\n|---|---|---|---|---|\n");
  for (const ConfigDef* def : ByName(TopicConfigDefs())) {
    absl::StrAppend(&text, "| `", def->name, "` | ", Code(def->default_value), " | ",
                    Code(def->broker_synonym), " | ", AllowedValues(*def), " | ", def->documentation, " |\n");
  }
  return text;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ConfigurationDocTest, IsWhatTheTableSays) {
  const std::string path = SLUICE_SOURCE_DIR "/docs/configuration.md";
  if (std::getenv("UPDATE_DOCS") != nullptr) {
    std::ofstream(path) << Render();
  }
  EXPECT_EQ(ReadFile(path), Render()) << "run this test with UPDATE_DOCS=1 to write " << path;
}

}  // namespace
}  // namespace sluice::broker
