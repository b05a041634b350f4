"""A client program as the driver sees it: a process that answers requests, or a group member that tells what happens to it."""

import base64
import collections
import contextlib
import json
import os
import queue
import signal
import subprocess
import threading

from sluice_test import wait_until

ANSWER_SECONDS = 60


class Absent(Exception):
    """The client lacks what was asked of it: no verdict on the broker."""


class Refused(Exception):
    """An error that the client reported: Kafka's code (None where the client hides it), and its text."""

    def __init__(self, code, text):
        super().__init__(f"{text} (code {code})")
        self.code = code


Record = collections.namedtuple("Record", "partition offset key value headers timestamp append_time")


def to_wire(value):
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def from_wire(text):
    return None if text is None else base64.b64decode(text)


def to_record(fields):
    headers = [(name, from_wire(content)) for name, content in fields["headers"]]
    return Record(**fields | {"key": from_wire(fields["key"]), "value": from_wire(fields["value"]), "headers": headers})


class Program:
    """A client program that runs: lines to it, and its lines, gathered by a thread."""

    def __init__(self, command, address, log):
        self.log = log
        with open(log, "ab") as errors:
            self.process = subprocess.Popen([*map(str, command), address], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=errors, start_new_session=True)
        self.thread = threading.Thread(target=self.gather, daemon=True)
        self.thread.start()

    def gather(self):
        for line in self.process.stdout:
            self.take(json.loads(line))
        self.take(None)

    def send(self, **request):
        self.process.stdin.write(json.dumps(request, default=to_wire).encode() + b"\n")
        self.process.stdin.flush()

    def kill(self):
        """SIGKILL, also to what it started: no goodbye to the broker. Fine if it ended by itself."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.thread.join()
        self.process.stdin.close()
        self.process.stdout.close()

    def tail(self):
        return self.log.read_text(errors="replace")[-1500:]


class Worker(Program):
    """Answers requests, one at a time."""

    def __init__(self, command, address, log):
        self.answers = queue.Queue()
        super().__init__(command, address, log)

    def take(self, answer):
        self.answers.put(answer)

    def call(self, do, **fields):
        self.send(do=do, **fields)
        try:
            answer = self.answers.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            raise AssertionError(f"no answer to {do} within {ANSWER_SECONDS} s: {self.tail()}") from None
        if answer is None:
            raise AssertionError(f"the client ended instead of answering {do}: {self.tail()}")
        if "unsupported" in answer:
            raise Absent(answer["unsupported"])
        if "error" in answer:
            raise Refused(answer["error"]["code"], answer["error"]["text"])
        return answer["ok"]

    def produce(self, topic, records, **options):
        """Offsets in the order of `records` (dicts: value, key, headers, partition, timestamp), or None where not told."""
        whole = [{"partition": 0, "key": None, "headers": [], "timestamp": None} | one for one in records]
        defaults = {"codec": "none", "acks": "all", "idempotent": False, "max_bytes": None}
        return self.call("produce", topic=topic, records=whole, **defaults | options)["offsets"]

    def consume(self, topic, count, partition=0, start="earliest", reset="earliest"):
        answer = self.call("consume", topic=topic, partition=partition, start=start, count=count, reset=reset, seconds=20)
        return [to_record(fields) for fields in answer["records"]]


class Member(Program):
    """A member of a group: its assignment, and the records it processed and then committed."""

    def __init__(self, command, address, log, **request):
        self.lock = threading.Lock()
        self.assignment = set()
        self.given, self.revoked = [], []  # Each partition as often as it came and went.
        self.records = []
        self.failure = None
        self.unsupported = None
        self.ended = False
        super().__init__(command, address, log)
        self.send(do="member", **request)

    def take(self, event):
        with self.lock:
            if event is None:
                self.ended = True
            elif "unsupported" in event:
                self.unsupported = event["unsupported"]
            elif "error" in event:
                self.failure = event["error"]
            elif event["event"] == "records":
                self.records += [(event["topic"], to_record(fields)) for fields in event["records"]]
            else:
                self.move(event["event"], {(topic, partition) for topic, partition in event["partitions"]})

    def move(self, how, partitions):
        """`assigned` and `revoked` are changes; `assignment`, of clients that tell no more, is the whole."""
        if how == "assignment":
            before, self.assignment = self.assignment, partitions
            self.given += partitions - before
            self.revoked += before - partitions
        elif how == "assigned":
            self.assignment = self.assignment | partitions
            self.given += partitions
        else:
            self.assignment = self.assignment - partitions
            self.revoked += partitions

    def check(self):
        """Raises what the member itself said or died of."""
        if self.unsupported is not None:
            raise Absent(self.unsupported)
        if self.failure is not None:
            raise Refused(self.failure["code"], self.failure["text"])
        if self.ended:
            raise AssertionError(f"a member ended by itself: {self.tail()}")

    def values(self):
        with self.lock:
            return [record.value for _, record in self.records]

    def stop(self, seconds=30):
        """Asks it to leave the group in good order."""
        self.send(do="stop")
        wait_until(lambda: self.ended or self.failure, seconds, "member that stopped")
        if self.failure:
            raise Refused(self.failure["code"], self.failure["text"])
        assert self.process.wait(seconds) == 0, f"a member ended with {self.process.returncode}: {self.tail()}"
        self.thread.join()
        self.process.stdin.close()
        self.process.stdout.close()
