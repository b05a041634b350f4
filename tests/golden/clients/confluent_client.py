"""Drives librdkafka: idempotent and transactional producing, administration."""

import sys
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

bootstrap, mode = sys.argv[1:3]
common = {"bootstrap.servers": bootstrap, "client.id": "golden-client"}
if mode == "idempotent":
    producer = Producer({**common, "enable.idempotence": True, "compression.type": "zstd"})
    producer.produce("golden", key=b"key", value=b"value" * 40, headers={"h": b"1"}, partition=0)
    producer.flush(5)
elif mode == "transactional":
    try:
        Producer(
            {**common, "transactional.id": "golden-tx", "transaction.timeout.ms": 9000}
        ).init_transactions(5)
    except Exception as error:
        print(error)
elif mode == "admin":
    admin = AdminClient(common)
    jobs = [
        admin.create_topics(
            [NewTopic("created", 3, 1, config={"cleanup.policy": "compact"})], request_timeout=5
        ),
        admin.create_partitions([NewPartitions("golden", 4)], request_timeout=5),
        admin.describe_configs([ConfigResource(2, "golden")], request_timeout=5),
        admin.alter_configs(
            [ConfigResource(2, "golden", set_config={"retention.ms": "1000"})], request_timeout=5
        ),
        admin.delete_topics(["created"], request_timeout=5),
    ]
    for job in jobs:
        for future in job.values():
            print(future.exception(6))
