"""Emits what spans all schema files: api_info.h, the table of keys, and all_messages.h, a visitor for tests."""

import cpp
from model import Message

API_INFO = """#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace sluice::kafka {{

// The API keys that the codec knows. What a broker serves is for the broker to say.
enum class ApiKey : int16_t {{
{enumerators}
}};

struct ApiInfo {{
  ApiKey key;
  absl::string_view name;
  int16_t min_version;
  int16_t max_version;
  int16_t first_flexible_version;  // 32767: none.
}};

// By rising key.
inline constexpr ApiInfo kApiInfos[] = {{
{rows}
}};

// Null when the codec does not know the key.
constexpr const ApiInfo* FindApi(int16_t api_key) {{
  for (const ApiInfo& info : kApiInfos) {{
    if (static_cast<int16_t>(info.key) == api_key) {{
      return &info;
    }}
  }}
  return nullptr;
}}

// 2 (flexible) or 1. An unknown key has 1: its first three fields are the same in both.
constexpr int16_t RequestHeaderVersion(int16_t api_key, int16_t api_version) {{
  const ApiInfo* info = FindApi(api_key);
  return info != nullptr && api_version >= info->first_flexible_version ? 2 : 1;
}}

// 1 (flexible) or 0. Always 0 for ApiVersions: its reader may not know yet what the broker speaks.
constexpr int16_t ResponseHeaderVersion(int16_t api_key, int16_t api_version) {{
  if (api_key == static_cast<int16_t>(ApiKey::kApiVersions)) {{
    return 0;
  }}
  return RequestHeaderVersion(api_key, api_version) == 2 ? 1 : 0;
}}

}}  // namespace sluice::kafka
"""

ALL_MESSAGES = """#pragma once

#include <type_traits>

{includes}

namespace sluice::kafka {{

// Calls visit(std::type_identity<ProduceRequest>()) and so on for each message and header.
template <class Visitor>
void VisitMessages(Visitor&& visit) {{
{visits}
}}

}}  // namespace sluice::kafka
"""


def requests(messages: list[Message]) -> list[Message]:
    return sorted(
        (m for m in messages if m.key is not None and m.name.endswith("Request")), key=lambda m: m.key
    )


def api_info(messages: list[Message]) -> str:
    apis = [(m.name.removesuffix("Request"), m) for m in requests(messages)]
    enumerators = "\n".join(f"  k{name} = {m.key}," for name, m in apis)
    rows = "\n".join(
        f'    {{ApiKey::k{name}, "{name}", {m.versions.low}, {m.versions.high}, {m.flexible_from}}},'
        for name, m in apis
    )
    return cpp.BANNER.format(source="schema/") + API_INFO.format(enumerators=enumerators, rows=rows)


def all_messages(stems: list[str], messages: list[Message]) -> str:
    includes = "\n".join(f'#include "proto/kafka/gen/{stem}.h"' for stem in sorted(stems))
    visits = "\n".join(f"  visit(std::type_identity<{m.name}>());" for m in messages)
    return cpp.BANNER.format(source="schema/") + ALL_MESSAGES.format(includes=includes, visits=visits)
