"""Every writer with every reader: kcat, the sluice command line, the C++ example, gRPC from Python.

A 200,000-line file goes in by one and comes out by each of the others, equal byte for byte; kcat does it with all five codecs.
"""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from grpc_client import GrpcClient
from sluice_test import BIN, Broker, run, run_cli, sha256, write_lines

LINES = 200_000
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def kcat_produce(broker, topic, path, codec="none"):
    with open(path, "rb") as lines:
        run(["kcat", "-b", broker.address, "-P", "-t", topic, "-p", "0", "-z", codec], stdin=lines)


def kcat_consume(broker, topic, path):
    with open(path, "wb") as out:
        out.write(run(["kcat", "-b", broker.address, "-C", "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q"]).stdout)


def cli_produce(broker, topic, path):
    with open(path, "rb") as lines:
        run_cli(broker, "produce", topic, "-p", "0", stdin=lines)


def cli_consume(broker, topic, path):
    with open(path, "wb") as out:
        out.write(run_cli(broker, "consume", topic, "-o", "start", "-e").stdout)


def library_produce(broker, topic, path):
    with open(path, "rb") as lines:
        run([BIN / "sluice_example", "produce", broker.address, topic], stdin=lines)


def library_consume(broker, topic, path):
    with open(path, "wb") as out:
        out.write(run([BIN / "sluice_example", "consume", broker.address, topic]).stdout)


def grpc_produce(broker, topic, path):
    client = GrpcClient(broker.grpc_address)
    client.produce_lines(topic, path)
    client.close()


def grpc_consume(broker, topic, path):
    client = GrpcClient(broker.grpc_address)
    client.consume_lines(topic, path)
    client.close()


WRITERS = {"kcat": kcat_produce, "cli": cli_produce, "library": library_produce, "grpc": grpc_produce}
READERS = {"kcat": kcat_consume, "cli": cli_consume, "library": library_consume, "grpc": grpc_consume}


class Pairings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="sluice-test.")
        cls.work = pathlib.Path(cls.directory.name)
        cls.file = write_lines(cls.work / "in.txt", LINES)
        cls.expected = sha256(cls.file)
        cls.broker = Broker()

    @classmethod
    def tearDownClass(cls):
        cls.broker.__exit__()
        cls.directory.cleanup()

    def read_back_with(self, reader, topic):
        out = self.work / f"{topic}-{reader}.txt"
        READERS[reader](self.broker, topic, out)
        result = sha256(out)
        out.unlink()
        return result

    def test_kcat_round_trip_with_every_codec(self):
        for codec in CODECS:
            with self.subTest(codec=codec):
                topic = f"codec-{codec}"
                run_cli(self.broker, "topic", "create", topic)
                kcat_produce(self.broker, topic, self.file, codec)
                for reader in READERS:
                    self.assertEqual(self.read_back_with(reader, topic), self.expected, reader)

    def test_what_each_writes_all_read(self):
        for writer, produce in WRITERS.items():
            topic = f"by-{writer}"
            run_cli(self.broker, "topic", "create", topic)
            produce(self.broker, topic, self.file)
            for reader in READERS:
                with self.subTest(writer=writer, reader=reader):
                    self.assertEqual(self.read_back_with(reader, topic), self.expected)


if __name__ == "__main__":
    unittest.main()
