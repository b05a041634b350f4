"""What the Python tests share: a real broker in a directory of its own, the command line, and small checks.

    with Broker() as broker:
        run_cli(broker, "topic", "create", "orders")

Every process that a test starts is stopped by it, by pid, also when it fails. Waiting is on conditions (a ports file, a
process's end), bounded, never a fixed sleep.
"""

import hashlib
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import time

BIN = pathlib.Path(os.environ.get("TEST_BIN_DIR", "build/release/bin")).resolve()
SOURCE = pathlib.Path(__file__).resolve().parents[2]


class BrokerFailed(Exception):
    """The broker ended before it was ready: `returncode`, and in the text what it printed."""

    def __init__(self, returncode, output):
        super().__init__(f"sluice-broker ended with {returncode}: {output}")
        self.returncode = returncode
        self.output = output


def wait_until(condition, seconds, what):
    """Polls `condition` until it is true; an AssertionError that says `what` when time runs out."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} within {seconds} s")
        select.select([], [], [], 0.005)


class Broker:
    def __init__(self, data=None, wrapper=(), start=True, env=None, program="sluice-broker", **settings):
        """`settings`: configuration keys with __ for dots (num__partitions=3). `wrapper`: a command put in front."""
        self.own = data is None
        self.data = pathlib.Path(data or tempfile.mkdtemp(prefix="sluice-test."))
        self.wrapper = list(wrapper)
        self.env = env
        self.program = program
        self.settings = {key.replace("__", "."): value for key, value in settings.items()}
        if self.settings.get("log.append.method") == "mmap":  # A test that asks for maps means every append.
            self.settings.setdefault("sluice.map.from.bytes", "0")
        self.process = None
        self.output = ""
        self.kafka_port = 0  # The first start picks one; later starts take it again, so that clients find it.
        if start:
            try:
                self.start()
            except BaseException:  # Nobody gets an object to clean up with.
                self.__exit__()
                raise

    @property
    def address(self):
        return f"127.0.0.1:{self.kafka_port}"

    @property
    def grpc_address(self):
        return f"127.0.0.1:{self.grpc_port}"

    @property
    def pid(self):
        return self.process.pid

    @property
    def log_dir(self):
        return self.data / "log"

    def start(self, seconds=60):
        self.data.mkdir(parents=True, exist_ok=True)
        ports = self.data / "ports.json"
        ports.unlink(missing_ok=True)
        settings = {
            "log.dirs": str(self.log_dir),
            "listeners": f"PLAINTEXT://127.0.0.1:{self.kafka_port}",
            "sluice.grpc.listener": "127.0.0.1:0",
        } | self.settings
        command = self.wrapper + [str(BIN / self.program), "--ports-file", str(ports)]
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]
        self.log_path = self.data / "broker.log"
        with open(self.log_path, "ab") as log:
            self.log_begin = log.tell()
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=self.env)
        wait_until(lambda: ports.exists() or self.process.poll() is not None, seconds, "ready broker")
        if not ports.exists():
            code, self.process = self.process.returncode, None
            raise BrokerFailed(code, self.log())
        found = json.loads(ports.read_text())
        self.kafka_port, self.grpc_port = found["kafka"], found["grpc"]
        return self

    def start_until_killed(self):
        """As start(); False when SIGKILL ended the broker before it was ready."""
        try:
            self.start()
        except BrokerFailed as failed:
            if failed.returncode != -signal.SIGKILL:
                raise
            return False
        return True

    def log(self):
        """What this run printed so far."""
        with open(self.log_path, "rb") as log:
            log.seek(self.log_begin)
            return log.read().decode(errors="replace")

    def ready_ms(self):
        """What the broker itself says: `ready in N ms`."""
        def found():
            return [line for line in self.log().splitlines() if line.startswith("ready in ") and line.endswith("ms")]

        wait_until(found, 20, "line that says ready")  # It is printed after the ports file is written.
        return int(found()[0].split()[2])

    def stop(self, seconds=60):
        """SIGTERM; the broker must end with 0."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self.process = None
        assert code == 0, f"the broker ended with {code}: {self.log()}"

    def kill(self):
        """Fine if it ended by itself."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process is not None:
            self.kill()
        if self.own:
            shutil.rmtree(self.data, ignore_errors=True)


def run(command, check=True, seconds=300, **more):
    """A command's CompletedProcess, output captured; an AssertionError with its stderr when it fails."""
    result = subprocess.run([str(part) for part in command], capture_output=True, timeout=seconds, **more)
    if check and result.returncode != 0:
        raise AssertionError(f"{command} ended with {result.returncode}: {result.stderr.decode(errors='replace')[-2000:]}")
    return result


def run_cli(broker, *arguments, check=True, **more):
    return run([BIN / "sluice", "-b", broker.address, *arguments], check=check, **more)


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def write_lines(path, count):
    """`count` different lines of 20 to 180 bytes, the same each time."""
    with open(path, "w") as out:
        for i in range(count):
            digest = hashlib.md5(str(i).encode()).hexdigest()
            out.write(f"{i:07d} {digest * (1 + i % 5)}\n")
    return path
