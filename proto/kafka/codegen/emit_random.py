"""Emits Randomize() for every message, for tests: fills what a version has and no more."""

import cpp
from model import Field, Message, Struct

HEADER = """#pragma once

#include "proto/kafka/gen/all_messages.h"

namespace sluice::kafka {{

class Randomizer;

{declarations}

}}  // namespace sluice::kafka
"""

SOURCE = """#include "tests/unit/kafka_wire/random_messages.h"

#include "tests/unit/kafka_wire/randomizer.h"

namespace sluice::kafka {{

{functions}
}}  // namespace sluice::kafka
"""


def signature(scope: str) -> str:
    return (
        f"void Randomize([[maybe_unused]] Randomizer& random, [[maybe_unused]] int16_t version, {scope}* to)"
    )


def header(messages: list[Message]) -> str:
    declarations = "\n".join(f"{signature(m.name)};" for m in messages)
    return cpp.BANNER.format(source="schema/") + HEADER.format(declarations=declarations)


def source(messages: list[Message]) -> str:
    functions = []
    for m in messages:
        functions += [function(s, f"{m.name}::{s.name}", "static ") for s in m.structs.values()]
        functions.append(function(m.top, m.name, ""))
    return cpp.BANNER.format(source="schema/") + SOURCE.format(functions="\n".join(functions))


def function(struct: Struct, scope: str, linkage: str) -> str:
    lines = []
    for f in struct.fields:
        condition = cpp.in_versions(f.versions, struct.versions)
        lines += [f"if ({condition}) {{", f"  {fill(f)}", "}"] if condition else [fill(f)]
    return "\n".join([f"{linkage}{signature(scope)} {{", *cpp.indent(lines), "}", ""])


def fill(f: Field) -> str:
    one = "Randomize(random, version, &e);" if f.is_struct else "random.Fill(&e);"
    each = f"[&]([[maybe_unused]] auto& e) {{ {one} }}"
    if f.nullable:
        allowed = cpp.in_versions(f.nullable, f.versions) or "true"
        return f"random.FillOptional(&to->{f.name}, {allowed}, {each});"
    if f.is_array:
        return f"random.FillArray(&to->{f.name}, {each});"
    return f"Randomize(random, version, &to->{f.name});" if f.is_struct else f"random.Fill(&to->{f.name});"
