"""aiokafka: the same contract, each request in an event loop of its own."""

import asyncio
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from contract import Refused, Unsupported, asked_to_stop, emit, record, serve, to_bytes

ADDRESS = sys.argv[1]
BASE = {"bootstrap_servers": ADDRESS, "metadata_max_age_ms": 1000}


def hello():
    return {"client": f"aiokafka {aiokafka.__version__}"}


def in_loop(function):
    """Runs the coroutine to its end; Kafka's errors get their numbers."""
    def call(**request):
        try:
            return asyncio.run(function(**request))
        except KafkaError as error:
            code = 1 if isinstance(error, OffsetOutOfRangeError) else getattr(error, "errno", None)
            raise Refused(code, f"{type(error).__name__}: {error}") from None
    return call


@in_loop
async def produce(topic, records, codec, acks, idempotent, max_bytes):
    producer = AIOKafkaProducer(**BASE, acks=acks if acks == "all" else int(acks), linger_ms=20, enable_idempotence=idempotent,
                                compression_type=None if codec == "none" else codec, max_request_size=max_bytes or 2_000_000)
    await producer.start()
    try:
        await know_partitions(producer, topic)
        sent = [await producer.send(topic, to_bytes(one["value"]), to_bytes(one["key"]), one["partition"], one["timestamp"],
                                    [(name, to_bytes(content)) for name, content in one["headers"]]) for one in records]
        told = await asyncio.wait_for(asyncio.gather(*sent), 20)
        return {"offsets": [one.offset for one in told] if acks != "0" else None}
    finally:
        await producer.stop()


async def know_partitions(producer, topic):
    """The producer asks again and again for a topic that is not there."""
    try:
        await asyncio.wait_for(producer.partitions_for(topic), 5)
    except asyncio.TimeoutError:
        raise Refused(3, f"no partitions of {topic}") from None


def take(message):
    return record(message.partition, message.offset, message.key, message.value, message.headers, message.timestamp,
                  {0: False, 1: True}.get(message.timestamp_type))


@in_loop
async def consume(topic, partition, start, count, reset, seconds):
    consumer = AIOKafkaConsumer(**BASE, auto_offset_reset={"error": "none"}.get(reset, reset), enable_auto_commit=False)
    await consumer.start()
    try:
        await know(consumer, topic)
        here = TopicPartition(topic, partition)
        consumer.assign([here])
        if isinstance(start, dict):
            start = (await consumer.offsets_for_times({here: start["time"]}))[here].offset
        if isinstance(start, str):
            await {"earliest": consumer.seek_to_beginning, "latest": consumer.seek_to_end}[start](here)
        else:
            consumer.seek(here, start)
        found = []
        async with asyncio.timeout(seconds):
            while len(found) < count:
                found += [take(message) for message in (await consumer.getmany(here, timeout_ms=200)).get(here, [])]
        return {"records": found[:count]}
    finally:
        await consumer.stop()


async def know(consumer, topic):
    """Partitions of a topic that is not there are waited for in silence."""
    if topic not in await consumer.topics():
        raise Refused(3, f"no topic {topic}")


class Teller(ConsumerRebalanceListener):
    def on_partitions_assigned(self, assigned):
        emit(event="assigned", partitions=[[one.topic, one.partition] for one in assigned])

    def on_partitions_revoked(self, revoked):
        emit(event="revoked", partitions=[[one.topic, one.partition] for one in revoked])


@in_loop
async def member(group, topics, pattern, instance, session_ms, heartbeat_ms, assignor, protocol, reset):
    if protocol == "consumer":
        raise Unsupported("aiokafka has only the classic group protocol")
    if assignor != "range":
        raise Unsupported("aiokafka has no cooperative assignor")
    consumer = AIOKafkaConsumer(**BASE, group_id=group, session_timeout_ms=session_ms, heartbeat_interval_ms=heartbeat_ms,
                                enable_auto_commit=False, auto_offset_reset=reset, group_instance_id=instance,
                                partition_assignment_strategy=[RangePartitionAssignor])
    consumer.subscribe(topics or (), pattern, Teller())
    await consumer.start()
    while not asked_to_stop():
        for here, messages in (await consumer.getmany(timeout_ms=100)).items():
            for message in messages:
                emit(event="records", topic=message.topic, records=[take(message)])
                await consumer.commit({here: message.offset + 1})
    await consumer.stop()
    sys.exit()


