"""A compacted topic through a real broker: its last value of each key stays, its configs work live, and keys are asked for."""

import json
import pathlib
import sys
import unittest

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import Broker, run_cli, wait_until

KEYS = 200
# Compacts as soon as there is something to compact.
EAGER = ["-c", "cleanup.policy=compact", "-c", "segment.bytes=1048576", "-c", "min.cleanable.dirty.ratio=0.01"]


def lines(records):
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def consume(broker, topic, *more):
    out = run_cli(broker, "consume", topic, "-p", "0", "-o", "beginning", "--exit", "--json", *more).stdout
    return [json.loads(line) for line in out.splitlines()]


class Compaction(unittest.TestCase):
    def fill(self, broker, topic, count, first=0):
        """`count` records over KEYS keys; returns the newest value and offset of each."""
        run_cli(broker, "produce", topic, "--json", input=lines(
            {"key": f"key{i % KEYS}", "value": f"value {i} " + "x" * 500, "partition": 0} for i in range(first, first + count)))
        return {f"key{i % KEYS}": i for i in range(first, first + count)}

    def await_compacted(self, broker, topic, below):
        wait_until(lambda: len(consume(broker, topic)) < below, 60, f"compaction of {topic}")

    def check(self, broker, topic, newest):
        records = consume(broker, topic)
        offsets = [record["offset"] for record in records]
        self.assertEqual(offsets, sorted(offsets))
        last = {record["key"]: record for record in records}
        self.assertEqual(set(last), set(newest))
        for key, number in newest.items():
            self.assertEqual(last[key]["offset"], number)
            self.assertTrue(last[key]["value"].startswith(f"value {number} "), last[key])

    def test_the_newest_of_each_key_stays_through_restarts(self):
        with Broker(log__cleaner__backoff__ms=50) as broker:
            run_cli(broker, "topic", "create", "t", *EAGER)
            newest = self.fill(broker, "t", 20_000)
            self.await_compacted(broker, "t", 6_000)
            self.check(broker, "t", newest)
            for crash in (False, True):
                with self.subTest(crash=crash):
                    broker.kill() if crash else broker.stop()
                    broker.start()
                    self.check(broker, "t", newest)
            newest |= self.fill(broker, "t", 10_000, first=20_000)
            self.await_compacted(broker, "t", 6_000)
            self.check(broker, "t", newest)

    def test_a_record_without_a_key_is_refused_in_words(self):
        with Broker() as broker:
            run_cli(broker, "topic", "create", "t", *EAGER)
            for codec in ("none", "lz4"):
                with self.subTest(codec=codec):
                    refused = run_cli(broker, "produce", "t", "--json", "-z", codec, input=lines([{"value": "no key", "partition": 0}]),
                                      check=False)
                    self.assertNotEqual(refused.returncode, 0)
                    self.assertIn(b"key", refused.stderr)
            self.assertEqual(consume(broker, "t"), [])

    def test_the_policy_changes_live(self):
        with Broker(log__cleaner__backoff__ms=50) as broker:
            run_cli(broker, "topic", "create", "t", "-c", "segment.bytes=1048576", "-c", "min.cleanable.dirty.ratio=0.01")
            newest = self.fill(broker, "t", 20_000)
            self.assertEqual(len(consume(broker, "t")), 20_000)
            admin = KafkaAdminClient(bootstrap_servers=broker.address)
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "t", {
                "cleanup.policy": "compact,delete", "segment.bytes": "1048576", "min.cleanable.dirty.ratio": "0.01"})])
            admin.close()
            self.await_compacted(broker, "t", 6_000)
            self.check(broker, "t", newest)


if __name__ == "__main__":
    unittest.main()
