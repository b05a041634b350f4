"""How long a broker takes from its start until it answers, by how much it holds: after a clean stop, and after kill -9 under load.

  TEST_BIN_DIR=build/release/bin python3 tests/bench/start_to_ready.py [GIB,...] [PARTITIONS,...] [key=value ...]

Fills a topic with 1 KiB records through the broker, stops it in order and starts it; then kills it in the middle of a load with
acks=all and starts it again. Prints one JSON line for each pair. The data go to TMPDIR.
"""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import BIN, Broker, run_cli, wait_until

RECORDS_PER_GIB = 1 << 20


def produce_command(broker, records, partitions, acks):
    return [BIN / "sluice", "-b", broker.address, "bench", "produce", "t", "-n", str(records), "--producers", "2",
            "--partitions", str(partitions), "--acks", acks]


def end_offsets(broker):
    described = json.loads(run_cli(broker, "topic", "describe", "t", "--format", "json").stdout)
    return sum(partition["end"] for partition in described["partitions"])


def measure(gib, partitions, settings):
    with Broker(**settings) as broker:
        run_cli(broker, "topic", "create", "t", "-p", str(partitions))
        subprocess.run(produce_command(broker, gib * RECORDS_PER_GIB, partitions, "1"), check=True, capture_output=True)
        broker.stop()
        broker.start()
        clean_ms = broker.ready_ms()
        before = end_offsets(broker)
        load = subprocess.Popen(produce_command(broker, 1 << 30, partitions, "all"), stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: end_offsets(broker) > before + 200_000, 120, "load")
            broker.kill()
        finally:
            load.kill()
            load.wait()
        broker.start()
        checked = next((line for line in broker.log().splitlines() if "checked" in line), "")
        print(json.dumps({"gib": gib, "partitions": partitions, "clean_ms": clean_ms, "killed_ms": broker.ready_ms(),
                          "said": checked.strip()}), flush=True)


def main():
    numbers = [argument.split(",") for argument in sys.argv[1:] if "=" not in argument]
    settings = dict(argument.replace(".", "__").split("=") for argument in sys.argv[1:] if "=" in argument)
    sizes, counts = (numbers + [["1"], ["1"]])[:2] if len(numbers) < 2 else numbers[:2]
    for gib in sizes:
        for count in counts:
            measure(int(gib), int(count), settings)


if __name__ == "__main__":
    main()
