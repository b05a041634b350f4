#!/usr/bin/env python3
"""Runs sluice_floor bare and against a broker in turn, and prints medians and ratios.

    tests/bench/run_floor.py [RUNS [GIGABYTES]]       default: 5 runs of 4 GB, page-cache durability
"""

import json
import pathlib
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import BIN, Broker, run, run_cli


def measure(*arguments):
    return json.loads(run([BIN / "sluice_floor", *arguments], seconds=600).stdout)


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    size = int(float(sys.argv[2] if len(sys.argv) > 2 else 4) * 1e9)
    results = {}

    def note(result):
        results.setdefault((result["test"], result["server"]), []).append(result)

    with tempfile.TemporaryDirectory(prefix="sluice-bench.") as directory, \
            Broker(sluice__durability="page-cache") as broker:
        file = pathlib.Path(directory, "map")
        for i in range(runs):
            topic = f"floor-{i}"
            run_cli(broker, "topic", "create", topic)
            note(measure("produce-bare", file, size))
            note(measure("produce", broker.address, broker.pid, topic, size))
            note(measure("consume-bare", file))
            note(measure("consume", broker.address, broker.pid, topic))
            run_cli(broker, "topic", "delete", topic)
    print("| test | server | MB/s min/median/max | server CPU s/GB min/median/max |\n|---|---|---|---|")
    medians = {}
    for (test, server), found in results.items():
        columns = []
        for figure, digits in (("MB_per_s", 0), ("server_cpu_s_per_GB", 3)):
            values = [one[figure] for one in found]
            medians[test, server, figure] = statistics.median(values)
            columns.append("/".join(f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values))))
        print(f"| {test} | {server} | {columns[0]} | {columns[1]} |")
    for test in ("produce", "consume"):
        speed = medians[test, "bare", "MB_per_s"] / medians[test, "broker", "MB_per_s"]
        cpu = medians[test, "broker", "server_cpu_s_per_GB"] / medians[test, "bare", "server_cpu_s_per_GB"]
        print(f"{test}: bare is {speed:.2f} x as fast; the broker takes {cpu:.2f} x the CPU")


if __name__ == "__main__":
    main()
