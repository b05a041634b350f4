"""Emits docs/protocol.md: which messages and versions the codec knows."""

from emit_info import requests
from model import OPEN, Message

TEXT = """# Protocol coverage

<!-- Generated: python3 proto/kafka/codegen/main.py docs --output docs/protocol.md -->

What the codec in `proto/kafka` reads and writes, made from `proto/kafka/schema` by
`python3 proto/kafka/codegen/main.py docs --output docs/protocol.md`; a test fails when the two differ.
What a broker *serves* may be less: it advertises exactly that in its ApiVersions response.

"Flexible from" is the first version with compact lengths and tagged fields (KIP-482).

| key | API | versions | flexible from |
|----:|-----|----------|---------------|
{rows}
"""


def protocol(messages: list[Message]) -> str:
    return TEXT.format(rows="\n".join(row(m) for m in requests(messages)))


def row(m: Message) -> str:
    flexible = "none" if m.flexible_from == OPEN else str(m.flexible_from)
    name = m.name.removesuffix("Request")
    return f"| {m.key} | {name} | {m.versions.low}-{m.versions.high} | {flexible} |"
