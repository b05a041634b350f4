"""kafka-python, 2.0.2 of Debian and 3 of PyPI: the admin calls and their results differ."""

import functools
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import kafka
import kafka.errors
from contract import Refused, Unsupported, asked_to_stop, emit, record, records_until, serve, to_bytes
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic

ADDRESS = sys.argv[1]
OLD = kafka.__version__.startswith("2.0")
BASE = {"bootstrap_servers": ADDRESS, "metadata_max_age_ms": 1000}


def refuse(error):
    raise Refused(getattr(error, "errno", None), f"{type(error).__name__}: {error}")


def asking(function, *arguments, **more):
    """The call's result; Kafka's error where it throws one."""
    try:
        return function(*arguments, **more)
    except kafka.errors.KafkaError as error:
        refuse(error)


def hello():
    return {"client": f"kafka-python {kafka.__version__}"}


def produce(topic, records, codec, acks, idempotent, max_bytes):
    config = BASE | {"acks": acks if acks == "all" else int(acks), "compression_type": None if codec == "none" else codec,
                     "linger_ms": 20, "max_block_ms": 5000, "max_request_size": max_bytes or 2_000_000}
    if OLD and idempotent:
        raise Unsupported("kafka-python has an idempotent producer from 2.1 on")
    if not OLD:
        config |= {"enable_idempotence": idempotent, "allow_auto_create_topics": False}
    producer = KafkaProducer(**config)
    try:
        know(producer.partitions_for, topic)
        sent = [send(producer, topic, one) for one in records]
        asking(producer.flush, 20)
        told = [asking(future.get, 20) for future in sent]
        return {"offsets": [one.offset for one in told] if acks != "0" else None}
    finally:
        producer.close(5)


def know(partitions, topic):
    """A topic that is not there is waited for, and then there are no partitions."""
    try:
        found = partitions(topic)
    except kafka.errors.KafkaTimeoutError:
        found = None
    if not found:
        raise Refused(3, f"no partitions of {topic}")


def send(producer, topic, one):
    return asking(producer.send, topic, to_bytes(one["value"]), to_bytes(one["key"]),
                  [(name, to_bytes(content)) for name, content in one["headers"]], one["partition"], one["timestamp"])


def take(message):
    return record(message.partition, message.offset, message.key, message.value, message.headers, message.timestamp,
                  {0: False, 1: True}.get(message.timestamp_type))


def poll(consumer, seconds=0.2):
    found = asking(consumer.poll, timeout_ms=int(seconds * 1000))
    return [message for messages in found.values() for message in messages]


def consume(topic, partition, start, count, reset, seconds):
    consumer = KafkaConsumer(**BASE, auto_offset_reset={"error": "none"}.get(reset, reset), enable_auto_commit=False)
    here = TopicPartition(topic, partition)
    try:
        know(consumer.partitions_for_topic, topic)
        consumer.assign([here])
        if isinstance(start, dict):
            start = consumer.offsets_for_times({here: start["time"]})[here].offset
        if isinstance(start, str):
            {"earliest": consumer.seek_to_beginning, "latest": consumer.seek_to_end}[start](here)
        else:
            consumer.seek(here, start)
        return {"records": records_until(lambda: [take(message) for message in poll(consumer)], count, seconds)}
    finally:
        consumer.close()


class Teller(ConsumerRebalanceListener):
    def on_partitions_assigned(self, assigned):
        emit(event="assigned", partitions=[[one.topic, one.partition] for one in assigned])

    def on_partitions_revoked(self, revoked):
        emit(event="revoked", partitions=[[one.topic, one.partition] for one in revoked])


def assignor_class(name):
    if name == "range":
        from kafka.coordinator.assignors.range import RangePartitionAssignor as Assignor
    elif OLD:
        raise Unsupported("kafka-python has a cooperative assignor from 3 on")
    else:
        from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor as Assignor
    return Assignor


def member(group, topics, pattern, instance, session_ms, heartbeat_ms, assignor, protocol, reset):
    if protocol == "consumer":
        raise Unsupported("kafka-python has only the classic group protocol")
    more = {"group_id": group, "session_timeout_ms": session_ms, "heartbeat_interval_ms": heartbeat_ms, "enable_auto_commit": False,
            "auto_offset_reset": reset, "partition_assignment_strategy": [assignor_class(assignor)]}
    if instance:
        if OLD:
            raise Unsupported("kafka-python has static members from 2.1 on")
        more["group_instance_id"] = instance
    consumer = KafkaConsumer(**BASE, **more)
    consumer.subscribe(topics or (), pattern, Teller())
    while not asked_to_stop():
        for message in poll(consumer, 0.1):
            emit(event="records", topic=message.topic, records=[take(message)])
            place = {TopicPartition(message.topic, message.partition): metadata_of(message.offset + 1)}
            asking(consumer.commit, place)
    consumer.close()
    sys.exit()


def metadata_of(offset):
    """Version 3 wants a leader epoch, too."""
    return OffsetAndMetadata(offset, "") if OLD else OffsetAndMetadata(offset, "", -1)


@functools.cache
def admin_client():
    return KafkaAdminClient(bootstrap_servers=ADDRESS)


