// What generated code is made of, beside WireReader and WireWriter: arrays, and the text that DebugText()
// gives.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "proto/base/bytes.h"
#include "proto/base/uuid.h"
#include "proto/kafka/records.h"
#include "proto/kafka/wire_reader.h"
#include "proto/kafka/wire_writer.h"

namespace sluice::kafka::fields {

// Appends `count` elements, each filled by read(T*). Stops at the first error.
template <class T, class Read>
void ReadElements(WireReader& in, size_t count, std::vector<T>* to, Read read) {
  to->reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    read(&to->emplace_back());
  }
}

template <class T, class Read>
void ReadArray(WireReader& in, bool flexible, size_t element_size_min, std::vector<T>* to, Read read) {
  ReadElements(in, in.ReadArrayCount(flexible, element_size_min), to, read);
}

template <class T, class Read>
void ReadNullableArray(WireReader& in, bool flexible, size_t element_size_min,
                       std::optional<std::vector<T>>* to, Read read) {
  to->reset();
  if (const std::optional<size_t> count = in.ReadNullableArrayCount(flexible, element_size_min)) {
    ReadElements(in, *count, &to->emplace(), read);
  }
}

template <class T, class Write>
void WriteArray(WireWriter& out, bool flexible, const std::vector<T>& from, Write write) {
  out.WriteArrayCount(from.size(), flexible);
  for (const T& element : from) {
    write(element);
  }
}

template <class T, class Write>
void WriteNullableArray(WireWriter& out, bool flexible, const std::optional<std::vector<T>>& from,
                        Write write) {
  if (from.has_value()) {
    WriteArray(out, flexible, *from, write);
  } else {
    out.WriteNullArray(flexible);
  }
}

inline std::optional<std::string> ReadNullableString(WireReader& in, bool flexible) {
  const std::optional<absl::string_view> text = in.ReadNullableString(flexible);
  return text.has_value() ? std::optional<std::string>(*text) : std::nullopt;
}

inline Records ReadRecords(WireReader& in, bool flexible) {
  return {.bytes = in.ReadBytes(flexible)};
}
inline std::optional<Records> ReadNullableRecords(WireReader& in, bool flexible) {
  const std::optional<ByteView> bytes = in.ReadNullableBytes(flexible);
  return bytes.has_value() ? std::optional(Records{.bytes = *bytes}) : std::nullopt;
}

// A structure that may be null has one byte in front: -1 for null, 1 otherwise.
template <class T>
void ReadNullableStruct(WireReader& in, int16_t version, std::optional<T>* to) {
  to->reset();
  if (in.ReadInt8() >= 0 && in.ok()) {
    to->emplace().Decode(in, version);
  }
}
template <class T>
void WriteNullableStruct(WireWriter& out, int16_t version, const std::optional<T>& from) {
  out.WriteInt8(from.has_value() ? 1 : -1);
  if (from.has_value()) {
    from->Encode(out, version);
  }
}

// Spans have no == of their own.
inline bool Equal(ByteView a, ByteView b) {
  return std::ranges::equal(a, b);
}
inline bool Equal(const std::optional<ByteView>& a, const std::optional<ByteView>& b) {
  return a.has_value() == b.has_value() && (!a.has_value() || Equal(*a, *b));
}
inline bool Equal(const std::vector<ByteView>& a, const std::vector<ByteView>& b) {
  return std::ranges::equal(a, b, [](ByteView x, ByteView y) { return Equal(x, y); });
}

// Writes `Name{field: value, ...}`; the text of a structure is what its AppendText gives.
class TextWriter {
 public:
  TextWriter(std::string* out, absl::string_view name) : out_(out) { absl::StrAppend(out_, name, "{"); }
  ~TextWriter() { out_->push_back('}'); }
  TextWriter(const TextWriter&) = delete;
  TextWriter& operator=(const TextWriter&) = delete;

  template <class T>
  TextWriter& Field(absl::string_view name, const T& value) {
    absl::StrAppend(out_, first_ ? "" : ", ", name, ": ");
    first_ = false;
    Append(value);
    return *this;
  }

 private:
  template <class T>
  void Append(const T& value) {
    if constexpr (requires { value.AppendText(out_); }) {
      value.AppendText(out_);
    } else {
      absl::StrAppend(out_, value);
    }
  }
  void Append(bool value) { absl::StrAppend(out_, value ? "true" : "false"); }
  void Append(int8_t value) { absl::StrAppend(out_, static_cast<int>(value)); }
  void Append(const Uuid& value) { absl::StrAppend(out_, value.ToString()); }
  void Append(const std::string& value) { absl::StrAppend(out_, "\"", absl::CHexEscape(value), "\""); }
  void Append(ByteView value) { absl::StrAppend(out_, value.size(), " bytes"); }
  void Append(const Records& value) {
    absl::StrAppend(out_, value.bytes.size(), " bytes");
    if (value.external_size > 0) {
      absl::StrAppend(out_, " and ", value.external_size, " external bytes as ", value.external_id);
    }
  }
  template <class T>
  void Append(const std::optional<T>& value) {
    if (value.has_value()) {
      Append(*value);
    } else {
      absl::StrAppend(out_, "null");
    }
  }
  template <class T>
  void Append(const std::vector<T>& values) {
    out_->push_back('[');
    for (size_t i = 0; i < values.size(); ++i) {
      absl::StrAppend(out_, i > 0 ? ", " : "");
      Append(values[i]);
    }
    out_->push_back(']');
  }

  std::string* out_;
  bool first_ = true;
};

}  // namespace sluice::kafka::fields
