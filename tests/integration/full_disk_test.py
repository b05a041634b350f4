"""A full disk is a state, not an end: producers get a storage error, readers go on, and appends resume when there is room.

On a 64 MiB ext4 of its own, filled and freed CYCLES times (default 3). Needs root and loop devices; skipped in words
elsewhere.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from small_disk import SmallDisk
from sluice_test import Broker, run_cli, wait_until

MEGABYTES = 64
CYCLES = int(os.environ.get("CYCLES", "3"))
RESUME_S_MAX = 10


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.disk = SmallDisk(self, MEGABYTES)
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="sluice-test."))
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)

    def produce(self, broker, topic, payload, **more):
        return run_cli(broker, "produce", topic, input=payload, **more)

    def consume(self, broker, topic):
        return run_cli(broker, "consume", topic, "-o", "start", "-e").stdout

    def fill(self, broker, topic):
        """More than there is room for: the producer's retries run out."""
        filler = subprocess.Popen(["kcat", "-b", broker.address, "-P", "-t", topic, "-X", "message.timeout.ms=4000"],
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            _, errors = filler.communicate((b"y" * 1023 + b"\n") * (2 * MEGABYTES << 10), timeout=120)
        finally:
            filler.kill()
            filler.wait()
        self.assertNotEqual(filler.returncode, 0, errors)

    def assert_alive(self, broker):
        self.assertIsNone(broker.process.poll(), broker.log())

    def fill_and_free(self, broker, cycle, expected):
        """One cycle: the expected content of "small" after it."""
        ballast = f"ballast{cycle}"
        run_cli(broker, "topic", "create", ballast)
        line = f"cycle {cycle} ".encode() + hashlib.sha256(str(cycle).encode()).hexdigest().encode() * 15 + b"\n"
        self.produce(broker, "small", line * 512)
        expected += line * 512
        self.fill(broker, ballast)
        self.assert_alive(broker)
        self.assertLess(self.disk.free_bytes(), 4 << 20)
        # Reading goes on, all of what was acknowledged.
        self.assertEqual(self.consume(broker, "small"), expected)
        # Room comes back, and with it the appends.
        run_cli(broker, "topic", "delete", ballast)
        freed = time.monotonic()
        after = f"after cycle {cycle}\n".encode()
        wait_until(lambda: self.produce(broker, "small", after, check=False).returncode == 0, RESUME_S_MAX,
                   "append after room came back")
        resumed_s = time.monotonic() - freed
        # A try that failed may have been appended after all: at least once, then, and nothing else.
        content = self.consume(broker, "small")
        self.assertTrue(content.startswith(expected + after))
        self.assertEqual(content[len(expected):].replace(after, b""), b"")
        print(f"cycle {cycle}: appends resumed after {resumed_s:.1f} s", file=sys.stderr)
        return content

    def cycles(self, method):
        with Broker(data=self.data, log__dirs=str(self.disk.path / "log"), log__segment__bytes=str(4 << 20),
                    log__append__method=method, delete__topic__enable="true") as broker:
            run_cli(broker, "topic", "create", "small")
            expected = b""
            for cycle in range(CYCLES):
                expected = self.fill_and_free(broker, cycle, expected)
            broker.kill() if method == "pwrite" else broker.stop()
            broker.start()
            self.assertEqual(self.consume(broker, "small"), expected)
            broker.stop()

    def test_producers_are_told_readers_go_on_and_appends_resume_with_mmap(self):
        self.cycles("mmap")

    def test_producers_are_told_readers_go_on_and_appends_resume_with_pwrite(self):
        self.cycles("pwrite")


if __name__ == "__main__":
    unittest.main()