def admin(name, old_name=None):
    name = old_name if OLD else name
    if name is None or not hasattr(KafkaAdminClient, name):
        raise Unsupported(f"kafka-python {kafka.__version__} has no such call")
    return functools.partial(asking, getattr(admin_client(), name))


def raise_code(code, text=""):
    if code:
        raise Refused(code, str(text))


def create_topic(topic, partitions, configs):
    admin("create_topics", "create_topics")([NewTopic(topic, partitions, 1, topic_configs=configs)])


def describe_topic(topic):
    [found] = admin("describe_topics", "describe_topics")([topic])
    raise_code(found["error_code"])
    return {"partitions": len(found["partitions"])}


def describe_config(topic):
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    if OLD:
        [[code, text, _, _, entries]] = admin(None, "describe_configs")([resource])[0].resources
        raise_code(code, text)
        default = 5  # The source of a value that nobody set.
        return {"configs": {entry[0]: {"value": entry[1], "default": entry[3] == default} for entry in entries}}
    found = admin("describe_configs")([resource], config_filter="all")["topic"][topic]
    return {"configs": {name: {"value": entry["value"], "default": entry["config_source"] == "DEFAULT_CONFIG"}
                        for name, entry in found.items()}}


def alter_config(topic, set, unset):
    if OLD:  # This way names all that is to stay, so what is left out is unset.
        [[code, text, *_]] = admin(None, "alter_configs")([ConfigResource(ConfigResourceType.TOPIC, topic, configs=set)]).resources
        raise_code(code, text)
        return
    configs = set | {name: ("DELETE", None) for name in unset}
    outcome = admin("alter_configs")([ConfigResource(ConfigResourceType.TOPIC, topic, configs=configs)])["topic"][topic]
    raise_by_name(outcome)


def raise_by_name(outcome):
    """Version 3 tells some errors by their classes, or names of them, or sentences with a number."""
    text = outcome.__name__ if isinstance(outcome, type) else str(outcome)
    if text in ("OK", "NoError", "None"):
        return
    number = re.match(r"\[Error (\d+)\]", text)
    raise Refused(int(number[1]) if number else getattr(getattr(kafka.errors, text, None), "errno", None), text)


def delete_topic(topic):
    admin("delete_topics", "delete_topics")([topic])


def create_partitions(topic, total):
    admin("create_partitions", "create_partitions")({topic: NewPartitions(total)})


def delete_records(topic, partition, before):
    admin("delete_records")({TopicPartition(topic, partition): before})


def offset_at(topic, partition, at):
    consumer, here = KafkaConsumer(**BASE), TopicPartition(topic, partition)
    try:
        if isinstance(at, str):
            find = {"earliest": consumer.beginning_offsets, "latest": consumer.end_offsets}[at]
            return {"offset": asking(find, [here])[here]}
        return {"offset": asking(consumer.offsets_for_times, {here: at})[here].offset}
    finally:
        consumer.close()


def list_groups():
    found = admin("list_groups", "list_consumer_groups")()
    return {"groups": [one[0] if OLD else one["group_id"] for one in found]}


def describe_group(group):
    if OLD:
        [found] = admin(None, "describe_consumer_groups")([group])
        return {"state": found.state, "members": [[[topic, partition] for topic, some in one.member_assignment.assignment
                                                   for partition in some] for one in found.members]}
    found = admin("describe_groups")([group])[group]
    raise_by_name(found["error"])
    return {"state": found["group_state"], "members": [pairs_of(one["member_assignment"]) for one in found["members"]]}


def pairs_of(assignment):
    return [[one["topic"], partition] for one in assignment["assigned_partitions"] for partition in one["partitions"]]


def committed(group, topic):
    found = admin("list_group_offsets", "list_consumer_group_offsets")(group)
    found = found if OLD else found[group]
    return {"offsets": [[here.topic, here.partition, place.offset] for here, place in found.items() if here.topic == topic]}


def alter_offsets(group, offsets):
    places = {TopicPartition(topic, partition): metadata_of(offset) for topic, partition, offset in offsets}
    if OLD:  # Without an admin call for it, a consumer that is no member commits them.
        consumer = KafkaConsumer(**BASE, group_id=group, enable_auto_commit=False)
        consumer.assign(list(places))
        asking(consumer.commit, places)
        consumer.close()
        return
    for outcome in admin("alter_group_offsets")(group, places).values():
        raise_by_name(outcome)


def delete_offsets(group, topic, partitions):
    for outcome in admin("delete_group_offsets")(group, [TopicPartition(topic, partition) for partition in partitions]).values():
        raise_by_name(outcome)


def delete_group(group):
    found = admin("delete_groups", "delete_consumer_groups")([group])
    raise_by_name(found[0][1] if OLD else found[group])


serve({"hello": hello, "produce": produce, "consume": consume, "member": member, "create_topic": create_topic,
       "describe_topic": describe_topic, "list_topics": lambda: {"topics": admin("list_topics", "list_topics")()},
       "describe_config": describe_config, "alter_config": alter_config, "delete_topic": delete_topic,
       "create_partitions": create_partitions, "delete_records": delete_records, "offset_at": offset_at,
       "list_groups": list_groups, "describe_group": describe_group, "committed": committed, "alter_offsets": alter_offsets,
       "delete_offsets": delete_offsets, "delete_group": delete_group})
