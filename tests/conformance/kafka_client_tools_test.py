"""Apache Kafka's group tool, console clients, performance tools and verifiable clients against our broker.

Opt-in (see README.md): skipped unless KAFKA_PEER=1. It needs Kafka's jars and no running Kafka.
"""

import json
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from group_cases import Member
from kafka_tools import TOOLS, KafkaToolsCase
from sluice_test import run_cli, wait_until

GROUPS = TOOLS + "consumer.group.ConsumerGroupCommand"
RECORDS = 20  # Of each partition of "orders", a second apart, from START on.
START_MS = 1_700_000_000_000


class GroupTool(KafkaToolsCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="sluice-test.")))
        lines = [json.dumps({"value": f"{partition}-{i}", "partition": partition, "timestamp": START_MS + 1000 * i})
                 for partition in range(2) for i in range(RECORDS)]
        run_cli(self.broker, "produce", "orders", "--json", input="\n".join(lines).encode())
        self.commit(10)

    def commit(self, offset):
        self.groups("--reset-offsets", "--group", "shop", "--topic", "orders", "--to-offset", offset, "--execute")

    def groups(self, *arguments, check=True):
        return self.tool(GROUPS, *arguments, check=check)

    def reset(self, *arguments):
        """The offsets that the group has after a reset, by partition."""
        self.groups("--reset-offsets", "--group", "shop", *arguments, "--execute")
        return self.committed()

    def committed(self):
        rows = re.findall(r"(?m)^shop +orders +(\d) +(\d+|-) +(\d+) +(\d+|-)", self.groups("--describe", "--group", "shop"))
        for _, offset, end, lag in rows:
            self.assertEqual(lag, str(int(end) - int(offset)))
        return {int(partition): int(offset) for partition, offset, _, _ in rows}

    def member(self):
        member = Member(self.broker, self.directory, "shop", "orders")
        self.addCleanup(member.close)
        wait_until(lambda: len(member.owned()) == 2, 30, "both partitions")
        return member

    def test_resets_in_every_way(self):
        topic = ("--topic", "orders")
        self.assertEqual(self.committed(), {0: 10, 1: 10})
        self.assertEqual(self.reset(*topic, "--to-earliest"), {0: 0, 1: 0})
        self.assertEqual(self.reset(*topic, "--to-latest"), {0: RECORDS, 1: RECORDS})
        self.assertEqual(self.reset(*topic, "--to-offset", 7), {0: 7, 1: 7})
        self.assertEqual(self.reset("--topic", "orders:1", "--shift-by", -3), {0: 7, 1: 4})
        self.assertEqual(self.reset("--all-topics", "--shift-by", 2), {0: 9, 1: 6})
        self.assertEqual(self.reset(*topic, "--to-current"), {0: 9, 1: 6})
        self.assertEqual(self.reset(*topic, "--to-datetime", "2023-11-14T22:13:25.000+00:00"), {0: 5, 1: 5})
        self.assertEqual(self.reset(*topic, "--by-duration", "PT0S"), {0: RECORDS, 1: RECORDS})
        self.assertEqual(self.reset(*topic, "--to-offset", 1_000), {0: RECORDS, 1: RECORDS})  # No further than the end.

    def test_resets_from_a_file_and_a_dry_run_changes_nothing(self):
        plan = self.groups("--reset-offsets", "--group", "shop", "--topic", "orders", "--shift-by", 1, "--dry-run", "--export")
        self.assertEqual(sorted(re.findall(r"(?m)^orders,\d,\d+$", plan)), ["orders,0,11", "orders,1,11"])
        self.assertEqual(self.committed(), {0: 10, 1: 10})
        file = self.directory / "offsets.csv"
        file.write_text("orders,0,3\norders,1,4\n")
        self.assertEqual(self.reset("--from-file", file), {0: 3, 1: 4})

    def test_members_and_state_are_described(self):
        self.member()
        state = self.groups("--describe", "--group", "shop", "--state")
        self.assertRegex(state, rf"shop +{re.escape(self.broker.address)} +\(1\) +range +Stable +1")
        members = self.groups("--describe", "--group", "shop", "--members", "--verbose")
        self.assertRegex(members, r"shop +sluice-cli-\S+ +/127\.0\.0\.1 +sluice-cli +2 +.*orders.*0,\s*1")
        self.assertRegex(self.groups("--list", "--state"), r"shop +Stable")
        self.assertIn("shop", self.groups("--list"))
        self.assertRegex(self.tool(TOOLS + "GroupsCommand", "--list"), r"shop +Classic +consumer")

    def test_groups_of_the_new_protocol(self):
        self.tool(TOOLS + "consumer.ConsoleConsumer", "--topic", "orders", "--from-beginning", "--max-messages", 2,
                  "--group", "modern", "--command-property", "group.protocol=consumer")
        state = self.groups("--describe", "--group", "modern", "--state")
        self.assertRegex(state, rf"modern +{re.escape(self.broker.address)} +\(1\) +uniform +Empty +0")
        self.assertRegex(self.groups("--list", "--type", "consumer"), r"modern +Consumer")
        self.assertNotIn("shop", self.groups("--list", "--type", "consumer"))
        self.assertRegex(self.tool(TOOLS + "GroupsCommand", "--list", "--consumer"), r"modern +Consumer +consumer")
        self.groups("--reset-offsets", "--group", "modern", "--topic", "orders", "--to-offset", 5, "--execute")
        self.assertEqual(len(re.findall(r"(?m)^modern +orders +\d +5 ", self.groups("--describe", "--group", "modern"))), 2)
        self.assertIn("successful", self.groups("--delete", "--group", "modern"))
        self.assertNotIn("modern", self.groups("--list"))

    def test_active_groups_are_not_touched(self):
        self.member()
        refused = self.groups("--reset-offsets", "--group", "shop", "--topic", "orders", "--to-earliest", "--execute", check=False)
        self.assertIn("only be reset if the group 'shop' is inactive", refused)
        self.assertRegex(self.groups("--delete", "--group", "shop", check=False), r"(?i)not empty|non.?empty")
        self.assertIn("shop", self.groups("--list"))

    def test_offsets_and_groups_are_deleted(self):
        self.groups("--delete-offsets", "--group", "shop", "--topic", "orders:0")
        self.assertEqual(self.committed(), {1: 10})
        self.assertIn("successful", self.groups("--delete", "--group", "shop"))
        self.assertEqual(self.groups("--list").strip(), "")
        self.assertIn("GroupIdNotFoundException", self.groups("--describe", "--group", "shop", check=False))


