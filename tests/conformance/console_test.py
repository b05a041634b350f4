"""A web console (kafka-viewer of PyPI) in a real browser against our broker: what it shows is what is there.

Opt-in: CONSOLE=1, with Debian's chromium installed. The screenshots are kept in build/conformance/console.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "matrix"), str(HERE.parent / "support")]

from install import CACHE, PYTHON
from sluice_test import Broker, run, run_cli, wait_until

CONSOLE = "kafka-viewer==0.4.0"
BROWSER = "playwright-core@1.64.1"
SCREENSHOTS = CACHE / "console"


def setUpModule():
    if os.environ.get("CONSOLE") != "1":
        raise unittest.SkipTest("set CONSOLE=1 to look at a web console (300 MB from PyPI and npm; Debian's chromium)")
    if shutil.which("chromium") is None:
        raise unittest.SkipTest("no chromium: apt-get install chromium")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    if not (SCREENSHOTS / "python/bin/kafka-viewer").exists():
        run([PYTHON, "-m", "venv", SCREENSHOTS / "python"], seconds=120)
        run([SCREENSHOTS / "python/bin/pip", "install", "-q", CONSOLE], seconds=600)
    if not (SCREENSHOTS / "node_modules/playwright-core").exists():
        run(["npm", "install", "--silent", "--no-save", "--prefix", SCREENSHOTS, BROWSER], seconds=300)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Console:
    """kafka-viewer, serving its page at `url`."""

    def __init__(self, broker, directory):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        config = pathlib.Path(directory) / "viewer.properties"
        config.write_text(f"kafka.bootstrap.servers={broker.address}\n")
        environment = os.environ | {"STREAMLIT_SERVER_PORT": str(port), "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
                                    "STREAMLIT_SERVER_HEADLESS": "true"}
        self.log = open(pathlib.Path(directory) / "viewer.log", "w+")
        self.process = subprocess.Popen([SCREENSHOTS / "python/bin/kafka-viewer", "--config", config], env=environment,
                                        stdout=self.log, stderr=self.log, start_new_session=True)
        wait_until(self.is_up, 60, "page of the console")

    def is_up(self):
        assert self.process.poll() is None, pathlib.Path(self.log.name).read_text()
        try:
            return urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5).status == 200
        except (urllib.error.URLError, OSError):
            return False

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


class ConsoleTest(unittest.TestCase):
    def test_topics_statistics_and_messages_are_shown(self):
        broker = self.enterContext(Broker())
        directory = self.enterContext(tempfile.TemporaryDirectory(prefix="sluice-test."))
        run_cli(broker, "topic", "create", "orders", "-p", "3")
        run_cli(broker, "topic", "create", "payments")
        lines = [json.dumps({"key": f"customer-{i}", "value": json.dumps({"item": f"pizza {i}"}), "partition": i % 3})
                 for i in range(9)]
        run_cli(broker, "produce", "orders", "--json", input="\n".join(lines).encode())
        console = Console(broker, directory)
        self.addCleanup(console.close)
        seen = json.loads(run(["node", HERE / "console.mjs", console.url, SCREENSHOTS], seconds=180,
                              env=os.environ | {"NODE_PATH": str(SCREENSHOTS / "node_modules")}).stdout)
        self.assertIn("Status: Connected", seen["start"])
        self.assertEqual(seen["topics"], ["orders", "payments"])
        self.assertRegex(seen["start"], r"Total Records\s+9\s")
        self.assertRegex(seen["start"], r"Published Today\s+9\s")
        self.assertRegex(seen["start"], r"Partitions\s+3\s")
        for i in range(9):
            self.assertIn(f"partition={i % 3} offset={i // 3}", seen["messages"])
        self.assertIn("pizza", seen["first"])
        self.assertNotIn("Unable to", seen["messages"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
