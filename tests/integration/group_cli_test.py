"""Consumer groups from the command line against our own broker: the cases of tests/support/group_cases.py."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from group_cases import GroupCases
from sluice_test import Broker


class Groups(GroupCases, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.broker = cls.enterClassContext(Broker(group__initial__rebalance__delay__ms="0"))

    def test_members_go_on_over_a_broker_that_is_killed(self):
        topic = self.topic()
        a, b = self.start(topic), self.start(topic)
        self.wait_for_shares([a, b], topic, 6)
        lines = self.produce(topic, 600)
        self.wait_for_lines([a, b], 600)
        self.broker.kill()
        self.broker.start()
        lines += self.produce(topic, 600)
        self.wait_for_lines([a, b], 1200)
        self.assertEqual((a.end(), b.end()), (0, 0))
        self.assertEqual(sorted(set(self.all_lines([a, b]))), lines)
        self.assertEqual(self.read(topic), [])


if __name__ == "__main__":
    unittest.main()
