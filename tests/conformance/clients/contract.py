"""The contract of a client program, for those in Python (tests/conformance/README.md tells it whole).

A program reads one request a line from stdin, a JSON object whose `do` names the function, and prints one answer a line:
{"ok": ...}, {"error": {"code": Kafka's number or null, "text": ...}} or {"unsupported": why}. Bytes travel as base64.
"""

import base64
import json
import select
import sys
import time


class Unsupported(Exception):
    """The client has no such function, which is no fault of the broker."""


class Refused(Exception):
    """An error with Kafka's number, or None where the client hides it."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def to_bytes(text):
    return None if text is None else base64.b64decode(text)


def to_text(data):
    return None if data is None else base64.b64encode(data).decode()


def record(partition, offset, key, value, headers, timestamp, append_time=None):
    """A consumed record as it is printed; `append_time` stays None where the client does not tell the type."""
    return {"partition": partition, "offset": offset, "key": to_text(key), "value": to_text(value),
            "headers": [[name, to_text(content)] for name, content in headers or []],
            "timestamp": timestamp, "append_time": append_time}


def emit(**fields):
    print(json.dumps(fields), flush=True)


def asked_to_stop():
    """Whether the driver sent a member another line, or is gone."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def records_until(poll, count, seconds):
    """The first `count` records of `poll`, which gives a list of them and may block for a second."""
    found = []
    deadline = time.monotonic() + seconds
    while len(found) < count:
        if time.monotonic() > deadline:
            raise Refused(None, f"only {len(found)} of {count} records within {seconds} s")
        found += poll()
    return found[:count]


def serve(functions):
    """Answers requests until stdin ends. `functions`: by the name in `do`; they take the other fields by name."""
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        name = request.pop("do")
        try:
            if name not in functions:
                raise Unsupported(f"no function for {name}")
            emit(ok=functions[name](**request))
        except Unsupported as error:
            emit(unsupported=str(error))
        except Exception as error:  # The driver judges: some errors are what a scenario asks for.
            emit(error={"code": getattr(error, "code", None), "text": f"{type(error).__name__}: {error}"[:500]})
