"""Scenarios of records: what is produced comes back whole, to the byte."""

import time

from client import Absent, Refused
from scenario import (INVALID_TOPIC, MESSAGE_TOO_LARGE, OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION, feature)

AREA = "Records"
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def lines(count, label="line"):
    return [{"value": f"{label} {i} of some that look alike, so that a codec has work".encode()} for i in range(count)]


def values(records):
    return [record["value"] if isinstance(record, dict) else record.value for record in records]


def round_trip(trial, codec):
    topic, sent = trial.topic(), lines(200)
    offsets = trial.worker.produce(topic, sent, codec=codec)
    trial.assertIn(offsets, (None, list(range(200))))
    seen = trial.worker.consume(topic, 200)
    trial.assertEqual(values(seen), values(sent))
    trial.assertEqual([record.offset for record in seen], list(range(200)))
    trial.assertEqual({batch["codec"] for batch in trial.batches(topic)}, {codec})
    trial.assertEqual(values(trial.counterpart.consume(topic, 200)), values(sent))


for name in CODECS:
    feature(f"produce and consume, {name}", AREA)(lambda trial, codec=name: round_trip(trial, codec))


@feature("consume what librdkafka wrote, all codecs", AREA)
def consume_of_others(trial):
    topic, sent = trial.topic(), []
    for codec in CODECS:
        part = lines(50, codec)
        try:
            trial.worker.produce(trial.topic(f"-{codec}"), lines(1), codec=codec)
        except (Absent, Refused):
            continue  # The client lacks the codec, so it could not read it either.
        trial.counterpart.produce(topic, part, codec=codec)
        sent += part
    trial.assertEqual(values(trial.worker.consume(topic, len(sent))), values(sent))


@feature("acks 0, 1 and all", AREA)
def all_acks(trial):
    for acks in ("0", "1", "all"):
        topic, sent = trial.topic(f"-{acks}"), lines(20)
        trial.worker.produce(topic, sent, acks=acks)
        trial.assertEqual(values(trial.worker.consume(topic, 20)), values(sent))


@feature("headers", AREA)
def headers(trial):
    topic = trial.topic()
    kinds = [[], [("one", b"1")], [("a", b"x"), ("a", b"again"), ("b", b"")], [("\u00e4", "\u00fc".encode())]]
    trial.worker.produce(topic, [{"value": b"v", "headers": kind} for kind in kinds])
    trial.assertEqual([record.headers for record in trial.worker.consume(topic, 4)], kinds)
    trial.assertEqual([record.headers for record in trial.counterpart.consume(topic, 4)], kinds)


def pairs_come_back(trial, pairs):
    topic = trial.topic()
    trial.worker.produce(topic, [{"key": key, "value": value} for key, value in pairs])
    for reader in (trial.worker, trial.counterpart):
        trial.assertEqual([(record.key, record.value) for record in reader.consume(topic, len(pairs))], pairs)


@feature("null keys and null values", AREA)
def nulls(trial):
    pairs_come_back(trial, [(None, b"v"), (b"k", None), (b"k", b"v")])


@feature("empty and binary keys and values", AREA)
def bytes_of_all_kinds(trial):
    pairs_come_back(trial, [(b"", b""), (b"k", b""), (b"", b"v"), (bytes(range(256)), bytes(range(255, -1, -1)))])


@feature("keys choose partitions, order is kept in each", AREA)
def keys(trial):
    topic = trial.topic(partitions=3)
    sent = [{"key": f"key {i % 20}".encode(), "value": str(i).encode(), "partition": None} for i in range(200)]
    trial.worker.produce(topic, sent)
    ends = [trial.counterpart.call("offset_at", topic=topic, partition=partition, at="latest")["offset"] for partition in range(3)]
    trial.assertEqual(sum(ends), 200)
    where = {}
    for partition, end in enumerate(ends):
        seen = trial.worker.consume(topic, end, partition=partition) if end else []
        numbers = [int(record.value) for record in seen]
        trial.assertEqual(numbers, sorted(numbers))
        where |= {number: partition for number in numbers}
    trial.assertEqual(sorted(where), list(range(200)))
    for key in range(20):
        trial.assertEqual(len({where[number] for number in range(key, 200, 20)}), 1, f"key {key}")


