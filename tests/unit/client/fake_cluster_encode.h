// How the fake cluster frames an answer.
#pragma once

#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/kafka/header.h"
#include "proto/kafka/wire_writer.h"

namespace sluice::client_test {

template <class Response>
void Encode(const kafka::RequestHeader& header, int16_t version, const Response& response, Bytes* answer) {
  kafka::WireWriter out = kafka::WireWriter::Framed();
  kafka::EncodeResponseHeader(out, header.api_key, version, header.correlation_id);
  response.Encode(out, version);
  out.FinishFrame();
  CHECK(out.ok());
  *answer = out.Take();
}

}  // namespace sluice::client_test