class ClientTools(KafkaToolsCase):
    def ends(self, *arguments):
        told = self.tool(TOOLS + "GetOffsetShell", "--topic", "orders", *arguments)
        return {int(partition): int(offset) for partition, offset in re.findall(r"(?m)^orders:(\d):(\d+)", told)}

    def test_console_producer_and_consumer(self):
        self.tool(TOOLS + "ConsoleProducer", "--topic", "orders", "--reader-property", "parse.key=true", "--reader-property",
                  "key.separator=:", "--compression-codec", "zstd", input=b"a:1 pizza\nb:2 beers\n")
        read = self.tool(TOOLS + "consumer.ConsoleConsumer", "--topic", "orders", "--from-beginning", "--max-messages", 2,
                         "--formatter-property", "print.key=true", "--group", "console")
        self.assertEqual(sorted(re.findall(r"(?m)^([ab])\t(.*)$", read)), [("a", "1 pizza"), ("b", "2 beers")])
        again = self.tool(TOOLS + "consumer.ConsoleConsumer", "--topic", "orders", "--timeout-ms", 3000, "--group", "console", check=False)
        self.assertIn("Processed a total of 0 messages", again)

    def test_performance_tools(self):
        told = self.tool(TOOLS + "ProducerPerformance", "--topic", "orders", "--num-records", 20_000, "--record-size", 100,
                         "--throughput", -1, "--command-property", "acks=all")
        self.assertIn("20000 records sent", told)
        self.assertEqual(sum(self.ends().values()), 20_000)
        told = self.tool(TOOLS + "ConsumerPerformance", "--topic", "orders", "--num-records", 20_000, "--timeout", 30_000)
        self.assertRegex(told, r", 20000, ")

    def test_verifiable_clients(self):
        told = self.tool(TOOLS + "VerifiableProducer", "--topic", "orders", "--max-messages", 500)
        acked = [json.loads(line) for line in told.splitlines() if '"producer_send_success"' in line]
        self.assertEqual(sorted(int(one["value"]) for one in acked), list(range(500)))
        told = self.tool(TOOLS + "VerifiableConsumer", "--topic", "orders", "--group-id", "verified", "--max-messages", 500,
                         "--verbose", "--reset-policy", "earliest")
        events = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
        read = [one for one in events if one["name"] == "record_data"]
        self.assertEqual(sorted((one["partition"], one["offset"]) for one in read),
                         sorted((one["partition"], one["offset"]) for one in acked))
        commits = [one for one in events if one["name"] == "offsets_committed"]
        self.assertTrue(commits and all(one["success"] for one in commits), commits)

    def test_offsets_of_every_kind_and_deleted_records(self):
        lines = [json.dumps({"value": str(i), "partition": 0, "timestamp": START_MS + i}) for i in range(10)]
        run_cli(self.broker, "produce", "orders", "--json", input="\n".join(lines).encode())
        self.assertEqual(self.ends(), {0: 10, 1: 0})
        self.assertEqual(self.ends("--time", START_MS + 4)[0], 4)
        self.assertEqual(self.ends("--time", "max-timestamp")[0], 9)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"partitions": [{"topic": "orders", "partition": 0, "offset": 6}], "version": 1}, file)
            file.flush()
            self.assertRegex(self.tool(TOOLS + "DeleteRecordsCommand", "--offset-json-file", file.name), r"low_watermark: 6")
        self.assertEqual(self.ends("--time", "earliest"), {0: 6, 1: 0})

    def test_client_compatibility(self):
        supported = ("offsets-for-times", "cluster-id", "create-topics", "describe-configs", "idempotent-producer")
        told = self.tool(TOOLS + "ClientCompatibilityTest", "--topic", "orders", "--num-cluster-nodes", 1,
                         "--expect-record-too-large-exception", "false", "--describe-acls-supported", "true",
                         *(part for name in supported for part in (f"--{name}-supported", "true")))
        self.assertEqual(told, "SUCCESS.\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
