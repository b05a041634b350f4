"""kill -9 at moments of chance, under load: what was acknowledged is there, once, in order, where it was acknowledged.

KILLS says how often, over all append methods (METHODS=mmap,pwrite); SEED replays the moments.
"""

import random
import select
import unittest

from crash_support import METHODS, SYNC_METHOD, PARTITIONS, Broker, Load, count, new_seed, run_cli, say

KILLS = count("KILLS", 200)
INTERVAL_S_MAX = float(count("KILL_INTERVAL_MS_MAX", 250)) / 1000
SETTINGS = {
    "log__segment__bytes": str(1 << 20),  # Many rolls,
    "sluice__checkpoint__bytes": str(1 << 20),  # and checkpoints.
    "sluice__journal__bytes": str(2 << 20),  # The smallest: it goes round and round.
    "sluice__sync__method": SYNC_METHOD,
    "sluice__maintenance__interval__ms": "20",
}


class KillUnderLoad(unittest.TestCase):
    def kill_repeatedly(self, method):
        seed = new_seed()
        kills = KILLS // len(METHODS)
        chooser = random.Random(seed)
        with Broker(log__append__method=method, **SETTINGS) as broker:
            run_cli(broker, "topic", "create", "t", "-p", str(PARTITIONS))
            restarts, fruitful = [], 0
            with Load(broker, "t", seed) as load:
                load.wait_for_acks(100)
                for _ in range(kills):
                    # A moment of the load, at random: not a wait for anything.
                    select.select([], [], [], chooser.uniform(0, INTERVAL_S_MAX))
                    before, acked = load.acked_before, load.acked()
                    load.acked_before = acked
                    fruitful += acked > before
                    broker.kill()
                    broker.start()
                    restarts.append(broker.ready_ms())
                load.wait_for_acks()
                # The last read finds what the disk has, not what the broker that acknowledged it still knows.
                load.drain()
                broker.kill()
                broker.start()
                result = load.finish()
            say(f"{method}: {kills} kills (acks in {fruitful} of the runs between them), seed {seed}, "
                f"restart to ready {max(restarts)} ms at most, {sorted(restarts)[len(restarts) // 2]} ms at the median: {result}")
            self.assertGreater(fruitful, kills // 3, "hardly any run got as far as an ack: the kills hit nothing")

    @unittest.skipUnless("mmap" in METHODS, "not among METHODS")
    def test_nothing_acknowledged_is_lost_doubled_or_moved_with_mmap(self):
        self.kill_repeatedly("mmap")

    @unittest.skipUnless("pwrite" in METHODS, "not among METHODS")
    def test_nothing_acknowledged_is_lost_doubled_or_moved_with_pwrite(self):
        self.kill_repeatedly("pwrite")


if __name__ == "__main__":
    unittest.main()
