"""DeleteRecords and compression.type with foreign clients: librdkafka, kafka-python, kcat and our own command line agree on
where a partition starts, also after kill -9."""

import ctypes
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import Broker, run, run_cli

try:
    import kafka
    from kafka.admin import KafkaAdminClient
except ImportError:
    kafka = None
try:
    librdkafka = ctypes.CDLL("librdkafka.so.1")
except OSError:
    librdkafka = None

EXIT_FAILED, EXIT_USAGE, EXIT_NOT_FOUND = 1, 2, 3


class TopicPartition(ctypes.Structure):
    """rd_kafka_topic_partition_t."""

    _fields_ = [("topic", ctypes.c_char_p), ("partition", ctypes.c_int32), ("offset", ctypes.c_int64),
                ("metadata", ctypes.c_void_p), ("metadata_size", ctypes.c_size_t), ("opaque", ctypes.c_void_p),
                ("error", ctypes.c_int), ("private", ctypes.c_void_p)]


def delete_with_librdkafka(address, topic, offsets):
    """{partition: (low watermark, error code)}, through librdkafka's C interface: its Python one has no such call."""
    c = librdkafka
    for name in ("conf_new", "new", "queue_new", "queue_poll", "topic_partition_list_new", "topic_partition_list_add",
                 "DeleteRecords_new", "event_DeleteRecords_result", "DeleteRecords_result_offsets", "event_error_string"):
        getattr(c, f"rd_kafka_{name}").restype = ctypes.c_void_p
    c.rd_kafka_topic_partition_list_find.restype = ctypes.POINTER(TopicPartition)
    pointer = ctypes.c_void_p
    error = ctypes.create_string_buffer(512)
    conf = pointer(c.rd_kafka_conf_new())
    c.rd_kafka_conf_set(conf, b"bootstrap.servers", address.encode(), error, ctypes.c_size_t(512))
    producer = pointer(c.rd_kafka_new(0, conf, error, ctypes.c_size_t(512)))
    assert producer.value, error.value
    asked = pointer(c.rd_kafka_topic_partition_list_new(len(offsets)))
    for partition, offset in offsets.items():
        c.rd_kafka_topic_partition_list_add(asked, topic.encode(), partition)
        c.rd_kafka_topic_partition_list_set_offset(asked, topic.encode(), partition, ctypes.c_int64(offset))
    request = (pointer * 1)(c.rd_kafka_DeleteRecords_new(asked))
    queue = pointer(c.rd_kafka_queue_new(producer))
    c.rd_kafka_DeleteRecords(producer, request, ctypes.c_size_t(1), None, queue)
    event = pointer(c.rd_kafka_queue_poll(queue, 20_000))
    assert event.value and c.rd_kafka_event_error(event) == 0, "librdkafka had no answer"
    found = pointer(c.rd_kafka_DeleteRecords_result_offsets(pointer(c.rd_kafka_event_DeleteRecords_result(event))))
    answers = {}
    for partition in offsets:
        answer = c.rd_kafka_topic_partition_list_find(found, topic.encode(), partition).contents
        answers[partition] = (answer.offset, answer.error)
    c.rd_kafka_event_destroy(event)
    c.rd_kafka_DeleteRecords_destroy(pointer(request[0]))
    c.rd_kafka_topic_partition_list_destroy(asked)
    c.rd_kafka_queue_destroy(queue)
    c.rd_kafka_destroy(producer)
    return answers


