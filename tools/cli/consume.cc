// `sluice consume`: records to standard output, of one topic or as a member of a group.
//
// What a member commits has left this program before: Poll and Close commit what earlier Polls returned, and
// the output is flushed before either. What was returned and not printed is handed back with Seek.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <limits>
#include <set>

#include "absl/strings/str_cat.h"
#include "proto/base/bytes.h"
#include "proto/base/status_macros.h"
#include "tools/cli/commands.h"
#include "tools/cli/group_text.h"
#include "tools/cli/position_text.h"
#include "tools/cli/record_format.h"
#include "tools/cli/record_json.h"

namespace sluice::cli {
namespace {

constexpr std::chrono::milliseconds kPollTimeout{200};
constexpr size_t kOutputBytes = 256 << 10;
constexpr std::chrono::milliseconds kCommitInterval{1'000};
constexpr std::chrono::milliseconds kCloseTimeout{5'000};

volatile std::sig_atomic_t interrupted = 0;

class Printer {
 public:
  static absl::StatusOr<Printer> Make(const ConsumeOptions& options) {
    ASSIGN_OR_RETURN(RecordFormat format, RecordFormat::Parse(options.has_format ? options.format : "%v\\n"));
    return Printer(std::move(format), options.json);
  }

  void Print(const RecordView& record) {
    if (json_) {
      AppendJson(&buffer_, record);
      buffer_ += '\n';
    } else {
      format_.AppendTo(&buffer_, record);
    }
    if (buffer_.size() >= kOutputBytes) {
      Flush();
    }
  }

  // False when nobody reads standard output any more.
  bool Flush() {
    ok_ = ok_ && std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) == buffer_.size() &&
          std::fflush(stdout) == 0;
    buffer_.clear();
    return ok_;
  }

 private:
  Printer(RecordFormat format, bool json) : format_(std::move(format)), json_(json) {}

  RecordFormat format_;
  bool json_;
  std::string buffer_;
  bool ok_ = true;
};

absl::Status AssignWhatWasAsked(Consumer& consumer, const ConsumeOptions& options) {
  if (options.topics.size() != 1) {
    return absl::InvalidArgumentError("name one topic, or join a group with -g to read several");
  }
  ASSIGN_OR_RETURN(const Position position,
                   ParsePosition(ToAbsl(options.position), std::chrono::system_clock::now()));
  if (options.partition < 0) {
    return consumer.AssignTopic(options.topics.front(), position);
  }
  return consumer.Assign({{options.topics.front(), options.partition, position}});
}

absl::StatusOr<std::vector<Assignor>> ParseAssignor(const std::string& text) {
  if (text == "both") {
    return std::vector{Assignor::kRange, Assignor::kCooperativeSticky};
  }
  if (text == "range") {
    return std::vector{Assignor::kRange};
  }
  if (text == "cooperative-sticky") {
    return std::vector{Assignor::kCooperativeSticky};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--assignor ", text, ": use range, cooperative-sticky or both"));
}

absl::StatusOr<ConsumerOptions> ToOptions(const ConsumeOptions& options) {
  ConsumerOptions result{.partition_bytes_max = 8 << 20};
  if (options.group.empty()) {
    if (!options.instance_id.empty() || options.no_commit) {
      return absl::InvalidArgumentError("--instance-id and --no-commit are for members of a group: add -g");
    }
    return result;
  }
  if (options.partition >= 0) {
    return absl::InvalidArgumentError(
        "-p names a partition, and a group assigns them by itself: drop -p or -g");
  }
  const bool from_start = options.position == "start" || options.position == "beginning";
  if (!from_start && options.position != "end") {
    return absl::InvalidArgumentError(absl::StrCat(
        "-o ", options.position,
        ": a group goes on from what it committed; -o start or -o end tells where it begins without that. "
        "To move it: sluice group seek ",
        options.group, " --to ", options.position));
  }
  result.offset_reset = from_start ? OffsetReset::kEarliest : OffsetReset::kLatest;
  result.group_id = options.group;
  result.group_instance_id = options.instance_id;
  ASSIGN_OR_RETURN(result.assignors, ParseAssignor(options.assignor));
  result.session_timeout = std::chrono::milliseconds(static_cast<int64_t>(options.session_seconds * 1000));
  result.heartbeat_interval = std::min(result.heartbeat_interval, result.session_timeout / 3);
  result.auto_commit = !options.no_commit;
  result.auto_commit_interval = kCommitInterval;
  return result;
}

absl::Status Join(Client& client, Consumer& consumer, const ConsumeOptions& options) {
  // A member may wait for topics that are yet to come; a person who types a name means one that is there.
  ASSIGN_OR_RETURN(const auto topics, client.admin().DescribeTopics(options.topics));
  for (const absl::StatusOr<TopicDescription>& topic : topics) {
    RETURN_IF_ERROR(topic.status());
  }
  const auto say = [](const char* what) {
    return [what](const std::vector<TopicPartition>& partitions) {
      Note(absl::StrCat(what, " ", partitions.empty() ? "nothing" : PartitionsText(partitions)));
    };
  };
  return consumer.Subscribe(options.topics,
                            {.assigned = say("assigned"), .revoked = say("gave back"), .lost = say("lost")});
}

// What was not printed, from the `printed`th record of an answer on, shall be read again.
absl::Status HandBack(Consumer& consumer, const FetchedRecords& records, int64_t printed) {
  std::set<std::pair<std::string, int32_t>> moved;
  for (const RecordView& record : records) {
    if (--printed < 0 && moved.emplace(record.topic, record.partition).second) {
      RETURN_IF_ERROR(consumer.Seek(record.topic, record.partition, Position::At(record.offset)));
    }
  }
  return absl::OkStatus();
}

absl::Status CopyRecords(Consumer& consumer, const ConsumeOptions& options, Printer& printer) {
  int64_t left = options.count > 0 ? options.count : std::numeric_limits<int64_t>::max();
  while (left > 0 && interrupted == 0) {
    ASSIGN_OR_RETURN(const FetchedRecords records, consumer.Poll(kPollTimeout));
    int64_t printed = 0;
    for (const RecordView& record : records) {
      printer.Print(record);
      ++printed;
      if (--left == 0) {
        break;
      }
    }
    const bool is_out = printer.Flush();
    if (!options.group.empty() && (left == 0 || !is_out)) {
      RETURN_IF_ERROR(HandBack(consumer, records, is_out ? printed : 0));
    }
    if (!is_out || (options.exit_at_end && consumer.AtEnd())) {
      break;
    }
  }
  return absl::OkStatus();
}

absl::Status Consume(const Context& context, const ConsumeOptions& options) {
  ASSIGN_OR_RETURN(Printer printer, Printer::Make(options));
  ASSIGN_OR_RETURN(const ConsumerOptions consumer_options, ToOptions(options));
  ASSIGN_OR_RETURN(auto client, context.Connect());
  ASSIGN_OR_RETURN(auto consumer, client->NewConsumer(consumer_options));
  if (options.group.empty()) {
    RETURN_IF_ERROR(AssignWhatWasAsked(*consumer, options));
    return CopyRecords(*consumer, options, printer);
  }
  RETURN_IF_ERROR(Join(*client, *consumer, options));
  const absl::Status copied = CopyRecords(*consumer, options, printer);
  const absl::Status closed = consumer->Close(kCloseTimeout);
  return copied.ok() ? closed : copied;
}

}  // namespace

int RunConsume(const Context& context, const ConsumeOptions& options) {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  std::signal(SIGPIPE, SIG_IGN);
  const absl::Status status = Consume(context, options);
  return status.ok() ? kExitOk : Fail(status);
}

}  // namespace sluice::cli
