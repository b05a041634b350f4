"""kcat, one process a request: what its command line can say."""

import itertools
import os
import pathlib
import re
import select
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from contract import Refused, Unsupported, emit, record, serve, to_bytes

KCAT = ["kcat", "-b", sys.argv[1], "-X", "topic.metadata.refresh.interval.ms=1000", "-X", "topic.metadata.propagation.max.ms=1000",
        "-X", "allow.auto.create.topics=false"]
# kcat tells errors in librdkafka's words only.
CODES = {"Unknown topic or partition": 3, "Message size too large": 10, "Offset out of range": 1, "Unknown partition": 3,
         "Unknown topic": 3}
FORMAT = "%p;%o;%T;%K;%S;%h\n%k%s"


def refuse(text):
    codes = [code for words, code in CODES.items() if words in text]
    raise Refused(codes[0] if codes else None, text.strip()[-300:])


def kcat(*arguments, seconds=30, **more):
    try:
        done = subprocess.run([*KCAT, *map(str, arguments)], capture_output=True, timeout=seconds, **more)
    except subprocess.TimeoutExpired as expired:
        raise Refused(None, f"kcat took longer than {seconds} s: {expired.stderr}") from None
    if done.returncode != 0:
        refuse(done.stderr.decode(errors="replace"))
    return done.stdout


def hello():
    words = subprocess.run(["kcat", "-V"], capture_output=True).stdout.decode()
    return {"client": "kcat " + ", librdkafka ".join(re.search(r"Version (\S+).*librdkafka ([0-9.]+)", words).groups())}


def kind_of(one):
    """What kcat must be told once for all records of a run: (partition, keys or none, empty is null, headers)."""
    fields = [to_bytes(one["key"]), to_bytes(one["value"])]
    if any(field == b"" or set(field or b"") & set(b"\t\n\x00") for field in fields):
        raise Unsupported("kcat takes records as lines, which hold no such bytes")
    if one["timestamp"] is not None:
        raise Unsupported("kcat sets no timestamps")
    null = fields[1] is None
    return one["partition"], null or fields[0] is not None, null, one["headers"]


def produce(topic, records, codec, acks, idempotent, max_bytes):
    common = ["-P", "-t", topic, "-z", codec, "-X", f"acks={acks}", "-X", f"enable.idempotence={idempotent}".lower(),
              "-X", "topic.message.timeout.ms=10000", "-X", "linger.ms=20"]
    for kind, some in itertools.groupby(records, kind_of):
        send(common, kind, some)
    return {"offsets": None}


def send(common, kind, records):
    partition, keyed, null, headers = kind
    options = list(common)
    options += ["-p", partition] if partition is not None else []
    options += ["-K", "\t"] if keyed else []
    options += ["-Z"] if null else []
    for name, content in headers:
        options += ["-H", f"{name}={to_bytes(content).decode()}"]
    lines = [((to_bytes(one["key"]) or b"") + b"\t" if keyed else b"") + (to_bytes(one["value"]) or b"") for one in records]
    kcat(*options, input=b"\n".join(lines) + b"\n")


def take(data):
    """(the first record, the rest), or (None, data) when it is not whole."""
    end = data.find(b"\n")
    if end < 0:
        return None, data
    partition, offset, timestamp, key_size, value_size, headers = data[:end].decode().split(";", 5)
    sizes, position, fields = (int(key_size), int(value_size)), end + 1, []
    for size in sizes:
        fields.append(None if size < 0 else data[position:position + size])
        position += max(size, 0)
    if position > len(data):
        return None, data
    pairs = [pair.split("=", 1) for pair in headers.split(",")] if headers else []
    whole = record(int(partition), int(offset), *fields, [(name, content.encode()) for name, content in pairs], int(timestamp))
    return whole, data[position:]


def take_all(data):
    found = []
    while True:
        one, data = take(data)
        if one is None:
            return found, data
        found.append(one)


def consume(topic, partition, start, count, reset, seconds):
    where = f"s@{start['time']}" if isinstance(start, dict) else {"earliest": "beginning", "latest": "end"}.get(start, start)
    data = kcat("-C", "-q", "-t", topic, "-p", partition, "-o", where, "-c", count, "-f", FORMAT,
                "-X", f"topic.auto.offset.reset={reset}", seconds=seconds)
    found, _ = take_all(data)
    if len(found) != count:
        raise Refused(None, f"only {len(found)} of {count} records")
    return {"records": found}


def member(group, topics, pattern, instance, session_ms, heartbeat_ms, assignor, protocol, reset):
    if protocol == "consumer":
        raise Unsupported("librdkafka has KIP-848 from 2.10 on")
    if assignor == "cooperative-sticky":
        raise Unsupported("kcat 1.7 knows only whole assignments")
    options = {"session.timeout.ms": session_ms, "heartbeat.interval.ms": heartbeat_ms, "auto.commit.interval.ms": 50,
               "partition.assignment.strategy": assignor, "topic.auto.offset.reset": reset}
    if instance:
        options["group.instance.id"] = instance
    words = [word for key, value in options.items() for word in ("-X", f"{key}={value}")]
    # One topic a group here, which the format gives with each record.
    process = subprocess.Popen([*KCAT, "-E", "-u", "-G", group, *words, "-f", "%t " + FORMAT, *(topics or [pattern])],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    follow(process)


def follow(process):
    """Tells what kcat prints until the driver says stop; SIGTERM makes kcat leave the group."""
    data = {process.stdout: b"", process.stderr: b""}
    stopping = False
    while data:
        readable, _, _ = select.select([*data, *([] if stopping else [sys.stdin])], [], [], 1)
        if not stopping and sys.stdin in readable:
            process.terminate()
            stopping = True
        for pipe in [pipe for pipe in readable if pipe is not sys.stdin]:
            more = os.read(pipe.fileno(), 1 << 16)
            data[pipe] += more
            data[pipe] = (tell_records if pipe is process.stdout else tell_rebalances)(data[pipe])
            if not more:
                del data[pipe]
    if not stopping:
        raise Refused(None, f"kcat ended by itself with {process.wait()}")
    sys.exit(process.wait())


def tell_records(data):
    while b" " in data:
        topic, rest = data.split(b" ", 1)
        one, rest = take(rest)
        if one is None:
            break
        emit(event="records", topic=topic.decode(), records=[one])
        data = rest
    return data


def tell_rebalances(data):
    *lines, rest = data.split(b"\n")
    for line in lines:
        print(line.decode(errors="replace"), file=sys.stderr, flush=True)
        found = re.search(rb"rebalanced .*: (assigned|revoked): (.*)$", line)
        if found:
            partitions = re.findall(r"([^ ,]+) \[(\d+)\]", found[2].decode())
            emit(event=found[1].decode(), partitions=[[topic, int(partition)] for topic, partition in partitions])
    return rest


def list_topics():
    return {"topics": re.findall(r'topic "(.*?)" with', kcat("-L").decode())}


def describe_topic(topic):
    found = re.search(r'topic ".*?" with (\d+) partitions:(.*)', kcat("-L", "-t", topic).decode())
    if found[1] == "0":
        refuse(found[2])
    return {"partitions": int(found[1])}


def offset_at(topic, partition, at):
    told = kcat("-Q", "-t", f"{topic}:{partition}:{ {'earliest': -2, 'latest': -1}.get(at, at)}").decode()
    return {"offset": int(re.search(r"offset (-?\d+)", told)[1])}


serve({"hello": hello, "produce": produce, "consume": consume, "member": member, "list_topics": list_topics,
       "describe_topic": describe_topic, "offset_at": offset_at})
