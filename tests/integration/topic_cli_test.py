"""Topics as the command line changes them, against a running broker."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import Broker, run_cli

EXIT_FAILED, EXIT_NOT_FOUND = 1, 3


class TopicAlter(unittest.TestCase):
    def setUp(self):
        self.broker = self.enterContext(Broker())
        self.cli("create", "orders", "-c", "retention.ms=60000")

    def cli(self, *arguments, **more):
        return run_cli(self.broker, "topic", *arguments, **more)

    def configs(self):
        described = run_cli(self.broker, "--format", "json", "topic", "describe", "orders").stdout
        return {name: config["value"] for name, config in json.loads(described)["configs"].items()
                if config["source"] == "topic"}

    def test_sets_several_and_takes_back_others(self):
        self.cli("alter", "orders", "-c", "cleanup.policy=compact", "-c", "segment.bytes=1048576", "--unset", "retention.ms")
        self.assertEqual(self.configs(), {"cleanup.policy": "compact", "segment.bytes": "1048576"})

    def test_a_value_that_is_none_changes_nothing(self):
        done = self.cli("alter", "orders", "-c", "segment.bytes=many", "-c", "cleanup.policy=compact", check=False)
        self.assertEqual(done.returncode, EXIT_FAILED)
        self.assertIn(b"segment.bytes", done.stderr)
        self.assertEqual(self.configs(), {"retention.ms": "60000"})

    def test_says_when_there_is_no_such_topic_or_nothing_to_do(self):
        missing = self.cli("alter", "missing", "-c", "retention.ms=1", check=False)
        self.assertEqual(missing.returncode, EXIT_NOT_FOUND, missing.stderr)
        idle = self.cli("alter", "orders", check=False)
        self.assertIn(b"give --config KEY=VALUE or --unset KEY", idle.stderr)


if __name__ == "__main__":
    unittest.main()
