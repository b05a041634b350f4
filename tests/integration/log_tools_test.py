"""`sluice log dump|verify|repair|index rebuild` on the files that a broker left."""

import hashlib
import json
import pathlib
import random
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import BIN, Broker, run, run_cli, wait_until

RECORDS = 45_000
FIRST_TIMESTAMP = 1_700_000_000_000
EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_NOT_FOUND = 0, 1, 2, 3


def log(*arguments, check=True):
    """(exit code, JSON lines of stdout, stderr)."""
    result = run([BIN / "sluice", "--format", "json", "log", *arguments], check=check)
    lines = result.stdout.decode().splitlines()
    return result.returncode, [json.loads(line) for line in lines], result.stderr.decode()


def snapshot(directory):
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(pathlib.Path(directory).rglob("*")) if path.is_file()}


def record(i):
    return {"key": f"k{i}", "value": f"record {i} " + "x" * (i % 50), "timestamp": FIRST_TIMESTAMP + 10 * i, "partition": 0,
            "headers": [{"key": "n", "value": str(i)}]}


class LogTools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="sluice-test.")))
        cls.original = cls.work / "original"
        with Broker(data=cls.original) as broker:
            run_cli(broker, "topic", "create", "t", "-c", "segment.bytes=1048576", "-c", "retention.ms=-1")
            lines = "".join(json.dumps(record(i)) + "\n" for i in range(RECORDS)).encode()
            run_cli(broker, "produce", "t", "--json", input=lines)
            broker.stop()

    def setUp(self):
        self.data = self.work / self._testMethodName
        shutil.copytree(self.original, self.data)
        self.log_dir = self.data / "log"
        self.partition = self.log_dir / "t-0"
        self.segments = sorted(self.partition.glob("*.log"))
        self.assertGreater(len(self.segments), 2)

    def flip(self, path, position, bit):
        content = bytearray(path.read_bytes())
        content[position] ^= 1 << bit
        path.write_bytes(content)

    def batches(self, path):
        return log("dump", path)[1]

    def test_dump_gives_back_what_was_produced(self):
        _, records, _ = log("dump", self.log_dir, "--records-only")
        self.assertEqual(len(records), RECORDS)
        for i, found in enumerate(records):
            self.assertEqual(found, {"topic": "t", "offset": i} | record(i))

    def test_dump_takes_a_range_of_offsets(self):
        _, records, _ = log("dump", self.partition, "--records-only", "--from", "12345", "--to", "12349")
        self.assertEqual([one["offset"] for one in records], [12345, 12346, 12347, 12348, 12349])
        _, batches, _ = log("dump", self.partition, "--from", "12345", "--to", "12345")
        self.assertEqual(len(batches), 1)
        self.assertLessEqual(batches[0]["base_offset"], 12345)
        self.assertGreaterEqual(batches[0]["last_offset"], 12345)

    def test_what_was_dumped_can_be_produced_again(self):
        dumped = run([BIN / "sluice", "--format", "json", "log", "dump", self.partition, "--records-only"]).stdout
        with Broker() as broker:
            run_cli(broker, "topic", "create", "t", "-c", "retention.ms=-1")  # The records are of 2023.
            run_cli(broker, "produce", "t", "--json", input=dumped)
            self.assertEqual(run_cli(broker, "consume", "t", "-o", "start", "-e", "--json").stdout, dumped)

    def test_verify_finds_nothing_in_good_logs_and_changes_nothing(self):
        before = snapshot(self.log_dir)
        code, reports, errors = log("verify", self.log_dir)
        self.assertEqual(code, EXIT_OK)
        (report,) = [one for one in reports if one["partition"] == "t-0"]
        self.assertEqual((report["records"], report["first_offset"], report["next_offset"], report["tail"]),
                         (RECORDS, 0, RECORDS, "clean"))
        self.assertEqual(report["problems"], [])
        self.assertNotIn("\r", errors)  # No progress where there is no terminal.
        self.assertEqual(snapshot(self.log_dir), before)

    def test_verify_finds_every_flip_and_truncation_of_sealed_segments(self):
        chooser = random.Random(20261122)
        for _ in range(60):
            path = chooser.choice(self.segments[:-1])
            content = path.read_bytes()
            if chooser.random() < 0.7:
                # Behind the very first header: of the first leader epoch nothing else in the log tells.
                position = chooser.randrange(61, len(content))
                self.flip(path, position, chooser.randrange(8))
                what = f"{path.name}: bit flip in byte {position}"
            else:
                size = chooser.randrange(len(content))
                path.write_bytes(content[:size])
                what = f"{path.name}: cut to {size}"
            code, (report,), _ = log("verify", self.partition, check=False)
            self.assertEqual(code, EXIT_FAILED, what)
            self.assertIn(path.name, json.dumps(report["problems"]), what)
            path.write_bytes(content)
        self.assertEqual(log("verify", self.partition)[0], EXIT_OK)

    def damage_some(self):
        """Flips a bit in the records of four batches; returns their offsets."""
        chooser = random.Random(7)
        lost = set()
        for path in self.segments[:2]:
            for batch in chooser.sample(self.batches(path)[1:-1], 2):
                self.flip(path, batch["position"] + 61 + chooser.randrange(batch["size"] - 61), chooser.randrange(8))
                lost |= set(range(batch["base_offset"], batch["last_offset"] + 1))
        return lost

    def announced(self, report):
        return {offset for one in report["lost"] for offset in range(one["first"], one["last"] + 1)}

    def test_a_dry_run_of_repair_changes_nothing(self):
        lost = self.damage_some()
        before = snapshot(self.log_dir)
        code, (report,), errors = log("repair", self.partition, check=False)
        self.assertEqual(code, EXIT_FAILED)
        self.assertTrue(report["needed"])
        self.assertFalse(report["applied"])
        self.assertEqual(self.announced(report), lost)
        self.assertIn("--yes", errors)
        self.assertEqual(snapshot(self.log_dir), before)

    def test_after_a_repair_everything_else_is_served_at_its_offset(self):
        lost = self.damage_some()
        code, (report,), _ = log("repair", self.partition, "--yes")
        self.assertEqual(code, EXIT_OK)
        self.assertEqual(self.announced(report), lost)
        self.assertEqual(log("verify", self.log_dir)[0], EXIT_OK)
        self.assertEqual(len(list(self.partition.glob("*.log.damaged"))), 2)
        with Broker(data=self.data) as broker:
            found = run_cli(broker, "consume", "t", "-o", "start", "-e", "--json").stdout.splitlines()
            expected = [{"topic": "t", "offset": i} | record(i) for i in range(RECORDS) if i not in lost]
            self.assertEqual([json.loads(line) for line in found], expected)
            kcat = run(["kcat", "-b", broker.address, "-C", "-t", "t", "-p", "0", "-o", "beginning", "-e", "-q", "-f", "%o\n"])
            self.assertEqual([int(line) for line in kcat.stdout.split()], [one["offset"] for one in expected])
            run_cli(broker, "produce", "t", input=b"more\n")
            more = run_cli(broker, "consume", "t", "-o", str(RECORDS), "-e").stdout
            self.assertEqual(more, b"more\n")

    def test_truncating_ends_the_log_before_the_damage(self):
        lost = self.damage_some()
        _, (report,), _ = log("repair", self.partition, "--truncate", "--yes")
        first = min(lost)
        self.assertEqual(report["lost"], [{"first": first, "last": RECORDS - 1}])
        with Broker(data=self.data) as broker:
            found = run_cli(broker, "consume", "t", "-o", "start", "-e", "--json").stdout.splitlines()
            self.assertEqual([json.loads(line)["offset"] for line in found], list(range(first)))

    def test_a_rebuilt_index_finds_the_same_records(self):
        shutil.rmtree(self.log_dir / "index")
        _, (report,), _ = log("index", "rebuild", self.log_dir)
        self.assertEqual(report["logs"], 1)
        self.assertGreater(report["offset_entries"], 10)
        self.assertEqual(log("verify", self.log_dir)[0], EXIT_OK)
        with Broker(data=self.data) as broker:
            for i in random.Random(3).sample(range(RECORDS), 20):
                for where in (str(i), f"@{FIRST_TIMESTAMP + 10 * i - 5}"):
                    line = run_cli(broker, "consume", "t", "-p", "0", "-o", where, "-n", "1", "--json").stdout
                    self.assertEqual(json.loads(line)["offset"], i)

    def test_a_running_broker_is_left_alone(self):
        with Broker(data=self.data):
            for arguments in (("verify", self.log_dir), ("repair", self.partition, "--yes"), ("index", "rebuild", self.log_dir),
                              ("dump", self.segments[0])):
                code, _, errors = log(*arguments, check=False)
                self.assertEqual(code, EXIT_FAILED, arguments)
                self.assertIn("stop it first", errors)
            self.assertEqual(log("dump", "--running", self.segments[0])[0], EXIT_OK)

    def test_exit_codes_of_what_makes_no_sense(self):
        self.assertEqual(log("verify", check=False)[0], EXIT_USAGE)
        self.assertEqual(log("repair", self.segments[0], "--yes", check=False)[0], EXIT_USAGE)
        self.assertEqual(log("verify", self.work / "no", check=False)[0], EXIT_NOT_FOUND)

    def test_the_scrubber_tells_of_a_flipped_bit_in_the_brokers_log(self):
        self.flip(self.segments[1], 5000, 3)
        with Broker(data=self.data, sluice__maintenance__interval__ms="20") as broker:
            wait_until(lambda: self.segments[1].name in broker.log(), 30, "word of the damage")
            line = next(line for line in broker.log().splitlines() if self.segments[1].name in line)
            self.assertIn("byte ", line)
            self.assertIn("sluice log repair", line)
            self.assertEqual(run_cli(broker, "consume", "t", "-o", "0", "-n", "1").returncode, EXIT_OK)


if __name__ == "__main__":
    unittest.main()
