#!/usr/bin/env python3
"""Every test that docs/traps.md names exists: `Suite.Name` of tests/unit, `test_...` of tests/, and files by their path."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "traps.md"


def main() -> int:
    tests = ROOT / "tests"
    cpp = "\n".join(path.read_text(encoding="utf-8") for path in sorted(tests.rglob("*.cc")))
    python = "\n".join(path.read_text(encoding="utf-8") for path in sorted(tests.rglob("*.py")))
    known = {f"{suite}.{name}" for suite, name in re.findall(r"TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", cpp)}
    suites = {name.split(".")[0] for name in known}
    missing = []
    for name in re.findall(r"`([^`]+)`", PAGE.read_text(encoding="utf-8")):
        if re.fullmatch(r"\w+Test\.\w+", name):
            found = name in known
        elif re.fullmatch(r"\w+Test(\.\*)?", name):
            found = name.removesuffix(".*") in suites
        elif name.startswith("test_"):
            found = f"def {name}(" in python
        elif name.startswith("tests/"):
            found = (ROOT / name).exists()
        else:
            continue  # No test.
        if not found:
            missing.append(name)
    for name in missing:
        print(f"docs/traps.md names {name}, which is no test", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
