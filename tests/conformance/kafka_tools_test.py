"""Apache Kafka's own command line tools ask our broker what they ask Kafka, and understand the answers.

Groups and clients are in kafka_client_tools_test.py. Opt-in (see README.md): skipped unless KAFKA_PEER=1. It needs Kafka's jars
and no running Kafka.
"""

import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from kafka_tools import TOOLS, KafkaToolsCase
from sluice_test import run_cli


class KafkaTools(KafkaToolsCase):
    def configs(self, *arguments, check=True):
        return self.tool("kafka.admin.ConfigCommand", *arguments, check=check)

    def test_topics(self):
        topics = TOOLS + "TopicCommand"
        self.tool(topics, "--create", "--topic", "made", "--partitions", "3", "--config", "retention.ms=60000")
        self.assertEqual(self.tool(topics, "--list").split(), ["made", "orders"])
        described = self.tool(topics, "--describe", "--topic", "made")
        self.assertIn("PartitionCount: 3", described)
        self.assertIn("retention.ms=60000", described)
        self.assertEqual(len(re.findall(r"Partition: \d+\tLeader: 1\tReplicas: 1\tIsr: 1", described)), 3)
        self.tool(topics, "--alter", "--topic", "made", "--partitions", "4")
        self.assertIn("PartitionCount: 4", self.tool(topics, "--describe", "--topic", "made"))
        self.assertEqual(self.tool(topics, "--describe", "--unavailable-partitions").strip(), "")
        self.tool(topics, "--delete", "--topic", "made")
        self.assertEqual(self.tool(topics, "--list").split(), ["orders"])

    def test_more_topics_than_fit_on_a_page(self):
        run_cli(self.broker, "topic", "create", "wide", "--partitions", "2500")
        described = self.tool(TOOLS + "TopicCommand", "--describe", "--partition-size-limit-per-response", "700")
        self.assertEqual(len(re.findall(r"Topic: wide\tPartition: ", described)), 2500)
        self.assertEqual(len(re.findall(r"Topic: orders\tPartition: ", described)), 2)

    def test_configs_of_topics(self):
        self.configs("--alter", "--entity-type", "topics", "--entity-name", "orders", "--add-config", "retention.ms=60000")
        self.assertIn("retention.ms=60000",
                      self.configs("--describe", "--entity-type", "topics", "--entity-name", "orders"))

    def test_configs_of_brokers_change_while_it_runs(self):
        self.configs("--alter", "--entity-type", "brokers", "--entity-default", "--add-config", "log.retention.ms=70000")
        self.configs("--alter", "--entity-type", "brokers", "--entity-name", "1", "--add-config", "log.retention.ms=80000")
        self.assertIn("log.retention.ms=70000",
                      self.configs("--describe", "--entity-type", "brokers", "--entity-default"))
        own = self.configs("--describe", "--entity-type", "brokers", "--entity-name", "1")
        self.assertRegex(own, r"log\.retention\.ms=80000.*DYNAMIC_BROKER_CONFIG:log\.retention\.ms=80000, "
                              r"DYNAMIC_DEFAULT_BROKER_CONFIG:log\.retention\.ms=70000")
        everything = self.configs("--describe", "--all", "--entity-type", "brokers", "--entity-name", "1")
        self.assertIn("num.partitions=1", everything)
        self.configs("--alter", "--entity-type", "brokers", "--entity-name", "1", "--delete-config", "log.retention.ms")
        self.assertNotIn("=80000", self.configs("--describe", "--entity-type", "brokers", "--entity-name", "1"))

    def test_configs_of_groups(self):
        group = ("--entity-type", "groups", "--entity-name", "shop")
        self.configs("--alter", *group, "--add-config", "consumer.session.timeout.ms=50000")
        self.assertRegex(self.configs("--describe", *group), r"consumer\.session\.timeout\.ms=50000.*GROUP_CONFIG")
        self.assertIn("InvalidConfigurationException",
                      self.configs("--alter", *group, "--add-config", "consumer.session.timeout.ms=1", check=False))
        self.configs("--alter", *group, "--delete-config", "consumer.session.timeout.ms")
        self.assertNotIn("50000", self.configs("--describe", *group))

    def test_configs_that_cannot_change_are_refused_with_the_reason(self):
        text = self.configs("--alter", "--entity-type", "brokers", "--entity-name", "1",
                            "--add-config", "num.network.threads=5", check=False)
        self.assertIn("cannot change while the broker runs", text)

    def test_configs_of_other_things(self):
        for entity, name in (("broker-loggers", "1"), ("groups", "any"), ("client-metrics", "any")):
            self.configs("--describe", "--entity-type", entity, "--entity-name", name)
        self.configs("--describe", "--entity-type", "groups")

    def test_log_dirs(self):
        described = self.tool(TOOLS + "LogDirsCommand", "--describe")
        self.assertIn(f'"logDir":"{self.broker.log_dir}"', described)
        self.assertIn('"partition":"orders-1"', described)

    def test_features(self):
        described = self.tool(TOOLS + "FeatureCommand", "describe")
        self.assertRegex(described, r"Feature: metadata\.version\s.*FinalizedVersionLevel: 3\.3-IV3")
        refused = self.tool(TOOLS + "FeatureCommand", "upgrade", "--feature", "metadata.version=25", check=False)
        self.assertIn("supports 7 to 7", refused)

    def test_quorum(self):
        quorum = TOOLS + "MetadataQuorumCommand"
        status = self.tool(quorum, "describe", "--status")
        self.assertRegex(status, r"LeaderId:\s+1\n")
        self.assertRegex(status, r"MaxFollowerLag:\s+0\n")
        self.assertRegex(self.tool(quorum, "describe", "--replication"), r"(?m)^1\s.*Leader\s*$")

    def test_elections_and_reassignments(self):
        self.tool(TOOLS + "LeaderElectionCommand", "--election-type", "preferred", "--all-topic-partitions")
        one = self.tool(TOOLS + "LeaderElectionCommand", "--election-type", "preferred", "--topic", "orders",
                        "--partition", "0")
        self.assertIn("Valid replica already elected", one)
        self.assertIn("No partition reassignments found",
                      self.tool(TOOLS + "reassign.ReassignPartitionsCommand", "--list"))

    def test_acls_and_quotas(self):
        self.assertIn("no authorizer", self.tool(TOOLS + "AclCommand", "--list", check=False))
        self.configs("--describe", "--entity-type", "clients")

    def test_client_metrics(self):
        self.assertEqual(self.tool(TOOLS + "ClientMetricsCommand", "--list").strip(), "")

    def test_api_versions_are_all_known(self):
        told = self.tool(TOOLS + "BrokerApiVersionsCommand")
        self.assertNotIn("UNKNOWN", told)
        for api in ("Produce(0): 0 to 13", "DescribeTopicPartitions(75): 0", "DescribeLogDirs(35): 1 to 5"):
            self.assertIn(api, told)

    def test_producers(self):
        run_cli(self.broker, "produce", "orders", "-p", "0", input=b"a\nb\n")
        told = self.tool(TOOLS + "TransactionsCommand", "describe-producers", "--topic", "orders", "--partition", "0")
        self.assertRegex(told, r"(?m)^\d+\s+0\s+-1\s+1\s+\d+\s+None")


if __name__ == "__main__":
    unittest.main(verbosity=2)
