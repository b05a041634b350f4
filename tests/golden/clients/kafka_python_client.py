"""Drives kafka-python: producing, assigned consuming, administration."""

import sys
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic

bootstrap, mode = sys.argv[1:3]
common = {"bootstrap_servers": bootstrap, "client_id": "golden-client"}
if mode == "produce":
    producer = KafkaProducer(**common, acks="all")
    print(producer.send("golden", key=b"key", value=b"value", headers=[("h", b"1")], partition=0).get(5))
elif mode == "consume":
    consumer = KafkaConsumer(**common, auto_offset_reset="earliest", enable_auto_commit=False)
    partition = TopicPartition("golden", 0)
    consumer.assign([partition])
    print(consumer.offsets_for_times({partition: 1700000000000}), consumer.poll(500))
elif mode == "admin":
    admin = KafkaAdminClient(**common)
    for job in (
        lambda: admin.create_topics([NewTopic("created", 3, 1, topic_configs={"cleanup.policy": "compact"})]),
        lambda: admin.create_partitions({"golden": NewPartitions(4)}),
        lambda: admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, "golden", {"retention.ms": None})]
        ),
        lambda: admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, "golden", {"retention.ms": "1000"})]
        ),
        lambda: admin.delete_topics(["created"]),
    ):
        try:
            print(job())
        except Exception as error:
            print(repr(error))
