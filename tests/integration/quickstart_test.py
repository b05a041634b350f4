"""tools/quickstart, as a newcomer runs it (packages and build are there already when this runs)."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import SOURCE, run


class Quickstart(unittest.TestCase):
    def test_moves_real_data_and_shows_it(self):
        result = run([SOURCE / "tools/quickstart"], seconds=600)
        text = result.stdout.decode() + result.stderr.decode()
        self.assertRegex(text, r"same bytes: \d{6} lines, \d{8} bytes")
        self.assertRegex(text, r"\d+ records/s, [\d.]+ MB/s")
        self.assertRegex(text, r"% of it by sendfile")
        self.assertLess(len(text.splitlines()), 60, text)


if __name__ == "__main__":
    unittest.main()
