"""Emits the .cc of one schema file: Encode, Decode, AppendText and DebugText of every structure."""

import cpp
from emit_fields import read_field, write_field
from model import Field, Message, Struct

INCLUDES = """#include "proto/kafka/gen/{stem}.h"

#include "proto/kafka/wire_fields.h"
#include "proto/kafka/wire_reader.h"
#include "proto/kafka/wire_writer.h"

namespace sluice::kafka {{
"""


def source(source_name: str, stem: str, messages: list[Message]) -> str:
    out = [cpp.BANNER.format(source=source_name) + INCLUDES.format(stem=stem)]
    for message in messages:
        for struct in message.structs.values():
            out += StructEmitter(message, struct, f"{message.name}::{struct.name}").functions()
        out += StructEmitter(message, message.top, message.name).functions()
        out.append(debug_text(message))
    out.append("}  // namespace sluice::kafka\n")
    return "\n".join(out)


def debug_text(message: Message) -> str:
    return (
        f"std::string {message.name}::DebugText() const {{\n"
        "  std::string text;\n  AppendText(&text);\n  return text;\n}\n"
    )


class StructEmitter:
    def __init__(self, message: Message, struct: Struct, scope: str):
        self.message, self.struct, self.scope = message, struct, scope
        self.plain = [f for f in struct.fields if f.tag is None]
        self.tagged = sorted((f for f in struct.fields if f.tag is not None), key=lambda f: f.tag)

    def functions(self) -> list[str]:
        functions = [self.encode(), self.decode(), self.append_text()]
        if self.message.is_held_nullable(self.struct):
            functions.insert(0, f"{self.scope}::{self.struct.name}() = default;\n")
        if any(f.type == "bytes" for f in self.struct.fields):
            functions.append(self.equality())
        return functions

    def encode(self) -> str:
        body = self.check_version("out") + self.flexible_line()
        for f in self.struct.fields:
            body += self.refuse_outside(f)
        for f in self.plain:
            body += self.when(f, self.refuse_null(f, "out") + [write_field(f)])
        return function(
            f"void {self.scope}::Encode(WireWriter& out, [[maybe_unused]] int16_t version) const",
            body + self.encode_tags(),
        )

    def decode(self) -> str:
        body = (["*this = {};"] if self.is_top() else []) + self.check_version("in") + self.flexible_line()
        for f in self.plain:
            body += self.when(f, [read_field(f, self.message)] + self.refuse_null(f, "in"))
        return function(
            f"void {self.scope}::Decode(WireReader& in, [[maybe_unused]] int16_t version)",
            body + self.decode_tags(),
        )

    def append_text(self) -> str:
        lines = [f'fields::TextWriter(out, "{self.struct.name}")']
        lines += [f'    .Field("{f.name}", {f.name})' for f in self.struct.fields]
        return function(
            f"void {self.scope}::AppendText(std::string* out) const", lines[:-1] + [lines[-1] + ";"]
        )

    def equality(self) -> str:
        terms = [
            f"fields::Equal(a.{f.name}, b.{f.name})" if f.type == "bytes" else f"a.{f.name} == b.{f.name}"
            for f in self.struct.fields
        ]
        return function(
            f"bool operator==(const {self.scope}& a, const {self.scope}& b)",
            ["return " + " && ".join(terms) + ";"],
        )

    def is_top(self) -> bool:
        return self.scope == self.message.name

    def check_version(self, stream: str) -> list[str]:
        if not self.is_top():
            return []
        return [f"if (!{stream}.CheckVersion(kName, version, kMinVersion, kMaxVersion)) {{", "  return;", "}"]

    def flexible_line(self) -> list[str]:
        needed = cpp.has_flexible(self.message) or any(
            f.is_array or f.type in cpp.WITH_LENGTH for f in self.plain
        )
        return ["[[maybe_unused]] const bool flexible = version >= kFlexibleFrom;"] if needed else []

    def when(self, f: Field, lines: list[str]) -> list[str]:
        condition = cpp.in_versions(f.versions, self.struct.versions)
        return [f"if ({condition}) {{", *cpp.indent(lines), "}"] if condition else lines

    def refuse_outside(self, f: Field) -> list[str]:
        outside = cpp.outside_versions(f.versions, self.struct.versions)
        if f.ignorable or not outside:
            return []
        outside = f"({outside})" if "||" in outside else outside
        return [
            f"if ({outside} && !({cpp.is_default(f)})) {{",
            f'  out.Fail("{self.message.name}: {f.name} is set, which this version cannot carry");',
            "}",
        ]

    def refuse_null(self, f: Field, stream: str) -> list[str]:
        outside = cpp.outside_versions(f.nullable, f.versions) if f.nullable else ""
        if not outside:
            return []
        return [
            f"if (({outside}) && !{f.name}.has_value()) {{",
            f'  {stream}.Fail("{self.message.name}: {f.name} is null, which this version does not allow");',
            "}",
        ]

    def encode_tags(self) -> list[str]:
        if not cpp.has_flexible(self.message):
            return []
        lines = []
        for f in self.tagged:
            condition = cpp.in_versions(f.versions, self.struct.versions) or "true"
            lines.append(f"const bool has_{f.name} = {condition} && !({cpp.is_default(f)});")
        count = " + ".join(f"(has_{f.name} ? 1u : 0u)" for f in self.tagged) or "0"
        lines.append(f"out.WriteUvarint({count});")
        for f in self.tagged:
            lines += [
                f"if (has_{f.name}) {{",
                f"  const size_t begin = out.BeginTag({f.tag});",
                f"  {write_field(f)}",
                "  out.EndTag(begin);",
                "}",
            ]
        return ["if (flexible) {", *cpp.indent(lines), "}"]

    def decode_tags(self) -> list[str]:
        if not cpp.has_flexible(self.message):
            return []
        lines = ["for (TagReader tags(in); tags.Next();) {"]
        for i, f in enumerate(self.tagged):
            condition = " && ".join(
                filter(None, [f"tags.tag() == {f.tag}", cpp.in_versions(f.versions, self.struct.versions)])
            )
            lines += [f"  {'} else ' if i else ''}if ({condition}) {{", f"    {read_field(f, self.message)}"]
        lines += ["  } else {", "    tags.Skip();", "  }"] if self.tagged else ["  tags.Skip();"]
        return ["if (flexible) {", *cpp.indent(lines + ["}"]), "}"]


def function(signature: str, body: list[str]) -> str:
    return "\n".join([signature + " {", *cpp.indent(body), "}", ""])
