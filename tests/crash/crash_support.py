"""What the crash tests share: a load that outlives the broker, and its judgement.

    with Load(broker, "t") as load:
        broker.kill()
        broker.start()
        load.finish()          # Fails the test when anything was lost, doubled, moved, reordered or taken back.

Every number that a run can be asked for comes from the environment, see tests/crash/README.md.
"""

import json
import os
import pathlib
import random
import select
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import BIN, Broker, run_cli, wait_until

PARTITIONS = 4
SYNC_METHOD = os.environ.get("SYNC_METHOD", "journal")  # Or segment.
METHODS = os.environ.get("METHODS", "mmap,pwrite").split(",")


def count(name, default):
    return int(os.environ.get(name, default))


def say(text):
    print(text, file=sys.stderr, flush=True)


def new_seed():
    """SEED, or one by chance; printed, so that a run can be had again."""
    return int(os.environ.get("SEED", random.randrange(1 << 30)))


class Asked:
    """A program that is asked over its stdin, a line each, and answers with a line of JSON."""

    def __init__(self, command, errors_path):
        self.errors_path = errors_path
        with open(errors_path, "wb") as errors:
            self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=errors)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def errors(self):
        return self.errors_path.read_text(errors="replace")[-4000:]

    def ask(self, command, seconds=60):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            raise AssertionError(f"no answer to {command} within {seconds} s: {self.errors()}")
        return json.loads(line)


class Load(Asked):
    """8 idempotent and 4 plain producers, 3 consumers and one who asks for the ends, on one topic."""

    def __init__(self, broker, topic, seed, partitions=PARTITIONS, **options):
        arguments = {"broker": broker.address, "topic": topic, "partitions": partitions, "seed": seed} | options
        command = [BIN / "sluice_crash_load"]
        for key, value in arguments.items():
            command += ["--" + key.replace("_", "-"), value]
        super().__init__(command, broker.data / f"load-{topic}.err")
        self.acked_before = 0

    def acked(self):
        return self.ask("progress")["acked"]

    def wait_for_acks(self, more=1, seconds=60):
        """Until so many more values were acknowledged than at the last call."""
        wait_until(lambda: self.acked() >= self.acked_before + more, seconds, f"{more} more acks: {self.errors()}")
        self.acked_before = self.acked()

    def drain(self, seconds=180):
        return self.ask("drain", seconds)

    def finish(self, seconds=600):
        """Ends the load, lets it read and judge everything, and gives what it found."""
        out, _ = self.process.communicate(timeout=seconds)
        if self.process.returncode == 2 or not out:
            raise AssertionError(f"the load could not judge: {self.errors()}")
        result = json.loads(out.splitlines()[-1])
        if self.process.returncode != 0 or result["anomalies"] or result["given_up"] or result["poll_errors"]:
            raise AssertionError(f"{result}\n{self.errors()}")
        return result
