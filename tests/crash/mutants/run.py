"""Seeded faults: does the suite catch what it is there for? Each mutant is a small wrong change of the broker; the
tests that it names must fail once it is built in, and must pass without it.

    python3 tests/crash/mutants/run.py                   # All, and a table.
    python3 tests/crash/mutants/run.py journal dedup     # Those with one of these parts in their names.
    python3 tests/crash/mutants/run.py --list

A mutant is a file NAME.patch in this directory: what it says about itself, and a unified diff.

    Fault: acknowledged before the journal is on the disk
    Test: SEED=1 sluice_power_cut_log_test */WhatWasAcknowledged*

`Test` is a target, which names its program too, and a gtest filter, with environment before them; there may be several,
and each must fail. Everything happens in a copy of the source tree with a build of its own (--work, kept between runs
if it is given). A patch that does not apply or build is an error, and catches nothing. Exit code: 0 when every mutant
was caught, 1 when one survived, 2 when something went wrong.
"""

import argparse
import dataclasses
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[2]
FAILED = re.compile(r"^\[  FAILED  \] ([^\s,]+)", re.MULTILINE)
RAN = re.compile(r"^\[==========\] (\d+) tests? from .* ran\.", re.MULTILINE)


def environment():
    """Files in memory where there is such a place: what the tests ask of a disk, they ask of one of their making."""
    in_memory = {} if "TMPDIR" in os.environ or not os.access("/dev/shm", os.W_OK) else {"TMPDIR": "/dev/shm"}
    return os.environ | in_memory


class Error(Exception):
    """Said to the user as it is."""


@dataclasses.dataclass(frozen=True)
class Test:
    environment: tuple
    target: str
    filter: str

    def __str__(self):
        return f"{self.target} {self.filter}"


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    fault: str
    tests: tuple
    patch: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Outcome:
    passed: bool
    how: str
    ran: int


def parse_test(text, path):
    words = shlex.split(text)
    environment = []
    while words and "=" in words[0]:
        environment.append(tuple(words.pop(0).split("=", 1)))
    if len(words) != 2:
        raise Error(f"{path}: 'Test: {text}' is not [VARIABLE=value ...] TARGET FILTER")
    return Test(tuple(environment), *words)


def read_mutant(path):
    faults, tests = [], []
    for line in path.read_text().split("\n--- ", 1)[0].splitlines():
        key, _, value = line.partition(": ")
        if key == "Fault":
            faults.append(value.strip())
        elif key == "Test":
            tests.append(parse_test(value, path))
    if len(faults) != 1 or not tests:
        raise Error(f"{path}: needs one line 'Fault: ...' and at least one 'Test: ...' before the diff")
    return Mutant(path.stem, faults[0], tuple(tests), path)


def choose(parts):
    mutants = [read_mutant(path) for path in sorted(HERE.glob("*.patch"))]
    for part in parts:
        if not any(part in mutant.name for mutant in mutants):
            raise Error(f"no mutant has '{part}' in its name; --list names them all")
    return [mutant for mutant in mutants if not parts or any(part in mutant.name for part in parts)]


def run(command, what, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        raise Error(f"{what}:\n" + "\n".join(done.stdout.splitlines()[-40:]))
    return done.stdout


def write_if_other(source, target):
    """Same content keeps its time: nothing is built again for it."""
    content = source.read_bytes()
    if not target.exists() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        shutil.copymode(source, target)


class Scratch:
    """A copy of the source tree, as it is with what is not committed yet, and its build."""

    def __init__(self, work, preset, jobs):
        self.source, self.build = work / "src", work / "build"
        self.preset, self.jobs = preset, jobs
        self.patched = []

    def copy(self):
        listed = run(
            ["git", "-C", str(SOURCE), "ls-files", "-z", "--cached", "--others", "--exclude-standard"], "git ls-files"
        )
        names = {name for name in listed.split("\0") if name and (SOURCE / name).is_file()}
        for name in names:
            write_if_other(SOURCE / name, self.source / name)
        for old in list(self.source.rglob("*")):
            if old.is_file() and str(old.relative_to(self.source)) not in names:
                old.unlink()

    def restore(self):
        for name in self.patched:
            write_if_other(SOURCE / name, self.source / name)
        self.patched = []

    def apply(self, mutant):
        command = ["git", "apply", "--whitespace=nowarn", str(mutant.patch)]
        # Outside of any repository, so that the paths are those of the copy.
        environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(self.source.parent)}
        run(command, f"{mutant.name} does not apply: the code has changed under it", cwd=self.source, env=environment)
        self.patched = re.findall(r"^\+\+\+ b/(\S+)", mutant.patch.read_text(), re.MULTILINE)

    def configure(self):
        if not (self.build / "build.ninja").exists():
            run(["cmake", "--preset", self.preset, "-B", str(self.build)], "cmake", cwd=self.source)

    def make(self, targets, what):
        jobs = [f"-j{self.jobs}"] if self.jobs else []
        run(["cmake", "--build", str(self.build), *jobs, "--target", *sorted(targets)], what)

    def test(self, test, seconds_max):
        command = [str(self.build / "bin" / test.target), f"--gtest_filter={test.filter}", "--gtest_fail_fast"]
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment() | dict(test.environment),
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=seconds_max)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output, _ = process.communicate()
                return Outcome(False, f"{test.target}: hangs, killed after {seconds_max} s", 0)
        return self.judge(test, process.returncode, output)

    @staticmethod
    def judge(test, code, output):
        ran = RAN.search(output)
        count = int(ran.group(1)) if ran else 0
        if code == 0:
            return Outcome(True, f"{test} passes", count)
        failed = FAILED.search(output)
        if code < 0:
            began = re.findall(r"^\[ RUN      \] (\S+)", output, re.MULTILINE)
            where = began[-1] if began else test.target
            return Outcome(False, f"{where}: {signal.Signals(-code).name}", count)
        return Outcome(False, failed.group(1) if failed else f"{test.target}: exit code {code}", count)


