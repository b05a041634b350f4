"""A full disk is a state, not an end: producers get a storage error, readers go on, and appends resume when there is room.

Needs root, to mount a small tmpfs; skipped in words otherwise.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import Broker, run, run_cli, wait_until

MEGABYTES = 96


@unittest.skipUnless(os.geteuid() == 0, "mounting a small file system takes root")
class FullDisk(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="sluice-test.")
        mounted = run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", self.directory], check=False)
        if mounted.returncode != 0:
            os.rmdir(self.directory)
            self.skipTest(f"no tmpfs here: {mounted.stderr.decode().strip()}")
        self.addCleanup(os.rmdir, self.directory)
        self.addCleanup(run, ["umount", self.directory])

    def produce(self, broker, topic, megabytes, **more):
        return run_cli(broker, "produce", topic, input=(b"x" * 1023 + b"\n") * (megabytes << 10), **more)

    def test_producers_are_told_readers_go_on_and_appends_resume(self):
        with Broker(data=self.directory, log__segment__bytes=str(8 << 20), delete__topic__enable="true") as broker:
            run_cli(broker, "topic", "create", "ballast", "small")
            self.produce(broker, "small", 1)
            # More than there is room for: the producer's retries run out.
            filler = subprocess.Popen(["kcat", "-b", broker.address, "-P", "-t", "ballast", "-X", "message.timeout.ms=8000"],
                                      stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                _, errors = filler.communicate((b"y" * 1023 + b"\n") * (2 * MEGABYTES << 10), timeout=120)
            finally:
                filler.kill()
                filler.wait()
            self.assertNotEqual(filler.returncode, 0, errors)
            self.assertIsNone(broker.process.poll(), broker.log())
            # Reading goes on.
            self.assertEqual(len(run_cli(broker, "consume", "small", "-o", "start", "-e").stdout), 1 << 20)
            # Room comes back, and with it the appends; nothing that was acknowledged is gone.
            run_cli(broker, "topic", "delete", "ballast")
            wait_until(lambda: run_cli(broker, "produce", "small", input=b"after\n", check=False).returncode == 0, 60,
                       "append after room came back")
            out = run_cli(broker, "consume", "small", "-o", "start", "-e").stdout
            self.assertEqual(out.count(b"x" * 1023 + b"\n"), 1024)
            self.assertIn(b"after\n", out)
            broker.stop()
            broker.start()
            self.assertEqual(run_cli(broker, "consume", "small", "-o", "start", "-e").stdout, out)


if __name__ == "__main__":
    unittest.main()
