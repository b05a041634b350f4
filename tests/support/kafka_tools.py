"""Runs Apache Kafka's own command line tools against our broker. Opt-in: KAFKA_PEER=1."""

import functools
import os
import pathlib
import tempfile
import unittest

from apache_kafka import JAVA, fetch_kafka
from sluice_test import Broker, run, run_cli

VERSION = os.environ.get("KAFKA_PEER_VERSION", "4.3.1")
TOOLS = "org.apache.kafka.tools."


@functools.cache
def kafka_jars():
    """Where the jars are; SkipTest without KAFKA_PEER=1."""
    if os.environ.get("KAFKA_PEER") != "1":
        raise unittest.SkipTest("set KAFKA_PEER=1 to run Apache Kafka's tools (Java 17, Maven, 50 MB from Maven Central)")
    if given := os.environ.get("KAFKA_PEER_JARS"):
        return pathlib.Path(given)
    directory = tempfile.TemporaryDirectory(prefix="sluice-test.")
    unittest.addModuleCleanup(directory.cleanup)
    return fetch_kafka(pathlib.Path(directory.name), VERSION)


class KafkaToolsCase(unittest.TestCase):
    """A broker with the topic "orders" of two partitions, which keeps records of any age, for each test."""

    def setUp(self):
        self.jars = kafka_jars()
        self.broker = self.enterContext(Broker(group__initial__rebalance__delay__ms="0"))
        run_cli(self.broker, "topic", "create", "orders", "--partitions", "2", "-c", "retention.ms=-1")

    def command(self, name, *arguments):
        return [*JAVA, "-cp", f"{self.jars}/*", name, "--bootstrap-server", self.broker.address, *map(str, arguments)]

    def tool(self, name, *arguments, check=True, input=None):
        """What it printed; with `check` it must have ended with 0."""
        done = run(self.command(name, *arguments), check=False, seconds=120, input=input)
        # The jars come without a logger, which slf4j complains of.
        text = "".join(line for line in (done.stdout + done.stderr).decode().splitlines(keepends=True)
                       if not line.startswith("SLF4J:"))
        if check:
            self.assertEqual(done.returncode, 0, text)
        return text
