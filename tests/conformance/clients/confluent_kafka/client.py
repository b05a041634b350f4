"""confluent-kafka, of Debian (librdkafka 2.0.2) and of PyPI: what one version lacks, it says."""

import functools
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import confluent_kafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic
from contract import Refused, Unsupported, asked_to_stop, emit, record, records_until, serve, to_bytes

ADDRESS = sys.argv[1]
BASE = {"bootstrap.servers": ADDRESS, "topic.metadata.refresh.interval.ms": 1000, "topic.metadata.propagation.max.ms": 1000,
        "allow.auto.create.topics": False}
TIMES = {confluent_kafka.TIMESTAMP_CREATE_TIME: False, confluent_kafka.TIMESTAMP_LOG_APPEND_TIME: True}
# librdkafka's own codes for what it concludes from Kafka's.
CODES = {KafkaError._UNKNOWN_TOPIC: 3, KafkaError._UNKNOWN_PARTITION: 3, KafkaError._AUTO_OFFSET_RESET: 1,
         KafkaError._FENCED: 82}


def refuse(error):
    raise Refused(CODES.get(error.code(), error.code() if error.code() >= 0 else None), str(error))


def asking(function, *arguments, **more):
    """The call's result; Kafka's error where it throws one."""
    try:
        return function(*arguments, **more)
    except KafkaException as exception:
        refuse(exception.args[0])


def hello():
    version = confluent_kafka.version()  # A text since 2, before that with a number.
    version = version if isinstance(version, str) else version[0]
    return {"client": f"confluent-kafka {version}, librdkafka {confluent_kafka.libversion()[0]}"}


def produce(topic, records, codec, acks, idempotent, max_bytes):
    producer = Producer(BASE | {"compression.type": codec, "acks": acks, "enable.idempotence": idempotent, "linger.ms": 20,
                                "message.timeout.ms": 10_000, "message.max.bytes": max_bytes or 1_000_000})
    offsets, errors = [None] * len(records), []

    def told(i):
        return lambda error, message: errors.append(error) if error else offsets.__setitem__(i, message.offset())

    for i, one in enumerate(records):
        more = {"timestamp": one["timestamp"]} if one["timestamp"] is not None else {}
        if one["partition"] is not None:
            more["partition"] = one["partition"]
        headers = [(name, to_bytes(content)) for name, content in one["headers"]]
        producer.produce(topic, to_bytes(one["value"]), to_bytes(one["key"]), headers=headers, on_delivery=told(i), **more)
        producer.poll(0)
    producer.flush(20)
    if errors:
        refuse(errors[0])
    return {"offsets": None if acks == "0" or None in [one["partition"] for one in records] else offsets}


def take(message):
    if message.error():
        refuse(message.error())
    kind, timestamp = message.timestamp()
    return record(message.partition(), message.offset(), message.key(), message.value(), message.headers(), timestamp,
                  TIMES.get(kind))


def consume(topic, partition, start, count, reset, seconds):
    consumer = Consumer(BASE | {"group.id": "unused", "enable.auto.commit": False, "auto.offset.reset": reset})
    try:
        if isinstance(start, dict):
            start = consumer.offsets_for_times([TopicPartition(topic, partition, start["time"])], timeout=10)[0].offset
        elif isinstance(start, str):
            start = {"earliest": confluent_kafka.OFFSET_BEGINNING, "latest": confluent_kafka.OFFSET_END}[start]
        known(consumer.list_topics(topic, timeout=10), topic)  # An assigned topic that is not there is waited for in silence.
        consumer.assign([TopicPartition(topic, partition, start)])
        return {"records": records_until(lambda: [take(message) for message in consumer.consume(1000, 0.2)], count, seconds)}
    finally:
        consumer.close()


def member(group, topics, pattern, instance, session_ms, heartbeat_ms, assignor, protocol, reset):
    config = BASE | {"group.id": group, "enable.auto.commit": False, "auto.offset.reset": reset}
    if instance:
        config["group.instance.id"] = instance
    if protocol == "consumer":
        if confluent_kafka.libversion()[1] < 0x020A0000:
            raise Unsupported("librdkafka has KIP-848 from 2.10 on")
        config["group.protocol"] = "consumer"
    else:
        config |= {"session.timeout.ms": session_ms, "heartbeat.interval.ms": heartbeat_ms,
                   "partition.assignment.strategy": assignor}
    consumer = Consumer(config)

    def tell(event):
        return lambda _, partitions: emit(event=event, partitions=[[one.topic, one.partition] for one in partitions])

    consumer.subscribe(topics or [pattern], on_assign=tell("assigned"), on_revoke=tell("revoked"), on_lost=tell("revoked"))
    while not asked_to_stop():
        for message in consumer.consume(100, 0.1):
            emit(event="records", topic=message.topic(), records=[take(message)])
            asking(consumer.commit, message, asynchronous=False)
    consumer.close()
    sys.exit()


@functools.cache
def admin_client():
    return AdminClient(BASE)


