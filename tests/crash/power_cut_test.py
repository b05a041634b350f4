"""Power cuts under load: a whole ext4 loses everything that was not synced, journal and all, at a moment of chance.

CUTS says how often, over all append methods (default 50). Needs root and loop devices; skipped in words elsewhere, where
the simulated power cuts of tests/crash/storage still run.
"""

import pathlib
import random
import select
import tempfile
import shutil
import unittest

from crash_support import METHODS, SYNC_METHOD, PARTITIONS, Broker, Load, count, new_seed, run_cli, say
from small_disk import SmallDisk

CUTS = count("CUTS", 50)
INTERVAL_S_MAX = 0.5
SETTINGS = {
    "log__segment__bytes": str(1 << 20),
    "sluice__checkpoint__bytes": str(1 << 20),
    "sluice__journal__bytes": str(2 << 20),  # The smallest: it goes round and round.
    "sluice__sync__method": SYNC_METHOD,
    "sluice__maintenance__interval__ms": "20",
}


class PowerCut(unittest.TestCase):
    def cut_repeatedly(self, method):
        cuts, seed = CUTS // len(METHODS), new_seed()
        chooser = random.Random(seed)
        # 5 MB a second at most: room for all of it.
        disk = SmallDisk(self, megabytes=512 + 5 * cuts)
        data = pathlib.Path(tempfile.mkdtemp(prefix="sluice-test."))
        self.addCleanup(shutil.rmtree, data, ignore_errors=True)
        settings = SETTINGS | {"log__dirs": str(disk.path / "log"), "log__append__method": method}
        with Broker(data=data, **settings) as broker:
            run_cli(broker, "topic", "create", "t", "-p", str(PARTITIONS))
            restarts = []
            with Load(broker, "t", seed) as load:
                for _ in range(cuts):
                    load.wait_for_acks()
                    # A moment of the load, at random: not a wait for anything.
                    select.select([], [], [], chooser.uniform(0, INTERVAL_S_MAX))
                    disk.cut()
                    # The broker goes on for a moment, on a disk that keeps nothing: it must not acknowledge anything.
                    select.select([], [], [], chooser.uniform(0, 0.02))
                    broker.kill()
                    disk.come_back()
                    broker.start()
                    restarts.append(broker.ready_ms())
                load.wait_for_acks()
                load.drain()
                disk.cut()
                broker.kill()
                disk.come_back()
                broker.start()
                result = load.finish()
            say(f"{method}: {cuts} power cuts, seed {seed}, restart to ready {max(restarts)} ms at most: {result}")

    @unittest.skipUnless("mmap" in METHODS, "not among METHODS")
    def test_what_was_acknowledged_or_seen_is_there_with_mmap(self):
        self.cut_repeatedly("mmap")

    @unittest.skipUnless("pwrite" in METHODS, "not among METHODS")
    def test_what_was_acknowledged_or_seen_is_there_with_pwrite(self):
        self.cut_repeatedly("pwrite")


if __name__ == "__main__":
    unittest.main()
