"""Starting, stopping and refusing to start: what a person and a supervisor see of the process."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from sluice_test import BIN, Broker, BrokerFailed, run, run_cli


class Lifecycle(unittest.TestCase):
    def test_starts_in_at_most_twelve_lines_and_says_ready_last(self):
        with Broker() as broker:
            lines = broker.log().splitlines()
            self.assertLessEqual(len(lines), 12, lines)
            self.assertRegex(lines[-1], r"^ready in \d+ ms$")

    def test_ports_file_holds_the_real_ports(self):
        with Broker() as broker:
            self.assertEqual(json.loads((broker.data / "ports.json").read_text()),
                             {"kafka": broker.kafka_port, "grpc": broker.grpc_port})
            self.assertGreater(broker.kafka_port, 0)
            self.assertGreater(broker.grpc_port, 0)

    def test_sigterm_under_load_loses_nothing_and_marks_the_data_clean(self):
        with Broker() as broker:
            run_cli(broker, "topic", "create", "t")
            run_cli(broker, "produce", "t", input=b"".join(b"%d\n" % i for i in range(10_000)))
            broker.stop()
            self.assertIn("stopped cleanly in", broker.log())
            broker.start()
            self.assertIn("clean", broker.log())
            out = run_cli(broker, "consume", "t", "-o", "start", "-e").stdout
            self.assertEqual(out.splitlines(), [b"%d" % i for i in range(10_000)])

    def test_refuses_a_directory_that_another_broker_serves(self):
        with Broker() as first:
            with self.assertRaises(BrokerFailed) as failed:
                Broker(data=first.data)
            self.assertIn("in use", failed.exception.output)
            self.assertEqual(failed.exception.returncode, 1)

    def test_refuses_a_newer_format_in_words(self):
        with Broker() as broker:
            broker.stop()
            properties = broker.log_dir / "meta.properties"
            text = properties.read_text()
            self.assertIn("version=1", text)
            properties.write_text(text.replace("version=1", "version=99"))
            with self.assertRaises(BrokerFailed) as failed:
                broker.start()
            self.assertIn("99", failed.exception.output)
            self.assertIn("newer", failed.exception.output)

    def test_refuses_another_clusters_directory(self):
        with Broker() as broker:
            broker.stop()
            properties = broker.log_dir / "meta.properties"
            lines = [("cluster.id=AAAAAAAAAAAAAAAAAAAAAA" if line.startswith("cluster.id=") else line)
                     for line in properties.read_text().splitlines()]
            properties.write_text("\n".join(lines) + "\n")
            with self.assertRaises(BrokerFailed) as failed:
                broker.start()
            self.assertIn("cluster", failed.exception.output)

    @unittest.skipIf(os.geteuid() == 0 and not pathlib.Path("/usr/bin/setpriv").exists(), "needs to drop root's rights")
    def test_refuses_a_read_only_directory_in_words(self):
        with tempfile.TemporaryDirectory(prefix="sluice-test.") as directory:
            data = pathlib.Path(directory, "data")
            data.mkdir()
            data.chmod(0o555)
            wrapper = ("setpriv", "--reuid=65534", "--clear-groups") if os.geteuid() == 0 else ()
            pathlib.Path(directory).chmod(0o755)
            result = run([*wrapper, BIN / "sluice-broker", "--set", f"log.dirs={data}/log", "--set",
                          "listeners=PLAINTEXT://127.0.0.1:0", "--set", "sluice.grpc.listener=127.0.0.1:0"], check=False)
            self.assertEqual(result.returncode, 1)
            self.assertIn(b"Permission denied", result.stderr)
            self.assertIn(str(data).encode(), result.stderr)

    def test_refuses_an_open_listener_without_authentication(self):
        with self.assertRaises(BrokerFailed) as failed:
            Broker(listeners="PLAINTEXT://0.0.0.0:0")
        self.assertIn("sluice.allow.open.listener", failed.exception.output)

    def test_says_who_holds_a_port_that_is_taken(self):
        with Broker() as first:
            with self.assertRaises(BrokerFailed) as failed:
                Broker(listeners=f"PLAINTEXT://127.0.0.1:{first.kafka_port}")
            self.assertIn(str(first.kafka_port), failed.exception.output)
            self.assertIn("in use", failed.exception.output)


class Configuration(unittest.TestCase):
    def check(self, *arguments, env=None):
        result = subprocess.run([BIN / "sluice-broker", "--check", *arguments], capture_output=True, text=True,
                                env=os.environ | (env or {}), timeout=30)
        return result.returncode, result.stdout + result.stderr

    def test_check_accepts_good_and_names_bad(self):
        self.assertEqual(self.check("--set", "log.retention.ms=1000")[0], 0)
        code, text = self.check("--set", "log.retension.ms=1000")
        self.assertEqual(code, 2)
        self.assertIn("log.retention.ms", text)
        code, text = self.check("--set", "log.segment.bytes=banana")
        self.assertEqual(code, 2)
        self.assertIn("log.segment.bytes", text)
        self.assertIn("banana", text)

    def test_later_source_wins(self):
        with tempfile.NamedTemporaryFile("w", suffix=".properties") as file:
            file.write("num.partitions=2\nlog.retention.ms=abc\n")
            file.flush()
            code, text = self.check("--config", file.name)
            self.assertEqual(code, 2)
            self.assertIn(f"{file.name}:2", text)
            self.assertEqual(self.check("--config", file.name, "--set", "log.retention.ms=5")[0], 2)
            file.seek(0)
            file.write("num.partitions=2\nlog.retention.ms=7  \n")
            file.flush()
            with Broker(env=os.environ | {"SLUICE_NUM_PARTITIONS": "3"}) as broker:
                run_cli(broker, "topic", "create", "t")
                described = json.loads(run_cli(broker, "--format", "json", "topic", "describe", "t").stdout)
                self.assertEqual(len(described["partitions"]), 3)

    def test_unknown_environment_key_is_an_error(self):
        code, text = self.check(env={"SLUICE_LOG_RETENSION_MS": "1"})
        self.assertEqual(code, 2)
        self.assertIn("SLUICE_LOG_RETENSION_MS", text)


if __name__ == "__main__":
    unittest.main()