def check_without_faults(scratch, mutants, seconds_max):
    tests = sorted({test for mutant in mutants for test in mutant.tests}, key=str)
    scratch.make({test.target for test in tests}, "the tree without a mutant does not build")
    for test in tests:
        outcome = scratch.test(test, seconds_max)
        if not outcome.passed:
            raise Error(f"without any mutant, {outcome.how} fails: it would catch nothing")
        if outcome.ran == 0:
            raise Error(f"{test}: no test has such a name")
    print(f"without a mutant: {len(tests)} choices of tests pass", flush=True)


def try_mutant(scratch, mutant, seconds_max):
    """Whether it was caught, and by what, or by what not."""
    scratch.restore()
    scratch.apply(mutant)
    scratch.make({test.target for test in mutant.tests}, f"{mutant.name} does not build")
    caught = []
    for test in mutant.tests:
        outcome = scratch.test(test, seconds_max)
        if outcome.passed:
            return False, f"SURVIVES {test}"
        caught.append(outcome.how)
    return True, ", ".join(caught)


def try_all(scratch, mutants, seconds_max):
    rows, survivors, errors = [], 0, 0
    for mutant in mutants:
        began = time.monotonic()
        try:
            caught, how = try_mutant(scratch, mutant, seconds_max)
            survivors += not caught
        except Error as error:
            print(error, file=sys.stderr, flush=True)
            how, errors = "ERROR: does not apply or build", errors + 1
        rows.append((mutant.name, mutant.fault, how, f"{time.monotonic() - began:.0f}"))
        print(f"[{len(rows)}/{len(mutants)}] {mutant.name}: {how} ({rows[-1][3]} s)", flush=True)
    scratch.restore()
    return rows, survivors, errors


def print_table(rows):
    print("\n| mutant | fault | caught by | s |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(cell.replace("|", "/") for cell in row) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", help="parts of the names of the mutants to try")
    parser.add_argument("--list", action="store_true", help="name the mutants, their faults and tests, and stop")
    parser.add_argument("--work", type=pathlib.Path, help="directory of the copy and its build, kept (else temporary)")
    parser.add_argument("--preset", default="release", help="the CMake preset to build with")
    parser.add_argument("--jobs", type=int, help="of the build at once")
    parser.add_argument("--test-seconds-max", type=int, default=180, help="a test that takes longer hangs")
    options = parser.parse_args()
    try:
        mutants = choose(options.name)
        if options.list:
            for mutant in mutants:
                print(f"{mutant.name}: {mutant.fault}")
                print("".join(f"    {test}\n" for test in mutant.tests), end="")
            return 0
        with tempfile.TemporaryDirectory(prefix="sluice-mutants-") as temporary:
            work = options.work.resolve() if options.work else pathlib.Path(temporary)
            scratch = Scratch(work, options.preset, options.jobs)
            scratch.copy()
            scratch.configure()
            check_without_faults(scratch, mutants, options.test_seconds_max)
            rows, survivors, errors = try_all(scratch, mutants, options.test_seconds_max)
    except Error as error:
        print(error, file=sys.stderr)
        return 2
    print_table(rows)
    print(f"\n{len(rows)} mutants: {len(rows) - survivors - errors} caught, {survivors} survived, {errors} errors")
    return 2 if errors else 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
