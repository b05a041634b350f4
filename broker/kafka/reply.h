// From a response struct to what the connection sends.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "broker/net/request_handler.h"
#include "broker/net/response.h"
#include "proto/kafka/gen/api_info.h"
#include "proto/kafka/wire_writer.h"
#include "storage/disk/file_range.h"

namespace sluice::broker {

// What of a request its answer must repeat or follow. A value.
struct ReplyTo {
  kafka::ApiKey key = kafka::ApiKey::kApiVersions;
  int16_t version = 0;
  int32_t correlation_id = 0;
};

// The bytes that stand for the external records of one partition, in order: one range per segment.
using FileParts = std::vector<storage::FileRange>;

// A frame with the response header in it.
kafka::WireWriter BeginReply(const ReplyTo& to);
// Sends the frame; external records named `i` become `parts[i]`. A message that its version cannot carry is a
// bug of the handler: it closes the connection and says so.
void FinishReply(const ReplyTo& to, kafka::WireWriter out, std::span<const FileParts> parts,
                 ResponseSlot& slot);

template <class Message>
void SendReply(const ReplyTo& to, const Message& message, ResponseSlot& slot,
               std::span<const FileParts> parts = {}) {
  kafka::WireWriter out = BeginReply(to);
  message.Encode(out, to.version);
  FinishReply(to, std::move(out), parts, slot);
}

}  // namespace sluice::broker
