"""The broker under test: Sluice, or Apache Kafka itself, with the same settings, made for tests that wait for timeouts."""

import pathlib
import shutil
import tempfile

from apache_kafka import ApacheKafka
from install import KAFKA, kafka_jars
from sluice_test import Broker

# Sessions of a second or more, and no wait for more members before a group's first rebalance.
SETTINGS = {
    "auto.create.topics.enable": "false",
    "group.min.session.timeout.ms": "1000",
    "group.initial.rebalance.delay.ms": "0",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.heartbeat.interval.ms": "500",
    "group.consumer.min.heartbeat.interval.ms": "500",
}


class Kafka(ApacheKafka):
    """Apache Kafka in a directory of its own."""

    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="sluice-test."))
        super().__init__(self.home, KAFKA, jars=kafka_jars(), settings=SETTINGS)

    def __exit__(self, *error):
        super().__exit__(*error)
        shutil.rmtree(self.home, ignore_errors=True)


def start_broker(kind):
    if kind == "kafka":
        return Kafka()
    return Broker(**{key.replace(".", "__"): value for key, value in SETTINGS.items()})