def raise_code(code, text=""):
    if code:
        raise Refused(code, str(text))


def administer(function):
    """A request with an admin client of its own."""
    async def call(**request):
        admin = AIOKafkaAdminClient(bootstrap_servers=ADDRESS)
        await admin.start()
        try:
            return await function(admin, **request)
        finally:
            await admin.close()
    return in_loop(call)


@administer
async def create_topic(admin, topic, partitions, configs):
    answer = await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])
    [[_, code, text]] = answer.topic_errors
    raise_code(code, text)


@administer
async def describe_topic(admin, topic):
    [found] = await admin.describe_topics([topic])
    raise_code(found["error_code"])
    return {"partitions": len(found["partitions"])}


@administer
async def list_topics(admin):
    return {"topics": await admin.list_topics()}


@administer
async def describe_config(admin, topic):
    [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    [[code, text, _, _, entries]] = answer.resources
    raise_code(code, text)
    default = 5  # The source of a value that nobody set.
    return {"configs": {entry[0]: {"value": entry[1], "default": entry[3] == default} for entry in entries}}


@administer
async def alter_config(admin, topic, set, unset):
    """This way names all that is to stay, so what is left out is unset."""
    [answer] = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=set)])
    [[code, text, *_]] = answer.resources
    raise_code(code, text)


@administer
async def delete_topic(admin, topic):
    answer = await admin.delete_topics([topic])
    raise_code(answer.topic_error_codes[0][1])


@administer
async def create_partitions(admin, topic, total):
    answer = await admin.create_partitions({topic: NewPartitions(total)})
    [[_, code, text]] = answer.topic_errors
    raise_code(code, text)


@administer
async def delete_records(admin, topic, partition, before):
    await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=before)})


@in_loop
async def offset_at(topic, partition, at):
    consumer, here = AIOKafkaConsumer(**BASE), TopicPartition(topic, partition)
    await consumer.start()
    try:
        await know(consumer, topic)
        if isinstance(at, str):
            find = {"earliest": consumer.beginning_offsets, "latest": consumer.end_offsets}[at]
            return {"offset": (await find([here]))[here]}
        return {"offset": (await consumer.offsets_for_times({here: at}))[here].offset}
    finally:
        await consumer.stop()


@administer
async def list_groups(admin):
    return {"groups": [one[0] for one in await admin.list_consumer_groups()]}


@administer
async def describe_group(admin, group):
    [answer] = await admin.describe_consumer_groups([group])
    [found] = answer.groups
    raise_code(found[0])
    return {"state": found[2], "members": [pairs_of(one[-1]) for one in found[5]]}


def pairs_of(data):
    found = ConsumerProtocolMemberAssignment.decode(data).assignment
    return [[topic, partition] for topic, partitions in found for partition in partitions]


@administer
async def committed(admin, group, topic):
    found = await admin.list_consumer_group_offsets(group)
    return {"offsets": [[here.topic, here.partition, place.offset] for here, place in found.items() if here.topic == topic]}


@in_loop
async def alter_offsets(group, offsets):
    """Without an admin call for it, a consumer that is no member commits them."""
    consumer = AIOKafkaConsumer(**BASE, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        places = {TopicPartition(topic, partition): offset for topic, partition, offset in offsets}
        consumer.assign(list(places))
        await consumer.commit(places)
    finally:
        await consumer.stop()


serve({"hello": hello, "produce": produce, "consume": consume, "member": member, "create_topic": create_topic,
       "describe_topic": describe_topic, "list_topics": list_topics, "describe_config": describe_config,
       "alter_config": alter_config, "delete_topic": delete_topic, "create_partitions": create_partitions,
       "delete_records": delete_records, "offset_at": offset_at, "list_groups": list_groups, "describe_group": describe_group,
       "committed": committed, "alter_offsets": alter_offsets})
