"""What the README tells people to type is typed here: every `sh` block, in order, against one broker."""

import os
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import BIN, SOURCE, Broker, run

# The two that set everything up are what runs this test, and what tests/integration/quickstart_test.py runs.
SET_UP = {"tools/quickstart", "tools/check"}


def blocks(path):
    text = pathlib.Path(path).read_text()
    return re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)


class Readme(unittest.TestCase):
    def run_blocks(self, path):
        found = [block for block in blocks(path) if not set(block.split("\n")) & SET_UP]
        self.assertTrue(found)
        with Broker() as broker, tempfile.TemporaryDirectory(prefix="sluice-test.") as directory:
            environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "SLUICE_BROKERS": broker.address,
                                        "BROKER": broker.address}
            for block in found:
                # The broker of the test has a port of its own; everything else is typed as it stands.
                script = block.replace("localhost:9092", broker.address)
                with self.subTest(block=block):
                    run(["bash", "-euo", "pipefail", "-c", script], cwd=directory, env=environment, seconds=60)

    def test_commands_of_the_readme_work(self):
        self.run_blocks(SOURCE / "README.md")

    def test_member_of_a_group_in_the_guide_is_the_one_that_is_compiled(self):
        program = (SOURCE / "tests/install/example/group_consume.cc").read_text()
        body = re.search(r"^  // \[docs/client.md: a member\]\n(.*?)^  // \[end\]$", program, re.M | re.S).group(1)
        self.assertIn(re.sub(r"^  ", "", body, flags=re.M), (SOURCE / "docs/client.md").read_text())


if __name__ == "__main__":
    unittest.main()
