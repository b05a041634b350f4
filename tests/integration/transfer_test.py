"""How bytes move, seen from outside the process: by sendfile on the way out, by a shared map on the way in.

TRANSFER_MB says how much is moved (default 64; the figures in docs/benchmarks/ were taken with 1024).
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import Broker, run_cli, wait_until

MEGABYTES = int(os.environ.get("TRANSFER_MB", "64"))
READS = {"read", "pread64", "preadv", "preadv2", "readv"}
WRITES = {"write", "pwrite64", "pwritev", "pwritev2", "writev"}
SENDS = {"sendto", "sendmsg", "write", "writev", "sendmmsg"}

# `12 sendfile(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, 20</data/t-0/0.log>, [0] => [5], 5) = 5`, also when strace split it in two.
WHOLE = re.compile(r"^(\d+)\s+(\w+)\(\d+<([^>]*(?:->[^>]*)?)>.*= (\d+)$")
BEGUN = re.compile(r"^(\d+)\s+(\w+)\(\d+<([^>]*(?:->[^>]*)?)>.*<unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+)\s+<\.\.\. (\w+) resumed>.*= (\d+)$")


def bytes_by_call(trace):
    """{(system call, kind of file): bytes moved}; the kinds are segment, socket and other."""
    moved, begun = {}, {}

    def count(call, target, size):
        kind = "segment" if "/t-0/" in target else "socket" if target.startswith("TCP") else "other"
        moved[call, kind] = moved.get((call, kind), 0) + int(size)

    for line in pathlib.Path(trace).read_text(errors="replace").splitlines():
        if match := BEGUN.match(line):
            begun[match[1]] = match[3]
        elif match := RESUMED.match(line):
            count(match[2], begun.pop(match[1], ""), match[3])
        elif match := WHOLE.match(line):
            count(match[2], match[3], match[4])
    return moved


def total(moved, calls, kind):
    return sum(size for (call, of), size in moved.items() if call in calls and of == kind)


class Transfer(unittest.TestCase):
    def traced(self, broker, action):
        """What the broker's system calls moved while `action` ran."""
        trace = broker.data / "strace.out"
        calls = ",".join(sorted(READS | WRITES | SENDS | {"sendfile"}))
        tracer = subprocess.Popen(["strace", "-f", "-yy", "-s", "0", "-o", trace, "-e", f"trace={calls}", "-p", str(broker.pid)],
                                  stderr=subprocess.PIPE)
        try:
            self.assertIn(b"attached", tracer.stderr.readline())
            action()
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.communicate(timeout=60)
        return bytes_by_call(trace)

    def produce(self, broker):
        record = b"x" * 1023 + b"\n"
        run_cli(broker, "produce", "t", "-p", "0", input=record * (MEGABYTES << 10))

    def test_consumed_bytes_go_by_sendfile_and_segments_are_not_read(self):
        with Broker(num__partitions="1") as broker:
            run_cli(broker, "topic", "create", "t")
            self.produce(broker)
            moved = self.traced(broker, lambda: run_cli(broker, "consume", "t", "-o", "start", "-e", "-f", ""))
            by_sendfile = moved.get(("sendfile", "socket"), 0)
            copied = total(moved, SENDS, "socket")
            self.assertGreater(by_sendfile, MEGABYTES << 20)
            self.assertGreaterEqual(by_sendfile / (by_sendfile + copied), 0.99, moved)
            # Headers, where a range must end at a batch; and a last range too small for a sendfile.
            self.assertLess(total(moved, READS, "segment") / by_sendfile, 0.001, moved)
            print(f"{by_sendfile} bytes by sendfile, {copied} copied: {100 * by_sendfile / (by_sendfile + copied):.4f} %",
                  file=sys.stderr)

    def test_produced_bytes_are_stored_through_the_map(self):
        with Broker(num__partitions="1", sluice__map__from__bytes="0") as broker:
            run_cli(broker, "topic", "create", "t")
            moved = self.traced(broker, lambda: self.produce(broker))
            self.assertEqual(total(moved, WRITES, "segment"), 0, moved)
            maps = pathlib.Path(f"/proc/{broker.pid}/maps").read_text().splitlines()
            segments = [line for line in maps if "/t-0/" in line and line.endswith(".log")]
            self.assertTrue(segments, "no segment is mapped")
            for line in segments:
                self.assertRegex(line, r" rw-s ")

    def test_an_idle_partition_gives_its_map_back(self):
        with Broker(sluice__idle__unmap__ms="50", sluice__map__from__bytes="0") as broker:
            run_cli(broker, "topic", "create", "t")
            run_cli(broker, "produce", "t", input=b"hello\n")
            maps = pathlib.Path(f"/proc/{broker.pid}/maps")
            wait_until(lambda: not re.search(r"rw-s .*/t-0/", maps.read_text()), 30, "unmapped segment")
            run_cli(broker, "produce", "t", input=b"again\n")
            self.assertEqual(run_cli(broker, "consume", "t", "-o", "start", "-e").stdout, b"hello\nagain\n")


if __name__ == "__main__":
    unittest.main()
