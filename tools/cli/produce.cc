// `sluice produce`: a record a line.

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "proto/base/bytes.h"
#include "proto/base/status_macros.h"
#include "tools/cli/commands.h"
#include "tools/cli/line_reader.h"
#include "tools/cli/record_json.h"

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFlushTimeout{120'000};

// One line made into a message. Views into the line, the options, or `parsed`.
struct LineMessage {
  Message message;
  ParsedRecord parsed;  // --json only.
  std::vector<MessageHeader> headers;
};

class LineParser {
 public:
  static absl::StatusOr<LineParser> Make(const ProduceOptions& options) {
    LineParser parser(options);
    for (const std::string& header : options.headers) {
      ASSIGN_OR_RETURN(auto pair, SplitPair(header, "--header"));
      parser.headers_.push_back(std::move(pair));
    }
    return parser;
  }

  absl::Status Parse(absl::string_view line, LineMessage* out) const {
    out->message = {.topic = options_.topic};
    out->headers.clear();
    for (const auto& [key, value] : headers_) {
      out->headers.push_back({key, BytesOf(value)});
    }
    if (options_.json) {
      RETURN_IF_ERROR(FillFromJson(line, out));
    } else {
      RETURN_IF_ERROR(FillFromText(line, &out->message));
    }
    if (options_.partition >= 0) {
      out->message.partition = options_.partition;
    }
    out->message.headers = out->headers;
    return absl::OkStatus();
  }

 private:
  explicit LineParser(const ProduceOptions& options) : options_(options) {}

  absl::Status FillFromJson(absl::string_view line, LineMessage* out) const {
    ASSIGN_OR_RETURN(out->parsed, ParseJson(line));
    const ParsedRecord& parsed = out->parsed;
    out->message.partition = parsed.partition;
    out->message.timestamp_ms = parsed.timestamp_ms;
    if (parsed.key) {
      out->message.key = BytesOf(*parsed.key);
    }
    if (parsed.value) {
      out->message.value = BytesOf(*parsed.value);
    }
    for (const auto& [key, value] : parsed.headers) {
      out->headers.push_back({key, value ? std::optional(BytesOf(*value)) : std::nullopt});
    }
    return absl::OkStatus();
  }

  absl::Status FillFromText(absl::string_view line, Message* message) const {
    if (!options_.key_delimiter.empty()) {
      const size_t at = line.find(options_.key_delimiter);
      if (at == absl::string_view::npos) {
        return absl::InvalidArgumentError(
            absl::StrCat("no key delimiter \"", options_.key_delimiter, "\" in it"));
      }
      message->key = AsBytes(line.substr(0, at));
      line = line.substr(at + options_.key_delimiter.size());
    }
    if (!line.empty() || !options_.tombstones) {
      message->value = AsBytes(line);
    }
    return absl::OkStatus();
  }

  const ProduceOptions& options_;
  std::vector<std::pair<std::string, std::string>> headers_;
};

absl::StatusOr<ProducerOptions> ToProducerOptions(const ProduceOptions& options) {
  ProducerOptions result;
  ASSIGN_OR_RETURN(result.acks, ParseAcks(options.acks));
  ASSIGN_OR_RETURN(result.compression, ParseCompression(options.codec));
  result.idempotent = result.acks == Acks::kAll;
  return result;
}

std::string Summary(const Producer::Stats& stats, steady_clock::duration took, uint64_t bytes) {
  const double seconds = std::max(1e-3, std::chrono::duration<double>(took).count());
  return absl::StrFormat("%d records, %.1f MB in %.2f s: %.0f records/s, %.1f MB/s", stats.records_acked,
                         static_cast<double>(bytes) / 1e6, seconds,
                         static_cast<double>(stats.records_acked) / seconds,
                         static_cast<double>(bytes) / 1e6 / seconds);
}

// Sends every line of `fd`. The first line or send that fails ends it; what was sent before is still flushed.
absl::Status SendLines(Producer& producer, const LineParser& parser, int fd, uint64_t* bytes) {
  LineReader reader(fd);
  LineMessage line_message;
  Progress progress;
  absl::string_view line;
  for (int64_t number = 1;; ++number) {
    ASSIGN_OR_RETURN(const bool more, reader.Next(&line));
    if (!more) {
      return absl::OkStatus();
    }
    if (const absl::Status parsed = parser.Parse(line, &line_message); !parsed.ok()) {
      return WithContext(parsed, absl::StrCat("line ", number));
    }
    if (const absl::Status sent = producer.Send(line_message.message); !sent.ok()) {
      return WithContext(sent, absl::StrCat("line ", number));
    }
    *bytes += line.size();
    if (number % 4096 == 0) {
      progress.Show(absl::StrFormat("%d records, %.1f MB", number, static_cast<double>(*bytes) / 1e6));
    }
  }
}

absl::Status Produce(const Context& context, const ProduceOptions& options, int fd) {
  ASSIGN_OR_RETURN(const ProducerOptions producer_options, ToProducerOptions(options));
  ASSIGN_OR_RETURN(const LineParser parser, LineParser::Make(options));
  ASSIGN_OR_RETURN(auto client, context.Connect());
  // A misspelt topic is an error at once, not after a timeout. A broker that creates topics by itself is
  // asked to.
  const auto described = client->admin().DescribeTopic(options.topic);
  if (!described.ok() && !absl::IsNotFound(described.status())) {
    return described.status();
  }
  ASSIGN_OR_RETURN(auto producer, client->NewProducer(producer_options));
  const auto began = steady_clock::now();
  uint64_t bytes = 0;
  const absl::Status sent = SendLines(*producer, parser, fd, &bytes);
  const absl::Status flushed = producer->Close(kFlushTimeout);
  Note(Summary(producer->stats(), steady_clock::now() - began, bytes));
  if (!sent.ok()) {
    return sent;
  }
  return flushed;
}

}  // namespace

int RunProduce(const Context& context, const ProduceOptions& options) {
  int fd = STDIN_FILENO;
  if (!options.file.empty()) {
    fd = open(options.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      return Fail(
          absl::NotFoundError(absl::StrCat("cannot open ", options.file, ": ", std::strerror(errno))));
    }
  }
  const absl::Status status = Produce(context, options, fd);
  if (fd != STDIN_FILENO) {
    close(fd);
  }
  return status.ok() ? kExitOk : Fail(status);
}

}  // namespace sluice::cli