def admin(name):
    """The function of the admin client; older versions lack some."""
    if not hasattr(AdminClient, name):
        raise Unsupported(f"{hello()['client']} has no {name}")
    return getattr(admin_client(), name)


def result(futures):
    [future] = futures.values()
    return asking(future.result, 20)


def metadata(topic=None):
    """Metadata without a consumer group's or a producer's cares."""
    return asking(admin("list_topics"), topic, timeout=10) if topic else asking(admin("list_topics"), timeout=10)


def create_topic(topic, partitions, configs):
    result(admin("create_topics")([NewTopic(topic, partitions, 1, config=configs)]))


def known(metadata, topic):
    """The topic's own part of the metadata."""
    found = metadata.topics[topic]
    if found.error:
        refuse(found.error)
    return found


def describe_topic(topic):
    return {"partitions": len(known(metadata(topic), topic).partitions)}


def describe_config(topic):
    found = result(admin("describe_configs")([ConfigResource(ConfigResource.Type.TOPIC, topic)]))
    return {"configs": {name: {"value": entry.value, "default": entry.is_default} for name, entry in found.items()}}


def alter_config(topic, set, unset):
    try:
        change = admin("incremental_alter_configs")
    except Unsupported:  # The old way names all that is to stay, so what is left out is unset.
        result(admin("alter_configs")([ConfigResource(ConfigResource.Type.TOPIC, topic, set_config=set)]))
        return
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry

    entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in set.items()]
    entries += [ConfigEntry(name, None, incremental_operation=AlterConfigOpType.DELETE) for name in unset]
    result(change([ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)]))


def delete_topic(topic):
    result(admin("delete_topics")([topic], operation_timeout=10))


def create_partitions(topic, total):
    result(admin("create_partitions")([NewPartitions(topic, total)]))


def delete_records(topic, partition, before):
    result(admin("delete_records")([TopicPartition(topic, partition, before)]))


def offset_at(topic, partition, at):
    consumer = Consumer(BASE | {"group.id": "unused"})
    try:
        if isinstance(at, str):
            return {"offset": consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)[at == "latest"]}
        return {"offset": consumer.offsets_for_times([TopicPartition(topic, partition, at)], timeout=10)[0].offset}
    finally:
        consumer.close()


def list_groups():
    if hasattr(AdminClient, "list_consumer_groups"):
        found = asking(admin("list_consumer_groups")().result, 10)
        return {"groups": [group.group_id for group in found.valid]}
    return {"groups": [group.id for group in asking(admin("list_groups"), timeout=10)]}


def describe_group(group):
    if not hasattr(AdminClient, "describe_consumer_groups"):
        return describe_group_by_list(group)
    found = result(admin("describe_consumer_groups")([group]))
    return {"state": found.state.name, "members": [[[one.topic, one.partition] for one in member.assignment.topic_partitions]
                                                   for member in found.members]}


def describe_group_by_list(group):
    """The old call gives assignments as the bytes of the consumer protocol."""
    [found] = asking(admin("list_groups"), group, timeout=10)
    if found.error:
        refuse(found.error)
    return {"state": found.state, "members": [read_assignment(member.assignment) for member in found.members]}


def read_assignment(data):
    def number(size):
        nonlocal data
        value, data = int.from_bytes(data[:size], "big"), data[size:]
        return value

    number(2)
    pairs = []
    for _ in range(number(4)):
        size = number(2)
        topic, data = data[:size].decode(), data[size:]
        pairs += [[topic, number(4)] for _ in range(number(4))]
    return pairs


def committed(group, topic):
    consumer = Consumer(BASE | {"group.id": group})
    try:
        asked = [TopicPartition(topic, partition) for partition in known(metadata(topic), topic).partitions]
        return {"offsets": [[one.topic, one.partition, one.offset] for one in asking(consumer.committed, asked, timeout=10)]}
    finally:
        consumer.close()


def alter_offsets(group, offsets):
    """Without an admin call for it, a consumer that is no member commits them."""
    wanted = [TopicPartition(topic, partition, offset) for topic, partition, offset in offsets]
    if hasattr(AdminClient, "alter_consumer_group_offsets"):
        from confluent_kafka import ConsumerGroupTopicPartitions

        result(admin("alter_consumer_group_offsets")([ConsumerGroupTopicPartitions(group, wanted)]))
        return
    consumer = Consumer(BASE | {"group.id": group})
    try:
        asking(consumer.commit, offsets=wanted, asynchronous=False)
    finally:
        consumer.close()


def delete_group(group):
    result(admin("delete_consumer_groups")([group]))


serve({"hello": hello, "produce": produce, "consume": consume, "member": member, "create_topic": create_topic,
       "describe_topic": describe_topic, "list_topics": lambda: {"topics": list(metadata().topics)},
       "describe_config": describe_config, "alter_config": alter_config, "delete_topic": delete_topic,
       "create_partitions": create_partitions, "delete_records": delete_records, "offset_at": offset_at,
       "list_groups": list_groups, "describe_group": describe_group, "committed": committed,
       "alter_offsets": alter_offsets, "delete_group": delete_group})