@feature("20,000 records at once, and one of 900 KB", AREA)
def large(trial):
    topic, sent = trial.topic(), lines(20_000)
    trial.worker.produce(topic, sent)
    trial.worker.produce(topic, [{"value": b"x" * 900_000}])
    seen = trial.worker.consume(topic, 20_001)
    trial.assertEqual(values(seen[:-1]), values(sent))
    trial.assertEqual(seen[-1].value, b"x" * 900_000)


@feature("CreateTime: the producer's timestamps", AREA)
def create_time(trial):
    topic, now = trial.topic(), int(time.time() * 1000)
    times = [now - 5000, now - 3000, now - 4000, now]
    trial.worker.produce(topic, [{"value": b"v", "timestamp": moment} for moment in times])
    seen = trial.worker.consume(topic, 4)
    trial.assertEqual([record.timestamp for record in seen], times)
    trial.assertLessEqual({record.append_time for record in seen}, {False, None})


@feature("LogAppendTime: the broker's timestamps", AREA)
def append_time(trial):
    topic, before = trial.topic(message_timestamp_type="LogAppendTime"), int(time.time() * 1000)
    trial.worker.produce(topic, lines(3))
    seen = trial.worker.consume(topic, 3) + trial.counterpart.consume(topic, 3)
    for record in seen:
        trial.assertIn(record.timestamp, range(before, int(time.time() * 1000) + 1))
        trial.assertIn(record.append_time, (True, None))


@feature("seek to an offset and to a time", AREA)
def seek(trial):
    topic, now = trial.topic(), int(time.time() * 1000) - 100_000
    trial.counterpart.produce(topic, [{"value": str(i).encode(), "timestamp": now + 10 * i} for i in range(100)])
    trial.assertEqual(values(trial.worker.consume(topic, 3, start=97)), [b"97", b"98", b"99"])
    trial.assertEqual(values(trial.worker.consume(topic, 2, start={"time": now + 415})), [b"42", b"43"])
    trial.assertEqual(trial.worker.consume(topic, 1, start={"time": now + 500})[0].offset, 50)


@feature("first offset, end offset, offset of a time", AREA)
def offsets(trial):
    topic, now = trial.topic(), int(time.time() * 1000) - 100_000
    trial.counterpart.produce(topic, [{"value": b"v", "timestamp": now + 10 * i} for i in range(100)])
    for at, expected in (("earliest", 0), ("latest", 100), (now + 415, 42)):
        trial.assertEqual(trial.worker.call("offset_at", topic=topic, partition=0, at=at)["offset"], expected)


@feature("idempotent producer", AREA)
def idempotent(trial):
    topic, sent = trial.topic(), lines(500)
    trial.worker.produce(topic, sent, idempotent=True)
    trial.assertEqual(values(trial.worker.consume(topic, 500)), values(sent))
    expected = 0
    for batch in trial.batches(topic):
        trial.assertGreaterEqual(batch["producer_id"], 0)
        trial.assertEqual(batch["base_sequence"], expected)
        expected += batch["records"]
    trial.assertEqual(expected, 500)


@feature("unknown topic: an error, and none is made", AREA)
def wrong_topic(trial):
    trial.expect_refusal(UNKNOWN_TOPIC_OR_PARTITION, trial.worker.produce, trial.name(), lines(1))
    trial.expect_refusal(UNKNOWN_TOPIC_OR_PARTITION, trial.worker.consume, trial.name(), 1)
    trial.assertNotIn(trial.name(), trial.counterpart.call("list_topics")["topics"])


@feature("offset out of range: auto.offset.reset, and error", AREA)
def wrong_offset(trial):
    topic = trial.topic()
    trial.counterpart.produce(topic, lines(10))
    trial.assertEqual(values(trial.worker.consume(topic, 10, start=99, reset="earliest")), values(lines(10)))
    trial.expect_refusal(OFFSET_OUT_OF_RANGE, trial.worker.consume, topic, 1, start=99, reset="error")


@feature("too large a message is refused, the next one is not", AREA)
def too_large(trial):
    topic = trial.topic(max_message_bytes=2000)
    trial.expect_refusal(MESSAGE_TOO_LARGE, trial.worker.produce, topic, [{"value": b"x" * 5000}], max_bytes=1_000_000)
    trial.worker.produce(topic, [{"value": b"small"}])
    trial.assertEqual(values(trial.worker.consume(topic, 1)), [b"small"])
