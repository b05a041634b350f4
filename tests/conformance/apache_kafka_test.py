"""The command line and the C++ client against Apache Kafka's own broker, with kcat as the third party.

Opt-in (see README.md): skipped unless KAFKA_PEER=1.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from apache_kafka import ApacheKafka
from group_cases import GroupCases
from sluice_test import BIN, run, run_cli, wait_until, write_lines

VERSION = os.environ.get("KAFKA_PEER_VERSION", "4.3.1")
LINES = 20_000
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
EXIT_FAILED, EXIT_USAGE, EXIT_NOT_FOUND = 1, 2, 3


kafka = None  # One broker for all tests; each has topics of its own.


def setUpModule():
    global kafka
    if os.environ.get("KAFKA_PEER") != "1":
        raise unittest.SkipTest("set KAFKA_PEER=1 to run Apache Kafka (Java 17, Maven, 50 MB from Maven Central)")
    directory = unittest.enterModuleContext(tempfile.TemporaryDirectory(prefix="sluice-test."))
    kafka = unittest.enterModuleContext(ApacheKafka(directory, VERSION))


class KafkaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kafka = kafka
        cls.work = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="sluice-test.")))
        cls.file = write_lines(cls.work / "in.txt", LINES)

    def cli(self, *arguments, **more):
        return run_cli(self.kafka, *arguments, **more)

    def create(self, topic, *options):
        self.cli("topic", "create", topic, *options)
        return topic

    def send(self, topic, text, *options):
        self.cli("produce", topic, *options, input=text if isinstance(text, bytes) else text.encode())

    def read(self, topic, *options, start="start"):
        return self.cli("consume", topic, "-o", start, "-e", *options).stdout

    def kcat(self, *arguments, **more):
        return run(["kcat", "-b", self.kafka.address, *arguments], **more).stdout

    def describe(self, topic):
        return json.loads(self.cli("--format", "json", "topic", "describe", topic, "--all-configs").stdout)

    def assert_holds_file(self, topic):
        """All three readers find the file, byte for byte."""
        expected = self.file.read_bytes()
        self.assertEqual(self.read(topic), expected)
        self.assertEqual(run([BIN / "sluice_example", "consume", self.kafka.address, topic]).stdout, expected)
        self.assertEqual(self.kcat("-C", "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q"), expected)

    def assert_fails(self, code, text, *arguments, **more):
        result = self.cli(*arguments, check=False, **more)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(text, result.stderr.decode())


class Topics(KafkaTest):
    def names(self):
        return [topic["name"] for topic in json.loads(self.cli("--format", "json", "topic", "list").stdout)]

    def test_topic_is_created_described_grown_and_deleted(self):
        self.create("life", "-p", "2", "-c", "retention.ms=12345")
        self.assertIn("life", self.names())
        found = self.describe("life")
        self.assertEqual([partition["leader"] for partition in found["partitions"]], [1, 1])
        self.assertEqual(len(found["topic_id"]), 22)
        self.assertEqual(found["configs"]["retention.ms"], {"value": "12345", "source": "topic"})
        self.assertEqual(found["configs"]["segment.bytes"]["source"], "default")
        self.cli("topic", "add-partitions", "life", "-p", "5")
        self.assertEqual(len(self.describe("life")["partitions"]), 5)
        self.cli("topic", "create", "life", "--if-not-exists")
        self.cli("topic", "delete", "life")
        self.assertNotIn("life", self.names())

    def test_status_names_the_broker_and_the_controller(self):
        text = self.cli("status").stdout.decode()
        self.assertRegex(text, rf"(?m)^ *1 +{self.kafka.address} +yes$")

    def test_topic_is_usable_as_soon_as_create_returns(self):
        for i in range(20):
            self.assertEqual(self.read(self.create(f"soon-{i}", "-p", "3")), b"")

    def test_refusals_have_kafkas_name_and_reason(self):
        self.create("there")
        self.assert_fails(EXIT_FAILED, "TOPIC_ALREADY_EXISTS", "topic", "create", "there")
        self.assert_fails(EXIT_FAILED, "INVALID_TOPIC_EXCEPTION", "topic", "create", "a b")
        self.assert_fails(EXIT_FAILED, "INVALID_REPLICATION_FACTOR", "topic", "create", "three", "-r", "3")
        self.assert_fails(EXIT_FAILED, "INVALID_CONFIG", "topic", "create", "odd", "-c", "no.such=1")
        self.assert_fails(EXIT_FAILED, "INVALID_CONFIG", "topic", "create", "odd", "-c", "retention.ms=soon")
        self.assert_fails(EXIT_FAILED, "INVALID_PARTITIONS", "topic", "add-partitions", "there", "-p", "1")

    def test_missing_topic_is_exit_code_3_and_is_not_made(self):
        for arguments in (("topic", "describe", "no"), ("topic", "delete", "no"), ("consume", "no", "-e"),
                          ("produce", "no", str(self.file)), ("topic", "add-partitions", "no", "-p", "2")):
            with self.subTest(command=arguments):
                self.assert_fails(EXIT_NOT_FOUND, "UNKNOWN_TOPIC_OR_PARTITION", *arguments)
        self.assertNotIn("no", self.names())

    def test_missing_partition_is_named(self):
        self.create("two", "-p", "2")
        self.assert_fails(EXIT_NOT_FOUND, "partition two-9", "consume", "two", "-p", "9", "-e")
        self.assert_fails(EXIT_USAGE, "partition 9 does not exist", "produce", "two", "-p", "9", input=b"x\n")


class Records(KafkaTest):
    def test_every_codec_of_the_command_line(self):
        for codec in CODECS:
            with self.subTest(codec=codec):
                topic = self.create(f"cli-{codec}")
                self.cli("produce", topic, "-z", codec, self.file)
                self.assert_holds_file(topic)

    def test_every_codec_of_kcat(self):
        for codec in CODECS:
            with self.subTest(codec=codec):
                topic = self.create(f"kcat-{codec}")
                with open(self.file, "rb") as lines:
                    self.kcat("-P", "-t", topic, "-p", "0", "-z", codec, stdin=lines)
                self.assert_holds_file(topic)

    def test_what_the_broker_itself_compressed(self):
        for codec in CODECS[1:]:
            with self.subTest(codec=codec):
                topic = self.create(f"broker-{codec}", "-c", f"compression.type={codec}")
                self.cli("produce", topic, self.file)
                self.assert_holds_file(topic)

    def test_example_of_the_library_makes_its_topic_and_fills_it(self):
        with open(self.file, "rb") as lines:
            run([BIN / "sluice_example", "produce", self.kafka.address, "example"], stdin=lines)
        self.assert_holds_file("example")

    def test_all_acks(self):
        topic = self.create("acks")
        for acks in ("0", "1", "all"):
            self.cli("produce", topic, "--acks", acks, self.file)
        # Nobody says when records without an ack are in; they came first on a connection of their own.
        wait_until(lambda: len(self.read(topic).splitlines()) == 3 * LINES, 30, "all records")

    def test_keys_headers_and_tombstones_as_kcat_sees_them(self):
        topic = self.create("parts")
        self.send(topic, "a:1\nb:\n", "-k", ":", "-H", "h=v", "-H", "e=", "-Z")
        seen = self.kcat("-C", "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q", "-f", "%k|%s|%S|%h|%o\n")
        self.assertEqual(seen, b"a|1|1|h=v,e=|0\nb||-1|h=v,e=|1\n")

    def test_keys_and_headers_that_kcat_wrote(self):
        topic = self.create("parts-back")
        self.kcat("-P", "-t", topic, "-p", "0", "-K", ":", "-H", "h=v", "-H", "n", input=b"k:x\n:y\n")
        self.assertEqual(self.read(topic, "-f", "%k %v %h %p %o\n"), b"k x h=v,n= 0 0\n y h=v,n= 0 1\n")

    def test_json_round_trip(self):
        first, second = self.create("json-1"), self.create("json-2")
        self.send(first, b"a:1\nb:\nc:\xff\xfe\nd:\xc3\xa4\n", "-k", ":", "-H", "h=v", "-Z")
        lines = self.read(first, "--json")
        records = [json.loads(line) for line in lines.splitlines()]
        self.assertEqual([record.get("value") for record in records], ["1", None, None, "ä"])
        self.assertEqual(records[2]["value_base64"], "//4=")
        self.send(second, lines, "--json")
        self.assertEqual(self.read(second, "--json"), lines.replace(b'"json-1"', b'"json-2"'))

    def test_keys_choose_the_partition_that_the_other_clients_choose(self):
        ours, theirs = self.create("keys-ours", "-p", "7"), self.create("keys-theirs", "-p", "7")
        text = "".join(f"key-{i}:{i}\n" for i in range(200))
        self.send(ours, text, "-k", ":")
        self.kcat("-P", "-t", theirs, "-K", ":", "-X", "partitioner=murmur2_random", input=text.encode())
        self.assertEqual(sorted(self.read(ours, "-f", "%p %k %v\n").splitlines()),
                         sorted(self.read(theirs, "-f", "%p %k %v\n").splitlines()))

    def test_positions(self):
        topic = self.create("positions")
        now_ms = int(time.time() * 1000)
        self.send(topic, "".join(f'{{"value":"{i}","timestamp":{now_ms + i}}}\n' for i in range(6)), "--json")
        self.assertEqual(self.read(topic, start="-3"), b"3\n4\n5\n")
        self.assertEqual(self.read(topic, start="2"), b"2\n3\n4\n5\n")
        self.assertEqual(self.read(topic, start=f"@{now_ms + 4}"), b"4\n5\n")
        self.assertEqual(self.read(topic, start="@-1h"), b"0\n1\n2\n3\n4\n5\n")
        self.assertEqual(self.read(topic, start=f"@{now_ms + 3_600_000}"), b"")
        self.assertEqual(self.read(topic, start="end"), b"")
        self.assertEqual(self.cli("consume", topic, "-o", "1", "-n", "2").stdout, b"1\n2\n")
        self.assert_fails(EXIT_FAILED, "OFFSET_OUT_OF_RANGE", "consume", topic, "-o", "99", "-e")

    def test_time_of_the_broker_where_the_topic_asks_for_it(self):
        topic = self.create("append-time", "-c", "message.timestamp.type=LogAppendTime")
        before = int(time.time() * 1000)
        self.send(topic, '{"value":"x","timestamp":1000}\n', "--json")
        self.assertIn(int(self.read(topic, "-f", "%d")), range(before, int(time.time() * 1000) + 1))

    def test_record_larger_than_a_fetch_is_read(self):
        topic = self.create("large", "-c", "max.message.bytes=6000000")
        value = b"z" * 3_000_000 + b"\n"
        self.kcat("-P", "-t", topic, "-p", "0", "-X", "message.max.bytes=6000000", input=value)
        self.send(topic, "after\n")
        self.assertEqual(self.read(topic), value + b"after\n")

    def test_batch_larger_than_the_topic_allows_is_split(self):
        topic = self.create("narrow", "-c", "max.message.bytes=1000")
        self.cli("produce", topic, self.file)
        self.assert_holds_file(topic)

    def test_record_larger_than_the_topic_allows_is_refused_with_advice(self):
        topic = self.create("narrower", "-c", "max.message.bytes=1000")
        self.assert_fails(EXIT_FAILED, "MESSAGE_TOO_LARGE", "produce", topic, input=b"x" * 2_000 + b"\n")
        self.assertEqual(self.read(topic), b"")


class Logs(KafkaTest):
    def test_idempotent_batches_lie_in_sequence_in_kafkas_own_segment(self):
        topic = self.create("sequence")
        self.cli("produce", topic, self.file)
        segment = self.kafka.log_dir / f"{topic}-0" / f"{0:020d}.log"
        batches = [line.split() for line in self.cli("log", "dump", segment).stdout.decode().splitlines()]
        self.assertGreater(len(batches), 2)
        self.assertNotIn("-1/-1", [words[words.index("producer") + 1] for words in batches])
        expected = 0
        for words in batches:
            self.assertEqual(int(words[words.index("sequence") + 1]), expected)
            self.assertEqual(words[-2:], ["crc", "good"])
            expected += int(words[words.index("records") + 1])
        self.assertEqual(expected, LINES)

    def test_markers_of_transactions_are_no_records(self):
        from confluent_kafka import Producer

        topic = self.create("transactions")
        producer = Producer({"bootstrap.servers": self.kafka.address, "transactional.id": "peer"})
        producer.init_transactions(60)
        for value in ("1", "2"):
            producer.begin_transaction()
            producer.produce(topic, value)
            producer.commit_transaction(60)
        self.assertEqual(self.read(topic, "-f", "%o %v\n"), b"0 1\n2 2\n")
        self.assertEqual(self.describe(topic)["partitions"][0]["end"], 4)
        self.assertEqual(run([BIN / "sluice_example", "consume", self.kafka.address, topic]).stdout, b"1\n2\n")

    def test_compacted_log_is_read_over_its_gaps(self):
        topic = self.create("compacted", "-c", "cleanup.policy=compact", "-c", "segment.bytes=1048576", "-c",
                            "min.cleanable.dirty.ratio=0.01", "-c", "max.compaction.lag.ms=100")
        for i in range(20):
            self.send(topic, "".join(f"k{n}:{i} {'x' * 1000}\n" for n in range(100)), "-k", ":")
        filler = "".join(f"f{n}:{'y' * 1000}\n" for n in range(1200))
        self.send(topic, filler, "-k", ":")
        wait_until(lambda: len(self.read(topic, "-f", "%o\n").split()) < 2000, 60, "compacted log")
        last = {}
        for line in self.read(topic, "-f", "%k %v\n").decode().splitlines():
            key, value = line.split(" ", 1)
            last[key] = value.split(" ")[0]
        self.assertEqual(len(last), 1300)
        self.assertEqual({last[f"k{n}"] for n in range(100)}, {"19"})

    def test_killed_broker_costs_no_record_and_doubles_none(self):
        topic = self.create("killed")
        lines = write_lines(self.work / "many.txt", 400_000).read_bytes()
        killed = threading.Event()
        process = subprocess.Popen([BIN / "sluice", "-b", self.kafka.address, "produce", topic],
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE)

        def feed():
            process.stdin.write(lines[:len(lines) // 2])
            killed.wait(120)  # So that the broker dies while there is more to come, however fast the machine is.
            process.stdin.write(lines[len(lines) // 2:])
            process.stdin.close()

        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            wait_until(lambda: self.describe(topic)["partitions"][0]["end"] > 0, 60, "first record")
            self.kafka.kill()
            killed.set()
            self.kafka.start()
            feeder.join(120)
            error = process.stderr.read()
            self.assertEqual(process.wait(120), 0, error)
        finally:
            killed.set()
            if process.poll() is None:
                process.kill()
                process.wait()
            feeder.join()
            process.stderr.close()
        self.assertEqual(self.read(topic), lines)


class Groups(GroupCases, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.broker = kafka

    def console_consumer(self, topic, group, *properties):
        """Kafka's own console consumer, as a member."""
        command = kafka.java("org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", kafka.address,
                             "--topic", topic, "--group", group, "--from-beginning",
                             *(part for pair in properties for part in ("--command-property", pair)))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def assert_shared_with_java(self, assignor, *properties):
        topic = self.topic()
        self.console_consumer(topic, self.name, *properties)
        member = self.start(topic, *(("--assignor", assignor) if assignor else ()))

        def shared():
            found = self.json("group", "describe", self.name)[0]
            return found["state"] == "Stable" and sorted(len(m["assignment"]) for m in found["members"]) == [3, 3]

        wait_until(lambda: member.owned(), 60, "first partitions")
        wait_until(shared, 60, "halves")
        wait_until(lambda: len(member.owned()) == 3, 60, "its half")
        self.assertEqual(member.end(), 0)

    def test_java_and_ours_in_one_group(self):
        self.assert_shared_with_java(None)

    def test_java_and_ours_in_one_cooperative_group(self):
        self.assert_shared_with_java(
            "cooperative-sticky",
            "partition.assignment.strategy=org.apache.kafka.clients.consumer.CooperativeStickyAssignor")

    def test_group_of_kip_848_is_described(self):
        topic = self.topic()
        self.console_consumer(topic, self.name, "group.protocol=consumer")

        def described():
            result = self.cli("--format", "json", "group", "describe", self.name, check=False)
            return json.loads(result.stdout) if result.returncode == 0 else {"members": []}

        wait_until(lambda: [len(m["assignment"]) for m in described()["members"]] == [6], 60, "its member")
        self.assertEqual(described()["type"], "consumer")
        self.assertEqual(described()["state"], "Stable")
        self.assert_fails(EXIT_FAILED, "it is in use", "group", "delete", self.name, "--yes")


class Bench(KafkaTest):
    def bench(self, *arguments):
        return json.loads(self.cli("bench", *arguments).stdout)

    def test_produces_and_consumes(self):
        produced = self.bench("produce", "bench", "-n", "20000")
        self.assertEqual((produced["records"], produced["bytes"]), (20_000, 20_000 * 1024))
        self.assertEqual(self.bench("consume", "bench", "-n", "20000")["records"], 20_000)

    def test_several_plain_producers_on_several_partitions(self):
        self.bench("produce", "bench-wide", "-n", "20000", "--producers", "2", "--partitions", "3", "--no-idempotence",
                   "--acks", "1", "-z", "zstd")
        self.assertEqual(len(self.describe("bench-wide")["partitions"]), 3)
        self.assertEqual(self.bench("consume", "bench-wide", "-n", "20000")["records"], 20_000)


if __name__ == "__main__":
    unittest.main()
