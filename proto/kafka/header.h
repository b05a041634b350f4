// The headers in front of every request and response body. Which layout they have follows from the API key
// and version, with two traps: an ApiVersions response always has header 0, and the client id of header 2 is
// a classic string although the header is flexible.
#pragma once

#include <cstdint>

#include "proto/kafka/gen/api_info.h"
#include "proto/kafka/gen/request_header.h"
#include "proto/kafka/gen/response_header.h"
#include "proto/kafka/wire_reader.h"
#include "proto/kafka/wire_writer.h"

namespace sluice::kafka {

// Of a key that the codec does not know, only key, version and correlation id are read; the reader stays ok.
void DecodeRequestHeader(WireReader& in, RequestHeader* header);
void EncodeRequestHeader(WireWriter& out, const RequestHeader& header);

void DecodeResponseHeader(WireReader& in, int16_t api_key, int16_t api_version, int32_t* correlation_id);
void EncodeResponseHeader(WireWriter& out, int16_t api_key, int16_t api_version, int32_t correlation_id);

}  // namespace sluice::kafka
