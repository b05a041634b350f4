"""Kafka's own DumpLogSegments reads our segment files.

Opt-in (see README.md): skipped unless KAFKA_PEER=1. It needs Kafka's jars and no running Kafka.
"""

import hashlib
import json
import os
import pathlib
import re
import sys
import tempfile
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from apache_kafka import JAVA, fetch_kafka
from sluice_test import BIN, Broker, run, run_cli

VERSION = os.environ.get("KAFKA_PEER_VERSION", "4.3.1")
RECORDS = 40_000
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")

BATCH = re.compile(r"baseOffset: (\d+) lastOffset: (\d+) count: (\d+) .*producerId: (-?\d+) .*position: (\d+) .*size: (\d+) "
                   r".*compresscodec: (\w+) .*isvalid: (\w+)")
RECORD = re.compile(r"^\| offset: (\d+) .*?(?:key: (.*?) )?payload: (.*)$")


def value(i):
    """Random enough that no codec brings it down to one segment."""
    return f"record {i} " + hashlib.sha256(str(i).encode()).hexdigest()[: 20 + i % 44]


def setUpModule():
    global jars, tool
    if os.environ.get("KAFKA_PEER") != "1":
        raise unittest.SkipTest("set KAFKA_PEER=1 to run Apache Kafka's tools (Java 17, Maven, 50 MB from Maven Central)")
    directory = pathlib.Path(unittest.enterModuleContext(tempfile.TemporaryDirectory(prefix="sluice-test.")))
    jars = fetch_kafka(directory, VERSION)
    tool = tool_class()


def tool_class():
    """It moved from the core to the tools, and so changed its package."""
    for jar in jars.glob("kafka*.jar"):
        for name in zipfile.ZipFile(jar).namelist():
            if name.endswith("/tools/DumpLogSegments.class"):
                return name.removesuffix(".class").replace("/", ".")
    raise AssertionError(f"no DumpLogSegments in Apache Kafka {VERSION}")


class DumpLogSegments(unittest.TestCase):
    def dump(self, segments):
        """(batches, records) as Kafka's tool tells them."""
        text = run([*JAVA, "-cp", f"{jars}/*", tool, "--deep-iteration", "--print-data-log",
                    "--files", ",".join(map(str, segments))]).stdout.decode()
        batches = [match.groups() for match in map(BATCH.search, text.splitlines()) if match]
        records = [match.groups() for match in map(RECORD.search, text.splitlines()) if match]
        return batches, records, text

    def assert_read_as_produced(self, directory, codec):
        segments = sorted(directory.glob("*.log"))
        batches, records, text = self.dump(segments)
        self.assertGreater(len(segments), 1)
        self.assertNotIn("Found", re.sub(r"(?m)^Dumping.*$", "", text))  # "Found 12 invalid bytes", "Found timestamp mismatch"
        self.assertEqual([(int(offset), key, value) for offset, key, value in records],
                         [(i, f"k{i}", value(i)) for i in range(RECORDS)])
        self.assertEqual({batch[7] for batch in batches}, {"true"})
        self.assertEqual({batch[6].lower() for batch in batches}, {codec})
        self.assertEqual(sum(int(batch[2]) for batch in batches), RECORDS)
        self.assertNotIn("-1", {batch[3] for batch in batches})  # Our producer is idempotent.
        ours = [json.loads(line) for line in
                run([BIN / "sluice", "--format", "json", "log", "dump", directory]).stdout.splitlines()]
        self.assertEqual([(one["base_offset"], one["last_offset"], one["records"], one["producer_id"], one["position"], one["size"])
                          for one in ours],
                         [tuple(int(field) for field in batch[:6]) for batch in batches])

    def test_every_codec_in_several_segments(self):
        lines = "".join(json.dumps({"key": f"k{i}", "value": value(i), "partition": 0}) + "\n"
                        for i in range(RECORDS)).encode()
        with Broker() as broker:
            for codec in CODECS:
                run_cli(broker, "topic", "create", f"t-{codec}", "-c", "segment.bytes=1048576")
                run_cli(broker, "produce", f"t-{codec}", "--json", "-z", codec, input=lines)
            broker.stop()
            for codec in CODECS:
                with self.subTest(codec=codec):
                    self.assert_read_as_produced(broker.log_dir / f"t-{codec}-0", codec)


if __name__ == "__main__":
    unittest.main()
