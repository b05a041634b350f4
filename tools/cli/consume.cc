// `sluice consume`: records to standard output.

#include <chrono>
#include <csignal>
#include <cstdio>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/base/bytes.h"
#include "proto/base/status_macros.h"
#include "tools/cli/commands.h"
#include "tools/cli/position_text.h"
#include "tools/cli/record_format.h"
#include "tools/cli/record_json.h"

namespace sluice::cli {
namespace {

constexpr std::chrono::milliseconds kPollTimeout{200};
constexpr size_t kOutputBytes = 256 << 10;

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
  ASSIGN_OR_RETURN(const Position position,
                   ParsePosition(ToAbsl(options.position), std::chrono::system_clock::now()));
  if (options.partition < 0) {
    return consumer.AssignTopic(options.topic, position);
  }
  return consumer.Assign({{options.topic, options.partition, position}});
}

absl::Status CopyRecords(Consumer& consumer, const ConsumeOptions& options, Printer& printer) {
  int64_t left = options.count > 0 ? options.count : std::numeric_limits<int64_t>::max();
  while (left > 0 && interrupted == 0) {
    ASSIGN_OR_RETURN(const FetchedRecords records, consumer.Poll(kPollTimeout));
    for (const RecordView& record : records) {
      printer.Print(record);
      if (--left == 0) {
        break;
      }
    }
    if (!printer.Flush() || (options.exit_at_end && consumer.AtEnd())) {
      break;
    }
  }
  return absl::OkStatus();
}

absl::Status Consume(const Context& context, const ConsumeOptions& options) {
  ASSIGN_OR_RETURN(Printer printer, Printer::Make(options));
  ASSIGN_OR_RETURN(auto client, context.Connect());
  ASSIGN_OR_RETURN(auto consumer, client->NewConsumer({.partition_bytes_max = 8 << 20}));
  RETURN_IF_ERROR(AssignWhatWasAsked(*consumer, options));
  return CopyRecords(*consumer, options, printer);
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
