#!/usr/bin/env python3
"""Records what real Kafka clients send: a stub broker that answers just well enough for them to go on.

  record_requests.py --output wire --client "kcat 1.7.1, librdkafka 2.0.2" --prefix kcat \
      [--limit Produce=3-7 ...] -- kcat -b {bootstrap} -t golden -P -l words.txt

Runs the command with {bootstrap} replaced by the stub's address and writes the first request of each API key
and version to <output>/<prefix>_<api>_v<version>.hex, unless it was recorded before. Responses are encoded from
the schema files in proto/kafka, so any version can be answered; requests are stored as they came, never
re-encoded. record_all.sh holds the commands that made the files here.
"""

import argparse
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "proto/kafka/codegen"))
sys.dont_write_bytecode = True

from parse import parse_file  # noqa: E402

TOPIC, TOPIC_ID = "golden", bytes(range(1, 17))
FORMATS = {
    "int8": ">b",
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "int64": ">q",
    "float64": ">d",
    "bool": ">?",
}


def uvarint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


class Encoder:
    """Encodes a dict as a message of the schema; fields that it lacks get their defaults."""

    def __init__(self, message, version):
        self.message, self.version = message, version
        self.flexible = version >= message.flexible_from

    def length(self, n, short=False) -> bytes:
        if self.flexible:
            return uvarint(n + 1)
        return struct.pack(">h" if short else ">i", n)

    def struct(self, fields, values) -> bytes:
        present = [f for f in fields if f.versions.has(self.version)]
        unknown = set(values) - {f.name for f in fields}
        assert not unknown, f"{self.message.name} has no {unknown}"
        out = b"".join(self.field(f, values.get(f.name)) for f in present if f.tag is None)
        if self.flexible:
            tags = sorted(
                (f.tag, self.field(f, values[f.name]))
                for f in present
                if f.tag is not None and f.name in values
            )
            out += uvarint(len(tags)) + b"".join(uvarint(t) + uvarint(len(b)) + b for t, b in tags)
        return out

    def field(self, f, value) -> bytes:
        if not f.is_array:
            return self.one(f, value)
        if value is None and f.nullable:
            return self.length(-1)
        return self.length(len(value or [])) + b"".join(self.one(f, v) for v in value or [])

    def one(self, f, value) -> bytes:
        if f.is_struct:
            return self.struct(self.message.structs[f.type].fields, value or {})
        if f.type in ("string", "bytes", "records"):
            if value is None and f.nullable and f.nullable.has(self.version):
                return self.length(-1, f.type == "string")
            data = value.encode() if isinstance(value, str) else value or b""
            return self.length(len(data), f.type == "string") + data
        if f.type == "uuid":
            return value or bytes(16)
        default = {"true": 1, "false": 0}.get(f.default, f.default)
        return struct.pack(FORMATS[f.type], int(default or 0) if value is None else value)


class Stub:
    def __init__(self, args):
        self.args = args
        self.apis = {}  # key -> (request, response)
        for path in sorted((ROOT / "proto/kafka/schema").glob("[0-9]*.kmsg")):
            request, response = parse_file(path)
            self.apis[request.key] = (request, response)
        self.limits = dict(limit.split("=") for limit in args.limit)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def range_of(self, request):
        text = self.limits.get(request.name.removesuffix("Request"))
        if text:
            low, _, high = text.partition("-")
            return int(low), int(high or low)
        return request.versions.low, request.versions.high

    def api_keys(self):
        hidden = {name for name, text in self.limits.items() if text == "none"}
        for key, (request, _) in self.apis.items():
            if request.name.removesuffix("Request") not in hidden:
                low, high = self.range_of(request)
                yield {"api_key": key, "min_version": low, "max_version": high}

    def answer(self, name) -> dict:
        here = {"node_id": 1, "host": "127.0.0.1", "port": self.port}
        partition = {
            "partition_index": 0,
            "leader_id": 1,
            "leader_epoch": 0,
            "replica_nodes": [1],
            "isr_nodes": [1],
        }
        by_topic = {"name": TOPIC, "topic_id": TOPIC_ID}
        return {
            "ApiVersions": {"api_keys": list(self.api_keys())},
            "Metadata": {
                "brokers": [here],
                "cluster_id": "stub",
                "controller_id": 1,
                "topics": [{**by_topic, "partitions": [partition]}],
            },
            "Produce": {"responses": [{**by_topic, "partition_responses": [{"index": 0}]}]},
            "Fetch": {
                "responses": [
                    {
                        "topic": TOPIC,
                        "topic_id": TOPIC_ID,
                        "partitions": [{"partition_index": 0, "last_stable_offset": 0, "records": b""}],
                    }
                ]
            },
            "ListOffsets": {"topics": [{"name": TOPIC, "partitions": [{"partition_index": 0, "offset": 0}]}]},
            "FindCoordinator": {**here, "coordinators": [{**here, "key": "golden-tx"}]},
            "InitProducerId": {"producer_id": 7},
            "SaslHandshake": {"mechanisms": ["PLAIN"]},
            "CreateTopics": {"topics": [{"name": "created", "configs": []}]},
            "DeleteTopics": {"responses": [{"name": "created"}]},
            "CreatePartitions": {"results": [{"name": TOPIC}]},
            "DescribeConfigs": {"results": [{"resource_type": 2, "resource_name": TOPIC}]},
            "AlterConfigs": {"responses": [{"resource_type": 2, "resource_name": TOPIC}]},
            "IncrementalAlterConfigs": {"responses": [{"resource_type": 2, "resource_name": TOPIC}]},
            "OffsetForLeaderEpoch": {
                "topics": [{"topic": TOPIC, "partitions": [{"partition": 0, "end_offset": 0}]}]
            },
            "DescribeCluster": {"cluster_id": "stub", "controller_id": 1},
        }[name]

    def record(self, name, version, frame):
        path = self.args.output / f"{self.args.prefix}_{name}_v{version}.hex"
        if not path.exists():
            text = frame.hex()
            lines = [text[i : i + 100] for i in range(0, len(text), 100)]
            path.write_text(
                f"# {name} version {version} as sent by {self.args.client}; without the frame length.\n"
                + "\n".join(lines)
                + "\n"
            )

    def respond(self, frame) -> bytes:
        """The response, without the frame length; empty for an API that the schema does not have."""
        key, version, correlation = struct.unpack_from(">hhi", frame)
        if key not in self.apis:
            return b""
        request, response = self.apis[key]
        name = request.name.removesuffix("Request")
        low, high = self.range_of(request)
        self.record(name, version, frame)
        values = self.answer(name)
        if name == "ApiVersions" and not low <= version <= high:
            version, values = 0, {**values, "error_code": 35}
        header = struct.pack(">i", correlation)
        if version >= request.flexible_from and name != "ApiVersions":
            header += b"\0"
        return header + Encoder(response, version).struct(response.fields, values)

    def serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            while len(size := stream.read(4)) == 4:
                reply = self.respond(stream.read(struct.unpack(">i", size)[0]))
                if not reply:
                    return
                connection.sendall(struct.pack(">i", len(reply)) + reply)

    def listen(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--client", required=True)
    parser.add_argument("--limit", action="append", default=[], metavar="API=LOW-HIGH")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    stub = Stub(args)
    threading.Thread(target=stub.listen, daemon=True).start()
    command = [part.replace("{bootstrap}", f"127.0.0.1:{stub.port}") for part in args.command]
    try:
        return subprocess.run(command, timeout=20, check=False).returncode
    except subprocess.TimeoutExpired:
        print("record_requests: the client did not end by itself within 20 s", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
