#include "tools/cli/record_json.h"

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "proto/base/bytes.h"
#include "proto/base/status_macros.h"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

bool IsUtf8(std::string_view text) {
  // The library's own check is its parser's: dumping strictly throws on bad bytes.
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

void PutBytes(Json* object, const std::string& name, const std::optional<std::span<const std::byte>>& bytes) {
  if (!bytes) {
    (*object)[name] = nullptr;
  } else if (IsUtf8(TextOf(*bytes))) {
    (*object)[name] = TextOf(*bytes);
  } else {
    (*object)[name + "_base64"] = absl::Base64Escape(AsText(*bytes));
  }
}

// Absent and null are both nullopt.
absl::StatusOr<std::optional<std::string>> TakeBytes(const Json& object, const std::string& name) {
  const auto plain = object.find(name);
  const auto encoded = object.find(name + "_base64");
  if (encoded != object.end()) {
    std::string bytes;
    if (!encoded->is_string() || !absl::Base64Unescape(encoded->get<std::string>(), &bytes)) {
      return absl::InvalidArgumentError(absl::StrCat("\"", name, "_base64\" is not base64"));
    }
    return bytes;
  }
  if (plain == object.end() || plain->is_null()) {
    return std::nullopt;
  }
  if (!plain->is_string()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" must be a string or null"));
  }
  return plain->get<std::string>();
}

template <class T>
absl::Status TakeInteger(const Json& object, const char* name, std::optional<T>* value) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) {
    return absl::OkStatus();
  }
  if (!found->is_number_integer()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" must be an integer"));
  }
  *value = found->get<T>();
  return absl::OkStatus();
}

absl::Status TakeHeaders(const Json& object, ParsedRecord* record) {
  const auto headers = object.find("headers");
  if (headers == object.end() || headers->is_null()) {
    return absl::OkStatus();
  }
  if (!headers->is_array()) {
    return absl::InvalidArgumentError("\"headers\" must be an array of {\"key\", \"value\"}");
  }
  for (const Json& header : *headers) {
    if (!header.is_object() || !header.contains("key") || !header["key"].is_string()) {
      return absl::InvalidArgumentError("a header must be an object with a string \"key\"");
    }
    ASSIGN_OR_RETURN(auto value, TakeBytes(header, "value"));
    record->headers.emplace_back(header["key"].get<std::string>(), std::move(value));
  }
  return absl::OkStatus();
}

}  // namespace

void AppendJson(std::string* out, const RecordView& record) {
  Json object = {{"topic", record.topic},
                 {"partition", record.partition},
                 {"offset", record.offset},
                 {"timestamp", record.timestamp_ms}};
  PutBytes(&object, "key", record.key);
  PutBytes(&object, "value", record.value);
  Json headers = Json::array();
  for (const MessageHeader& header : record.headers) {
    Json one = {{"key", header.key}};
    PutBytes(&one, "value", header.value);
    headers.push_back(std::move(one));
  }
  object["headers"] = std::move(headers);
  out->append(object.dump(-1, ' ', false, Json::error_handler_t::replace));
}

absl::StatusOr<ParsedRecord> ParseJson(absl::string_view line) {
  const Json object = Json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    return absl::InvalidArgumentError("not a JSON object");
  }
  ParsedRecord record;
  RETURN_IF_ERROR(TakeInteger(object, "partition", &record.partition));
  RETURN_IF_ERROR(TakeInteger(object, "timestamp", &record.timestamp_ms));
  ASSIGN_OR_RETURN(record.key, TakeBytes(object, "key"));
  ASSIGN_OR_RETURN(record.value, TakeBytes(object, "value"));
  RETURN_IF_ERROR(TakeHeaders(object, &record));
  return record;
}

}  // namespace sluice::cli
