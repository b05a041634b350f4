"""What scenarios are made of: the table of features, and a Trial, which is one client at one feature."""

import collections
import json
import socket
import struct
import unittest

from client import Member, Refused
from sluice_test import run_cli, wait_until

Feature = collections.namedtuple("Feature", "name area run alone")
FEATURES = []

# Kafka's error codes that scenarios expect.
OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION, MESSAGE_TOO_LARGE, INVALID_TOPIC = 1, 3, 10, 17
INVALID_PARTITIONS, TOPIC_ALREADY_EXISTS, INVALID_CONFIG = 37, 36, 40
NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND = 68, 69


def feature(name, area, alone=False):
    """Registers a scenario. `alone`: nothing else runs meanwhile."""
    def register(run):
        FEATURES.append(Feature(name, area, run, alone))
        return run
    return register


class Trial(unittest.TestCase):
    """One client at one feature; its assertions are unittest's. Topics and groups carry the number of the trial."""

    def __init__(self, broker, lane, command, counterpart_command, number, logs, may_double=False):
        super().__init__()
        self.may_double = may_double
        self.broker, self.worker, self.counterpart = broker, lane.worker, lane.counterpart
        self.command, self.counterpart_command = command, counterpart_command
        self.number, self.logs = number, logs
        self.members = []

    def name(self, suffix=""):
        return f"t{self.number}{suffix}"

    def topic(self, suffix="", partitions=1, **configs):
        options = [word for key, value in configs.items() for word in ("-c", f"{key.replace('_', '.')}={value}")]
        name = self.name(suffix)
        run_cli(self.broker, "topic", "create", name, "-p", str(partitions), *options)
        self.eventually(lambda: run_cli(self.broker, "topic", "describe", name, check=False).returncode, 0)
        return name

    def eventually(self, see, expected):
        """What was changed shows soon: Kafka's controller answers before its brokers know."""
        try:
            wait_until(lambda: see() == expected, 10, "such sight")
        except AssertionError:
            self.assertEqual(see(), expected)

    def served_keys(self):
        """The keys of the APIs that the broker advertises: ApiVersions in version 0, by hand."""
        host, port = self.broker.address.split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection, connection.makefile("rb") as answer:
            connection.sendall(struct.pack(">ihhih", 10, 18, 0, 1, -1))
            size, _, error, count = struct.unpack(">iihi", answer.read(14))
            rows = struct.iter_unpack(">hhh", answer.read(size - 10)[:6 * count])
            self.assertEqual(error, 0)
            return {key for key, _, _ in rows}

    def expect_refusal(self, codes, call, *arguments, **more):
        """The call fails with one of Kafka's codes."""
        codes = codes if isinstance(codes, tuple) else (codes,)
        with self.assertRaises(Refused) as caught:
            call(*arguments, **more)
        self.assertIn(caught.exception.code, codes, str(caught.exception))

    def batches(self, topic, partition=0):
        """The batches of the log's first segment, as our dump of its file tells them."""
        segment = self.broker.log_dir / f"{topic}-{partition}" / f"{0:020d}.log"
        dump = run_cli(self.broker, "--format", "json", "log", "dump", "--running", segment).stdout.decode()
        return [json.loads(line) for line in dump.splitlines() if line.startswith("{")]

    def counterpart_member(self, **request):
        return self.member(self.counterpart_command, **request)

    def member(self, command=None, **request):
        defaults = {"instance": None, "session_ms": 3000, "heartbeat_ms": 500, "assignor": "range", "protocol": "classic",
                    "reset": "earliest", "group": self.name(), "topics": None, "pattern": None}
        log = self.logs / f"{self.name()}-member-{len(self.members)}.log"
        member = Member(command or self.command, self.broker.address, log, **defaults | request)
        self.members.append(member)
        return member

    def wait(self, condition, what, seconds=30, members=None):
        """Waits for a condition, and fails at once when a member does."""
        watched = self.members if members is None else members

        def holds():
            for member in watched:
                member.check()
            return condition()

        try:
            wait_until(holds, seconds, what)
        except AssertionError as error:
            told = [(sorted(member.assignment), len(member.records)) for member in watched]
            raise AssertionError(f"{error}; members (assignment, records): {told}") from None

    def wait_for_shares(self, members, topic, partitions, seconds=30):
        """Until the members share the partitions, each having some."""
        def shared():
            shares = [member.assignment for member in members]
            return all(shares) and sum(map(len, shares)) == partitions and set().union(*shares) == {
                (topic, partition) for partition in range(partitions)}

        self.wait(shared, f"shares of {topic} for {len(members)} members", seconds, members)

    def produce_values(self, topic, label, partitions, each=10):
        """`each` different values into every partition, by the counterpart; the values."""
        records = [{"partition": partition, "value": f"{label}-{partition}-{i}".encode()}
                   for partition in range(partitions) for i in range(each)]
        self.counterpart.produce(topic, records)
        return sorted(record["value"] for record in records)

    def close(self):
        for member in self.members:
            if member.process.poll() is None or not member.process.stdin.closed:
                member.kill()
