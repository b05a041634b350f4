#!/usr/bin/env python3
"""Turns schema files into C++. Standard library only; the build runs it.

main.py message SCHEMA --output DIR      DIR/<stem>.h and DIR/<stem>.cc of one schema file
main.py info --output DIR                DIR/api_info.h and DIR/all_messages.h, from all schema files
main.py random --output DIR              DIR/random_messages.h and .cc, for tests, from all schema files
"""

import argparse
import re
import sys
from pathlib import Path

import emit_header
import emit_info
import emit_random
import emit_source
from model import Message, SchemaError
from parse import parse_file

SCHEMA = Path(__file__).resolve().parent.parent / "schema"


def stem_of(path: Path) -> str:
    """00_produce.kmsg -> produce"""
    return re.sub(r"^\d+_", "", path.stem)


def write(path: Path, text: str) -> None:
    """Leaves an unchanged file alone, so that what includes it is not built again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def emit_message(schema: Path, output: Path) -> None:
    messages, stem = parse_file(schema), stem_of(schema)
    write(output / f"{stem}.h", emit_header.header(schema.name, messages))
    write(output / f"{stem}.cc", emit_source.source(schema.name, stem, messages))


def all_messages() -> tuple[list[str], list[Message]]:
    paths = sorted(SCHEMA.glob("*.kmsg"))
    messages = [message for path in paths for message in parse_file(path)]
    for message in messages:
        if message.name.endswith("Request") and message.name.replace("Request", "Response") not in {
            m.name for m in messages
        }:
            raise SchemaError(f"{message.name} has no response")
    return [stem_of(path) for path in paths], messages


def emit_infos(output: Path) -> None:
    stems, messages = all_messages()
    write(output / "api_info.h", emit_info.api_info(messages))
    write(output / "all_messages.h", emit_info.all_messages(stems, messages))


def emit_random_messages(output: Path) -> None:
    messages = all_messages()[1]
    write(output / "random_messages.h", emit_random.header(messages))
    write(output / "random_messages.cc", emit_random.source(messages))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["message", "random", "info"])
    parser.add_argument("schema", nargs="?", type=Path)
    parser.add_argument("--output", required=True, type=Path)
    args = parser.parse_args()
    if (args.schema is None) == (args.command == "message"):
        parser.error("'message' takes one schema file, the others none")
    try:
        if args.command == "message":
            emit_message(args.schema, args.output)
        elif args.command == "random":
            emit_random_messages(args.output)
        else:
            emit_infos(args.output)
    except (SchemaError, OSError) as error:
        print(f"codegen: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
