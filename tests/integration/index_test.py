"""The index is derived: delete it, and every offset and timestamp finds the same record as before."""

import json
import pathlib
import random
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import Broker, run_cli

RECORDS = 50_000
FIRST_TIMESTAMP = 1_700_000_000_000


def record_at(broker, where):
    line = run_cli(broker, "consume", "t", "-p", "0", "-o", where, "-n", "1", "--json").stdout
    return json.loads(line)


class IndexLoss(unittest.TestCase):
    def test_a_lost_index_comes_back_from_the_log(self):
        chooser = random.Random(20261121)
        offsets = [0, RECORDS - 1] + [chooser.randrange(RECORDS) for _ in range(20)]
        with Broker() as broker:
            run_cli(broker, "topic", "create", "t", "-c", "segment.bytes=1048576", "-c", "retention.ms=-1")
            lines = b"".join(
                json.dumps({"value": f"record {i}", "timestamp": FIRST_TIMESTAMP + 10 * i, "partition": 0}).encode() + b"\n"
                for i in range(RECORDS))
            run_cli(broker, "produce", "t", "--json", input=lines)
            before = [(record_at(broker, str(i)), record_at(broker, f"@{FIRST_TIMESTAMP + 10 * i - 5}")) for i in offsets]
            for offset, (by_offset, by_time) in zip(offsets, before):
                self.assertEqual(by_offset["offset"], offset)
                self.assertEqual(by_offset["value"], f"record {offset}")
                self.assertEqual(by_time, by_offset)
            for crash in (False, True):
                with self.subTest(crash=crash):
                    broker.kill() if crash else broker.stop()
                    shutil.rmtree(broker.log_dir / "index")
                    broker.start()
                    after = [(record_at(broker, str(i)), record_at(broker, f"@{FIRST_TIMESTAMP + 10 * i - 5}")) for i in offsets]
                    self.assertEqual(after, before)


if __name__ == "__main__":
    unittest.main()
