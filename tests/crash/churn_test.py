"""Consumer groups that never come to rest, and a broker that is killed: nothing is read by nobody, no commit of a member
that is none is kept, no acknowledged commit is lost.

CHURN_SECONDS says how long (30), PROTOCOL which groups (both, classic, consumer), SEED replays what is left to chance (but not
the threads' timing). KAFKA_PEER=1 does it to Apache Kafka.
"""

import json
import os
import random
import select
import shutil
import tempfile
import time
import unittest

from crash_support import BIN, Asked, Broker, count, new_seed, run_cli, say, wait_until

from apache_kafka import ApacheKafka

SECONDS = count("CHURN_SECONDS", 30)
PROTOCOL = os.environ.get("PROTOCOL", "both")
GROUPS = ("classic", "consumer") if PROTOCOL == "both" else (PROTOCOL,)
KAFKA_VERSION = os.environ.get("KAFKA_PEER_VERSION", "4.3.1")
PARTITIONS = 6
SESSION_MS = 1000
KILL_INTERVAL_S = (1.5, 6)  # Sessions must be able to end between two kills.
SETTINGS = {
    "group.min.session.timeout.ms": "100",
    "group.initial.rebalance.delay.ms": "0",
    "group.consumer.min.session.timeout.ms": "100",
    "group.consumer.session.timeout.ms": str(SESSION_MS),
    "group.consumer.min.heartbeat.interval.ms": "50",
    "group.consumer.heartbeat.interval.ms": "200",
}


class Churn(Asked):
    def __init__(self, port, seed, errors_path):
        super().__init__([BIN / "sluice_crash_churn", "--port", port, "--protocol", PROTOCOL, "--seed", seed,
                          "--session-timeout-ms", SESSION_MS], errors_path)

    def wait_for(self, what, more=1, seconds=60):
        """Until each group has so many more of them."""
        before = {group: self.ask("progress")[group][what] for group in GROUPS}
        wait_until(lambda: all(self.ask("progress")[group][what] >= before[group] + more for group in GROUPS), seconds,
                   f"{more} more {what}: {self.errors()}")

    def finish(self, seconds=600):
        """What was found, and whether all of it is as it must be."""
        out, _ = self.process.communicate(timeout=seconds)
        assert self.process.returncode in (0, 1) and out, f"the churn could not be judged: {self.errors()}"
        return json.loads(out.splitlines()[-1]), self.process.returncode == 0


class GroupChurn(unittest.TestCase):
    def restart(self, broker, churn):
        broker.kill()
        churn.ask("died")  # Before anyone else answers: what the dead one knew alone is gone.
        broker.start()

    def churn(self, broker, port, errors_path):
        seed = new_seed()
        chooser = random.Random(seed)
        kills = 0
        with Churn(port, seed, errors_path) as churn:
            churn.wait_for("commits")
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                # A moment of the churn, at random: not a wait for anything.
                select.select([], [], [], chooser.uniform(*KILL_INTERVAL_S))
                self.restart(broker, churn)
                kills += 1
            churn.wait_for("commits")
            progress = churn.ask("settle", 120)
            # What was committed at last is what the disk has, not what the broker that took it still knows.
            self.restart(broker, churn)
            result, good = churn.finish()
            self.assertTrue(good, f"{result}\n{churn.errors()}")
        say(f"{PROTOCOL}: {SECONDS} s, {kills} kills, seed {seed}, {progress}: {result}")
        for group in GROUPS:
            self.assertGreater(progress[group]["lives"], kills, "hardly anyone came and went")
            self.assertGreater(result[group]["overslept_refused"], 0, "nobody slept past its session")

    @unittest.skipIf(os.environ.get("KAFKA_PEER") == "1", "the peer's turn")
    def test_no_record_is_missed_and_no_commit_of_a_ghost_is_kept(self):
        settings = {key.replace(".", "__"): value for key, value in SETTINGS.items()}
        with Broker(**settings) as broker:
            run_cli(broker, "topic", "create", "t", "-p", str(PARTITIONS))
            self.churn(broker, broker.kafka_port, broker.data / "churn.err")

    @unittest.skipIf(os.environ.get("KAFKA_PEER") == "1", "the peer's turn")
    def test_a_disk_that_forgot_is_noticed(self):
        """That the judge is not blind: once, the broker starts on what its disk was a while ago."""
        settings = {key.replace(".", "__"): value for key, value in SETTINGS.items()}
        with Broker(**settings) as broker:
            run_cli(broker, "topic", "create", "t", "-p", str(PARTITIONS))
            with Churn(broker.kafka_port, new_seed(), broker.data / "churn.err") as churn:
                churn.wait_for("commits")
                broker.kill()
                shutil.copytree(broker.log_dir, broker.data / "old")
                churn.ask("died")
                broker.start()
                churn.wait_for("commits", more=5 * PARTITIONS)
                broker.kill()
                shutil.rmtree(broker.log_dir)
                (broker.data / "old").rename(broker.log_dir)
                churn.ask("died")
                broker.start()
                churn.wait_for("lives", more=20)  # Until nobody is left that reads on from what is gone.
                churn.ask("settle", 120)
                result, good = churn.finish()
            self.assertFalse(good)
            for group in GROUPS:
                self.assertIn("lost-commit", result[group]["anomalies"])

    @unittest.skipUnless(os.environ.get("KAFKA_PEER") == "1", "set KAFKA_PEER=1 to run Apache Kafka")
    def test_apache_kafka_keeps_the_same_promises(self):
        with tempfile.TemporaryDirectory(prefix="sluice-test.") as directory:
            with ApacheKafka(directory, KAFKA_VERSION, SETTINGS) as kafka:
                run_cli(kafka, "topic", "create", "t", "-p", str(PARTITIONS))
                self.churn(kafka, kafka.port, kafka.directory / "churn.err")


if __name__ == "__main__":
    unittest.main()
