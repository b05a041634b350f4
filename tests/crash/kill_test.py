"""kill -9 under load: idempotent producers with acks=all keep sending while the broker is killed and started again.

KILLS says how often (default 10; the figures in docs/benchmarks/ were taken with 50 and more). Append methods: METHODS=mmap,pwrite.
"""

import json
import os
import pathlib
import random
import select
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import BIN, Broker, run_cli

KILLS = int(os.environ.get("KILLS", "10"))
PARTITIONS = 4
PRODUCERS = 8


class KillUnderLoad(unittest.TestCase):
    def kill_repeatedly(self, method):
        seed = random.randrange(1 << 30)
        print(f"{method}: {KILLS} kills, seed {seed}", file=sys.stderr)
        chooser = random.Random(seed)
        with Broker(log__append__method=method, log__segment__bytes=str(4 << 20)) as broker:
            run_cli(broker, "topic", "create", "t", "-p", str(PARTITIONS))
            load = subprocess.Popen([BIN / "sluice_crash_load", broker.address, "t", str(PARTITIONS), str(PRODUCERS)],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                restarts = []
                for _ in range(KILLS):
                    # A moment of the load, at random: not a wait for anything.
                    select.select([load.stdout], [], [], chooser.uniform(0, 1))
                    self.assertIsNone(load.poll(), "the load ended early")
                    broker.kill()
                    broker.start()
                    restarts.append(broker.ready_ms())
                out, errors = load.communicate(timeout=300)
            finally:
                load.kill()
                load.wait()
            self.assertEqual(load.returncode, 0, out.decode() + errors.decode()[-3000:])
            result = json.loads(out)
            self.assertGreater(result["acked"], 0)
            print(f"{method}: {result}, restart to ready {max(restarts)} ms at most", file=sys.stderr)

    def test_nothing_acknowledged_is_lost_doubled_or_moved_with_mmap(self):
        self.kill_repeatedly("mmap")

    def test_nothing_acknowledged_is_lost_doubled_or_moved_with_pwrite(self):
        self.kill_repeatedly("pwrite")


if __name__ == "__main__":
    unittest.main()
