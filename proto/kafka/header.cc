#include "proto/kafka/header.h"

namespace sluice::kafka {

void DecodeRequestHeader(WireReader& in, RequestHeader* header) {
  // The layout depends on what stands in its first fields, so these are read ahead.
  WireReader ahead = in;
  const int16_t api_key = ahead.ReadInt16();
  const int16_t api_version = ahead.ReadInt16();
  if (FindApi(api_key) != nullptr) {
    header->Decode(in, RequestHeaderVersion(api_key, api_version));
    return;
  }
  *header = {};
  header->api_key = in.ReadInt16();
  header->api_version = in.ReadInt16();
  header->correlation_id = in.ReadInt32();
}

void EncodeRequestHeader(WireWriter& out, const RequestHeader& header) {
  header.Encode(out, RequestHeaderVersion(header.api_key, header.api_version));
}

void DecodeResponseHeader(WireReader& in, int16_t api_key, int16_t api_version, int32_t* correlation_id) {
  ResponseHeader header;
  header.Decode(in, ResponseHeaderVersion(api_key, api_version));
  *correlation_id = header.correlation_id;
}

void EncodeResponseHeader(WireWriter& out, int16_t api_key, int16_t api_version, int32_t correlation_id) {
  ResponseHeader header;
  header.correlation_id = correlation_id;
  header.Encode(out, ResponseHeaderVersion(api_key, api_version));
}

}  // namespace sluice::kafka
