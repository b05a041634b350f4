"""Runs the scenarios with one client, several beside each other, and keeps what came of them as JSON."""

import concurrent.futures
import dataclasses
import json
import shutil
import threading
import time

import admin, groups, records  # noqa: E401, F401: they register the features, in this order.
from brokers import start_broker
from client import Absent, Worker
from clients import CLIENTS, COUNTERPART, DOUBLES, NOTES
from install import CACHE, NotRun
from scenario import FEATURES, Trial
from sluice_test import run_cli, wait_until

PASSED, FAILED, ABSENT = "passed", "failed", "not in this client"


@dataclasses.dataclass
class Result:
    client: str
    version: str = ""
    not_run: str = ""  # Why there are no cells.
    cells: dict = dataclasses.field(default_factory=dict)  # feature -> {"result", "why", "seconds"}

    def failed(self):
        return [name for name, cell in self.cells.items() if cell["result"] == FAILED]


class Lane:
    """A thread's own workers: the client's, and the counterpart's."""

    def __init__(self, broker, command, counterpart_command, logs, number):
        self.worker = Worker(command, broker.address, logs / f"worker-{number}.log")
        self.counterpart = Worker(counterpart_command, broker.address, logs / f"counterpart-{number}.log")

    def close(self):
        self.worker.kill()
        self.counterpart.kill()


class Session:
    """One client at one broker."""

    def __init__(self, client, broker, command, counterpart_command, logs):
        self.client, self.broker, self.command, self.counterpart_command = client, broker, command, counterpart_command
        self.logs = logs
        self.local = threading.local()
        self.lanes = []
        self.lock = threading.Lock()

    def lane(self):
        if not hasattr(self.local, "lane"):
            with self.lock:
                self.local.lane = Lane(self.broker, self.command, self.counterpart_command, self.logs, len(self.lanes))
                self.lanes.append(self.local.lane)
        return self.local.lane

    def fresh_lane(self):
        """After a failure the worker may still owe an answer."""
        with self.lock:
            self.lanes.remove(self.local.lane)
        self.local.lane.close()
        del self.local.lane

    def run(self, number, feature):
        if (self.client, feature.name) in NOTES:
            return feature.name, {"result": ABSENT, "why": NOTES[self.client, feature.name], "seconds": 0}
        lane, began = self.lane(), time.monotonic()
        trial = Trial(self.broker, lane, self.command, self.counterpart_command, number, self.logs,
                      self.client in DOUBLES)
        try:
            feature.run(trial)
            result, why = PASSED, ""
        except Absent as error:
            result, why = ABSENT, str(error)
        except Exception as error:  # Whatever went wrong, the other features go on.
            result, why = FAILED, f"{type(error).__name__}: {error}"
            self.fresh_lane()
        finally:
            trial.close()
        cell = {"result": result, "why": why, "seconds": round(time.monotonic() - began, 1)}
        print(f"{self.client}: {feature.name}: {result}{': ' + why[:1500] if why else ''} ({cell['seconds']} s)", flush=True)
        return feature.name, cell

    def run_all(self, features, lanes):
        beside = [(number, feature) for number, feature in features if not feature.alone]
        with concurrent.futures.ThreadPoolExecutor(lanes) as pool:
            cells = dict(pool.map(lambda pair: self.run(*pair), beside))
        return cells | dict(self.run(number, feature) for number, feature in features if feature.alone)

    def close(self):
        for lane in self.lanes:
            lane.close()


def run_client(name, broker_kind, text="", lanes=3):
    result = Result(name)
    try:
        command, counterpart_command = CLIENTS[name](), CLIENTS[COUNTERPART]()
    except NotRun as error:
        result.not_run = str(error)
        print(f"{name}: not run: {error}", flush=True)
    else:
        run_installed(result, command, counterpart_command, broker_kind, text, lanes)
    if not text:
        keep(result, broker_kind)
    return result


def run_installed(result, command, counterpart_command, broker_kind, text, lanes):
    features = [(number, feature) for number, feature in enumerate(FEATURES)
                if text in feature.name]
    logs = CACHE / "logs" / broker_kind / result.client
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    with start_broker(broker_kind) as broker:
        session = Session(result.client, broker, command, counterpart_command, logs)
        try:
            warm_up(broker, session.lane().counterpart)
            result.version = session.lane().worker.call("hello")["client"]
            result.cells = session.run_all(features, lanes)
        finally:
            session.close()
        if result.failed() and broker_kind == "sluice":
            print(f"the broker's log ends with:\n{broker.log()[-3000:]}", flush=True)
    by_result = [cell["result"] for cell in result.cells.values()]
    print(f"{result.client} ({result.version}): {by_result.count(PASSED)} passed, {by_result.count(FAILED)} failed, "
          f"{by_result.count(ABSENT)} not in this client", flush=True)


def warm_up(broker, counterpart):
    """The first question for a group's coordinator makes the topic of offsets, and some clients do not wait for that."""
    run_cli(broker, "topic", "create", "warm-up")
    wait_until(lambda: run_cli(broker, "topic", "describe", "warm-up", check=False).returncode == 0, 20, "first topic")
    counterpart.call("committed", group="warm-up", topic="warm-up")


def keep(result, broker_kind):
    place = CACHE / "results" / broker_kind
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{result.client}.json").write_text(json.dumps(dataclasses.asdict(result), indent=1) + "\n")