class DeleteRecords(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker())

    def topic(self, name, partitions=1, records=10, *options):
        run_cli(self.broker, "topic", "create", name, "-p", str(partitions), *options)
        for partition in range(partitions):
            lines = "".join(f"record {i}\n" for i in range(records))
            run_cli(self.broker, "produce", name, "-p", str(partition), input=lines.encode())
        return name

    def cut(self, *arguments, **more):
        return run_cli(self.broker, "--format", "json", "topic", "delete-records", *arguments, stdin=subprocess.DEVNULL, **more)

    def starts(self, name):
        found = json.loads(run_cli(self.broker, "--format", "json", "topic", "describe", name).stdout)
        return [partition["start"] for partition in found["partitions"]]

    def test_command_line_cuts_at_an_offset_a_time_and_the_end(self):
        name = self.topic("cli", 2)
        self.assertEqual(json.loads(self.cut(name, "--before", "3", "-p", "1", "--yes").stdout)["partitions"],
                         [{"partition": 1, "start": 3, "end": 10, "deleted": 3}])
        self.assertEqual(self.starts(name), [0, 3])
        self.cut(name, "--before", "@-1h", "--yes")  # All are younger.
        self.assertEqual(self.starts(name), [0, 3])
        self.cut(name, "--before", "-2", "--yes")
        self.assertEqual(self.starts(name), [8, 8])
        kept = run(["kcat", "-b", self.broker.address, "-C", "-t", name, "-p", "1", "-o", "beginning", "-e", "-q"]).stdout
        self.assertEqual(kept, b"record 8\nrecord 9\n")
        self.cut(name, "--before", "end", "--yes")
        self.assertEqual(self.starts(name), [10, 10])
        self.assertEqual(run_cli(self.broker, "consume", name, "-o", "start", "-e").stdout, b"")

    def test_command_line_says_what_is_wrong(self):
        name = self.topic("wrong")
        for code, text, arguments in (
            (EXIT_USAGE, "--yes", (name, "--before", "end")),
            (EXIT_USAGE, "offsets of its own", (name, "--before", "3", "--yes")),
            (EXIT_NOT_FOUND, "partition 7", (name, "--before", "3", "-p", "7", "--yes")),
            (EXIT_NOT_FOUND, "UNKNOWN_TOPIC_OR_PARTITION", ("nowhere", "--before", "end", "--yes")),
            (EXIT_FAILED, "OFFSET_OUT_OF_RANGE", (name, "--before", "11", "-p", "0", "--yes")),
        ):
            with self.subTest(arguments=arguments):
                result = self.cut(*arguments, check=False)
                self.assertIn(text, result.stderr.decode())
                self.assertEqual(result.returncode, code)
        self.assertEqual(self.starts(name), [0])

    @unittest.skipIf(kafka is None, "kafka-python is not installed")
    def test_kafka_python(self):
        name = self.topic("kafka-python")
        if not hasattr(KafkaAdminClient, "delete_records"):
            self.skipTest(f"kafka-python {kafka.__version__} has no delete_records")
        admin = KafkaAdminClient(bootstrap_servers=self.broker.address)
        result = admin.delete_records({kafka.TopicPartition(name, 0): 4})
        self.assertIn("4", str(result))
        admin.close()
        self.assertEqual(self.starts(name), [4])

    @unittest.skipIf(librdkafka is None, "librdkafka is not installed")
    def test_librdkafka(self):
        name = self.topic("librdkafka", 2)
        self.assertEqual(delete_with_librdkafka(self.broker.address, name, {0: 6, 1: -1}), {0: (6, 0), 1: (10, 0)})
        self.assertEqual(self.starts(name), [6, 10])
        offset_out_of_range = 1
        self.assertEqual(delete_with_librdkafka(self.broker.address, name, {0: 99})[0][1], offset_out_of_range)

    def test_what_was_deleted_stays_deleted_after_kill_9(self):
        name = self.topic("killed", 1, 100)
        self.cut(name, "--before", "42", "-p", "0", "--yes")
        self.broker.kill()
        self.broker.start()
        self.assertEqual(self.starts(name), [42])
        lines = run_cli(self.broker, "consume", name, "-o", "start", "-e").stdout.decode().splitlines()
        self.assertEqual(lines, [f"record {i}" for i in range(42, 100)])


class CompressionType(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker())

    def test_kcat_reads_what_the_broker_compressed_anew(self):
        text = "".join(f"line {i} of many that look alike\n" for i in range(5000)).encode()
        for wanted in ("gzip", "snappy", "lz4", "zstd", "uncompressed"):
            name = f"to-{wanted}"
            run_cli(self.broker, "topic", "create", name, "-c", f"compression.type={wanted}")
            for sent in ("none", "gzip", "snappy", "lz4", "zstd"):
                with self.subTest(sent=sent, wanted=wanted):
                    run(["kcat", "-b", self.broker.address, "-P", "-t", name, "-p", "0", "-z", sent], input=text)
            out = run(["kcat", "-b", self.broker.address, "-C", "-t", name, "-p", "0", "-o", "beginning", "-e", "-q"]).stdout
            self.assertEqual(out, 5 * text)
            self.assertEqual(run_cli(self.broker, "consume", name, "-o", "start", "-e").stdout, out)
            segment = next((self.broker.log_dir / f"{name}-0").glob("*.log"))
            dump = run_cli(self.broker, "--format", "json", "log", "dump", "--running", str(segment)).stdout.decode()
            codec = "none" if wanted == "uncompressed" else wanted
            batches = [json.loads(line) for line in dump.splitlines() if line.startswith("{")]
            self.assertTrue(batches)
            self.assertEqual({batch["codec"] for batch in batches}, {codec})


if __name__ == "__main__":
    unittest.main()
