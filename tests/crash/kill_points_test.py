"""kill -9 at exact points, under load: the broker ends itself at the Nth call of a kind, before, in or after it.

TIMES says how often at each point (default 10, half of them with each append method); POINTS picks some by name.
"""

import os
import random
import signal
import unittest

from crash_support import METHODS, SYNC_METHOD, Broker, Load, count, new_seed, run_cli, say, wait_until

TIMES = count("TIMES", 10)
PARTITIONS = 2  # Few, and large values: many rolls.
SECONDS_MAX = 20  # For a point to be reached.

# name: (what CRASH_AT says; %d is the call's number, drawn from 1 to the second; append methods that come there).
BOTH = ("mmap", "pwrite")
POINTS = {
    "in a copy into a segment": ("write:%d:torn:/t-", 200, ("pwrite",)),
    "after the copy into a segment": ("write:%d:after:/t-", 200, ("pwrite",)),
    "after the copy, before the sync": ("sync:%d:before", 60, BOTH),
    "after the sync, before the ack": ("sync:%d:after", 60, BOTH),
    "before a segment is synced": ("sync:%d:before:/t-", 4, BOTH),
    "after a segment is synced": ("sync:%d:after:/t-", 4, BOTH),
    "in a write to the journal": ("write:%d:torn:.journal", 100, BOTH),
    "after a write to the journal": ("write:%d:after:.journal", 100, BOTH),
    "before an index write": ("index:%d:before", 3, BOTH),
    "after an index write": ("index:%d:after", 3, BOTH),
    "before a checkpoint": ("checkpoint:%d:before", 4, BOTH),
    "after a checkpoint": ("checkpoint:%d:after", 4, BOTH),
    "before a segment is prepared": ("create:%d:before:next.prepared", 4, BOTH),
    "after a segment is prepared": ("create:%d:after:next.prepared", 4, BOTH),
    "before an allocation": ("allocate:%d:before", 6, BOTH),
    "after an allocation": ("allocate:%d:after", 6, BOTH),
    "after a map": ("map:%d:after", 4, ("mmap",)),
    "while pages are populated": ("populate:%d:after", 6, ("mmap",)),
    "before a roll": ("rename:%d:before:.log", 4, BOTH),
    "after a roll": ("rename:%d:after:.log", 4, BOTH),
    "before a directory sync": ("syncdir:%d:before", 4, BOTH),
    "after a directory sync": ("syncdir:%d:after", 4, BOTH),
    "before a sealed segment is trimmed": ("truncate:%d:before:/t-", 3, BOTH),
    "after a sealed segment is trimmed": ("truncate:%d:after:/t-", 3, BOTH),
    "before retention renames": ("rename:%d:before:.deleted", 3, BOTH),
    "after retention renames": ("rename:%d:after:.deleted", 3, BOTH),
    "before retention unlinks": ("unlink:%d:before:.deleted", 3, BOTH),
    "after retention unlinks": ("unlink:%d:after:.deleted", 3, BOTH),
}
SETTINGS = {
    "log__segment__bytes": str(1 << 20),
    "sluice__checkpoint__bytes": str(1 << 20),
    "sluice__journal__bytes": str(2 << 20),  # The smallest: it goes round and round.
    "sluice__sync__method": SYNC_METHOD,
    "sluice__maintenance__interval__ms": "20",
}
# Between two checkpoints the index is written each 512 entries.
INDEXING = {
    "log__segment__bytes": str(64 << 20),
    "sluice__checkpoint__bytes": str(64 << 20),
    "sluice__journal__bytes": str(256 << 20),  # A small one asks for checkpoints too.
    "log__index__interval__bytes": "1",
}
RETENTION = {"log__retention__bytes": str(2 << 20), "log__segment__delete__delay__ms": "50"}


class KillAtPoints(unittest.TestCase):
    def kill_at(self, name, method, seed):
        rule, calls, methods = POINTS[name]
        times = -(-TIMES // len([one for one in methods if one in METHODS]))
        chooser = random.Random(seed)
        more = RETENTION if ".deleted" in rule else INDEXING if rule.startswith("index") else {}
        with Broker(log__append__method=method, program="sluice_crash_broker", **(SETTINGS | more)) as broker:
            run_cli(broker, "topic", "create", "t", "-p", str(PARTITIONS))
            with Load(broker, "t", seed, partitions=PARTITIONS, value_bytes=6000) as load:
                load.wait_for_acks(100)
                restarts = []
                for _ in range(times):
                    broker.kill()
                    broker.env = os.environ | {"CRASH_AT": rule % chooser.randint(1, calls)}
                    if broker.start_until_killed():  # Else it met the point while it started.
                        wait_until(lambda: broker.process.poll() is not None, SECONDS_MAX, f"crash {name}")
                        self.assertEqual(broker.process.returncode, -signal.SIGKILL, broker.log())
                        broker.kill()
                    broker.env = None
                    broker.start()
                    restarts.append(broker.ready_ms())
                    load.wait_for_acks()
                load.drain()
                broker.kill()
                broker.start()
                load.finish()
        return times, max(restarts)

    def kill_at_all(self, method):
        total, slowest, seed = 0, 0, new_seed()
        chosen = os.environ.get("POINTS", "").split(",")
        for name, (_, _, methods) in POINTS.items():
            if method not in methods or not any(part in name for part in chosen):
                continue
            if "journal" in name and SYNC_METHOD != "journal":
                continue
            with self.subTest(point=name):
                times, ready_ms = self.kill_at(name, method, seed + total)
                total, slowest = total + times, max(slowest, ready_ms)
        say(f"{method}: {total} kills at named points, seed {seed}, restart to ready {slowest} ms at most")

    @unittest.skipUnless("mmap" in METHODS, "not among METHODS")
    def test_nothing_is_lost_at_any_point_with_mmap(self):
        self.kill_at_all("mmap")

    @unittest.skipUnless("pwrite" in METHODS, "not among METHODS")
    def test_nothing_is_lost_at_any_point_with_pwrite(self):
        self.kill_at_all("pwrite")


if __name__ == "__main__":
    unittest.main()
