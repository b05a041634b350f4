"""Emits the header of one schema file: a struct per message with its structures nested, flat, inside."""

import cpp
from model import Field, Message, Struct

INCLUDES = """#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/uuid.h"
#include "proto/kafka/records.h"

namespace sluice::kafka {

class WireReader;
class WireWriter;
"""

METHODS = """
void Encode(WireWriter& out, int16_t version) const;
void Decode(WireReader& in, int16_t version);
void AppendText(std::string* out) const;
"""


def header(source: str, messages: list[Message]) -> str:
    names = [m.name for m in messages]
    out = [cpp.BANNER.format(source=source) + INCLUDES]
    out += [f"struct {name};" for name in names if name.endswith("Response") and name != "Response"]
    out += [message_text(m, names) for m in messages]
    out.append("}  // namespace sluice::kafka\n")
    return "\n".join(out)


def message_text(message: Message, names: list[str]) -> str:
    lines = [""] + [f"struct {message.name} {{"]
    lines += cpp.indent(constants(message, names))
    for struct in message.structs.values():
        lines += [""] + [f"  struct {struct.name} {{"] + constructor(message, struct)
        lines += cpp.indent(members(struct), 4) + ["  };"]
    lines += [""] + cpp.indent(members(message.top))
    lines += [
        "  // One line for logs: ProduceRequest{acks: -1, ...}.",
        "  std::string DebugText() const;",
        "};",
        "",
    ]
    return "\n".join(lines)


# Clang does not know before the end of the enclosing class that a nested structure with defaults can be made, and then
# takes std::optional's emplace for impossible.
def constructor(message: Message, struct: Struct) -> list[str]:
    return [f"    {struct.name}();", ""] if message.is_held_nullable(struct) else []


def constants(message: Message, names: list[str]) -> list[str]:
    lines = [f'static constexpr char kName[] = "{message.name}";']
    if message.key is not None:
        lines.append(f"static constexpr int16_t kApiKey = {message.key};")
    lines += [
        f"static constexpr int16_t kMinVersion = {message.versions.low};",
        f"static constexpr int16_t kMaxVersion = {message.versions.high};",
        f"static constexpr int16_t kFlexibleFrom = {message.flexible_from};",
    ]
    response = message.name.replace("Request", "Response")
    if response != message.name and response in names:
        lines.append(f"using Response = {response};")
    return lines


def members(struct: Struct) -> list[str]:
    lines = [
        f"{cpp.field_type(f)} {f.name}{cpp.initializer(f)};{versions_note(f, struct)}" for f in struct.fields
    ]
    lines += METHODS.rstrip().split("\n")
    return lines + equality(struct)


def versions_note(f: Field, struct: Struct) -> str:
    """The versions that have the field, where those are not all that the structure has."""
    if f.versions == struct.versions:
        return ""
    low, high = f.versions.low, f.versions.high
    return f"  // {low}+" if high == struct.versions.high else f"  // {low}-{high}"


def equality(struct: Struct) -> list[str]:
    """Views have no ==, so a structure that holds one directly gets its own."""
    signature = f"friend bool operator==(const {struct.name}&, const {struct.name}&)"
    if not any(f.type == "bytes" for f in struct.fields):
        return [f"{signature} = default;"]
    return [f"friend bool operator==(const {struct.name}& a, const {struct.name}& b);"]
