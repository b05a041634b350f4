"""Scenarios of administration: what one client changes, another one sees."""

from client import Refused
from scenario import (GROUP_ID_NOT_FOUND, INVALID_CONFIG, INVALID_PARTITIONS, INVALID_TOPIC, NON_EMPTY_GROUP,
                      OFFSET_OUT_OF_RANGE, TOPIC_ALREADY_EXISTS, UNKNOWN_TOPIC_OR_PARTITION, feature)

TOPICS, GROUPS = "Topics and configs", "Administration of groups"


@feature("create and describe a topic, with configs", TOPICS)
def create(trial):
    name, call = trial.name(), trial.worker.call
    call("create_topic", topic=name, partitions=3, configs={"retention.ms": "123456"})
    trial.eventually(lambda: name in trial.counterpart.call("list_topics")["topics"], True)
    trial.assertEqual(call("describe_topic", topic=name)["partitions"], 3)
    trial.assertIn(name, call("list_topics")["topics"])
    trial.assertEqual(trial.counterpart.call("describe_config", topic=name)["configs"]["retention.ms"]["value"], "123456")
    trial.assertEqual(trial.counterpart.call("describe_topic", topic=name)["partitions"], 3)


@feature("refusals: topic exists, bad name, bad config", TOPICS)
def refusals(trial):
    def create_topic(name, partitions=1, **configs):
        trial.worker.call("create_topic", topic=name, partitions=partitions, configs=configs)

    trial.expect_refusal(TOPIC_ALREADY_EXISTS, create_topic, trial.topic())
    trial.expect_refusal(INVALID_TOPIC, create_topic, "no spaces please")
    trial.expect_refusal(INVALID_CONFIG, create_topic, trial.name("-odd"), **{"no.such.config": "1"})
    trial.expect_refusal(INVALID_PARTITIONS, create_topic, trial.name("-none"), partitions=0)


@feature("describe configs: values and defaults", TOPICS)
def describe_configs(trial):
    configs = trial.worker.call("describe_config", topic=trial.topic(retention_ms="7777"))["configs"]
    trial.assertEqual(configs["retention.ms"], {"value": "7777", "default": False})
    trial.assertEqual(configs["cleanup.policy"], {"value": "delete", "default": True})
    trial.assertGreater(len(configs), 20)


@feature("alter configs: set and set back", TOPICS)
def alter_configs(trial):
    topic = trial.topic(retention_ms="7777")

    def seen():
        configs = trial.counterpart.call("describe_config", topic=topic)["configs"]
        return configs["retention.ms"]["value"], configs["segment.bytes"]["value"]

    trial.worker.call("alter_config", topic=topic, set={"retention.ms": "8888", "segment.bytes": "1048576"}, unset=[])
    trial.eventually(seen, ("8888", "1048576"))
    trial.worker.call("alter_config", topic=topic, set={"segment.bytes": "2097152"}, unset=["retention.ms"])
    trial.eventually(seen, ("604800000", "2097152"))
    trial.expect_refusal(INVALID_CONFIG, trial.worker.call, "alter_config", topic=topic, set={"retention.ms": "soon"}, unset=[])


@feature("add partitions", TOPICS)
def add_partitions(trial):
    topic = trial.topic(partitions=2)
    trial.worker.call("create_partitions", topic=topic, total=5)
    trial.eventually(lambda: trial.counterpart.call("describe_topic", topic=topic)["partitions"], 5)
    trial.expect_refusal(INVALID_PARTITIONS, trial.worker.call, "create_partitions", topic=topic, total=3)


@feature("delete a topic", TOPICS)
def delete(trial):
    topic = trial.topic()
    trial.worker.call("delete_topic", topic=topic)
    trial.eventually(lambda: topic in trial.counterpart.call("list_topics")["topics"], False)
    trial.expect_refusal(UNKNOWN_TOPIC_OR_PARTITION, trial.worker.call, "delete_topic", topic=topic)


@feature("delete records", TOPICS)
def delete_records(trial):
    topic = trial.topic()
    sent = trial.produce_values(topic, "cut", 1)
    trial.worker.call("delete_records", topic=topic, partition=0, before=4)
    trial.assertEqual(trial.counterpart.call("offset_at", topic=topic, partition=0, at="earliest")["offset"], 4)
    seen = trial.worker.consume(topic, 6)
    trial.assertEqual([(record.offset, record.value) for record in seen], list(enumerate(sent))[4:])
    trial.expect_refusal(OFFSET_OUT_OF_RANGE, trial.worker.call, "delete_records", topic=topic, partition=0, before=99)


def group_with_member(trial):
    """A group of one member that consumed and committed ten records of each of two partitions."""
    topic = trial.topic(partitions=2)
    sent = trial.produce_values(topic, "admin", 2)
    member = trial.counterpart_member(topics=[topic])
    trial.wait_for_shares([member], topic, 2)
    trial.wait(lambda: len(member.values()) == len(sent), "records")
    return topic, member


@feature("list and describe groups", GROUPS)
def describe_group(trial):
    topic, member = group_with_member(trial)
    group = trial.name()
    trial.assertIn(group, trial.worker.call("list_groups")["groups"])
    found = trial.worker.call("describe_group", group=group)
    trial.assertEqual(found["state"].lower(), "stable")
    trial.assertEqual(sorted(sum(found["members"], [])), [[topic, 0], [topic, 1]])
    member.stop()
    trial.assertEqual(trial.worker.call("describe_group", group=group)["state"].lower(), "empty")


@feature("committed offsets of a group", GROUPS)
def committed(trial):
    topic, member = group_with_member(trial)
    found = trial.worker.call("committed", group=trial.name(), topic=topic)["offsets"]
    trial.assertEqual(sorted(found), [[topic, 0, 10], [topic, 1, 10]])


@feature("reset the offsets of a group", GROUPS)
def alter_offsets(trial):
    topic, member = group_with_member(trial)
    member.stop()
    trial.worker.call("alter_offsets", group=trial.name(), offsets=[[topic, 0, 7], [topic, 1, 10]])
    again = trial.counterpart_member(topics=[topic])
    trial.wait(lambda: len(again.values()) >= 3, "records after the reset", members=[again])
    trial.assertEqual(sorted(again.values()), [f"admin-0-{i}".encode() for i in (7, 8, 9)])


@feature("delete the offsets of a topic", GROUPS)
def delete_offsets(trial):
    topic, member = group_with_member(trial)
    member.stop()
    trial.worker.call("delete_offsets", group=trial.name(), topic=topic, partitions=[0])
    found = trial.counterpart.call("committed", group=trial.name(), topic=topic)["offsets"]
    trial.assertEqual([[name, partition, offset] for name, partition, offset in found if offset >= 0], [[topic, 1, 10]])


@feature("delete a group, when it is empty", GROUPS)
def delete_group(trial):
    _, member = group_with_member(trial)
    group = trial.name()
    trial.expect_refusal(NON_EMPTY_GROUP, trial.worker.call, "delete_group", group=group)
    member.stop()
    trial.worker.call("delete_group", group=group)
    trial.assertNotIn(group, trial.counterpart.call("list_groups")["groups"])


@feature("unknown group", GROUPS)
def unknown_group(trial):
    trial.expect_refusal(GROUP_ID_NOT_FOUND, trial.worker.call, "delete_group", group=trial.name())
    try:  # From version 6 of the request on it is an error, before that a group that is dead.
        trial.assertEqual(trial.worker.call("describe_group", group=trial.name())["state"].lower(), "dead")
    except Refused as error:
        trial.assertEqual(error.code, GROUP_ID_NOT_FOUND)
