#include "broker/kafka/reply.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/base/check.h"
#include "proto/kafka/header.h"

namespace sluice::broker {
namespace {

void AddFiles(const kafka::WireWriter::Cut& cut, const FileParts& ranges, Response* response) {
  uint64_t size = 0;
  for (const storage::FileRange& range : ranges) {
    response->files.push_back({.position = cut.position, .range = range});
    size += range.size;
  }
  CHECK_EQ(size, cut.size);  // The frame's length counts on it.
}

}  // namespace

kafka::WireWriter BeginReply(const ReplyTo& to) {
  kafka::WireWriter out = kafka::WireWriter::Framed();
  kafka::EncodeResponseHeader(out, static_cast<int16_t>(to.key), to.version, to.correlation_id);
  return out;
}

void FinishReply(const ReplyTo& to, kafka::WireWriter out, std::span<const FileParts> parts,
                 ResponseSlot& slot) {
  out.FinishFrame();
  if (!out.ok()) {
    slot.Close(absl::StrCat("cannot encode the response to API key ", static_cast<int16_t>(to.key),
                            " version ", to.version, ": ", out.error()));
    return;
  }
  Response response;
  for (const kafka::WireWriter::Cut& cut : out.cuts()) {
    CHECK_LT(cut.external_id, parts.size());
    AddFiles(cut, parts[cut.external_id], &response);
  }
  response.bytes = out.Take();
  slot.Send(std::move(response));
}

}  // namespace sluice::broker
