// Keys and values of __consumer_offsets: a message behind its version. Internal to broker/group.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/kafka/wire_reader.h"
#include "proto/kafka/wire_writer.h"

namespace sluice::broker {

template <class Message>
Bytes EncodeVersioned(const Message& message, int16_t version) {
  kafka::WireWriter out;
  out.WriteInt16(version);
  message.Encode(out, version);
  CHECK(out.ok());
  return out.Take();
}

template <class Message>
absl::Status DecodeAs(kafka::WireReader& in, int16_t version, Message* message) {
  message->Decode(in, version);
  return in.ok() ? absl::OkStatus()
                 : absl::DataLossError(absl::StrCat(Message::kName, " version ", version, ": ", in.error()));
}

template <class Message>
absl::Status DecodeVersioned(ByteView bytes, Message* message) {
  kafka::WireReader in(bytes);
  const int16_t version = in.ReadInt16();
  return DecodeAs(in, version, message);
}

}  // namespace sluice::broker
