"""Sluice's gRPC API from Python, with stubs made from the .proto files on the spot."""

import importlib
import pathlib
import sys
import tempfile

import grpc

from sluice_test import SOURCE, run

_generated = tempfile.TemporaryDirectory(prefix="sluice-stubs.")


def _generate():
    protos = sorted((SOURCE / "proto/sluice/v1").glob("*.proto"))
    run(["protoc", f"-I{SOURCE / 'proto'}", f"--python_out={_generated.name}", f"--grpc_out={_generated.name}",
         "--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin", *protos])
    for package in ("sluice", "sluice/v1"):
        pathlib.Path(_generated.name, package, "__init__.py").touch()


class GrpcClient:
    """One channel, and the stubs `admin` and `log` on it."""

    def __init__(self, address):
        if _generated.name not in sys.path:
            _generate()
            sys.path.insert(0, _generated.name)
        self.admin_pb = importlib.import_module("sluice.v1.admin_pb2")
        self.log_pb = importlib.import_module("sluice.v1.log_pb2")
        self.common_pb = importlib.import_module("sluice.v1.common_pb2")
        admin_grpc = importlib.import_module("sluice.v1.admin_pb2_grpc")
        log_grpc = importlib.import_module("sluice.v1.log_pb2_grpc")
        self.channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", 64 << 20)])
        self.admin = admin_grpc.AdminStub(self.channel)
        self.log = log_grpc.LogStub(self.channel)

    def produce_lines(self, topic, path, batch=1000):
        """Each line of the file is a record of partition 0, sent over one AppendStream."""

        def requests():
            with open(path, "rb") as lines:
                records = []
                for line in lines:
                    records.append(self.common_pb.Record(value=line.rstrip(b"\n")))
                    if len(records) == batch:
                        yield self.log_pb.AppendRequest(topic=topic, partition=0, records=records)
                        records = []
                if records:
                    yield self.log_pb.AppendRequest(topic=topic, partition=0, records=records)

        return [response.base_offset for response in self.log.AppendStream(requests())]

    def consume_lines(self, topic, path):
        """All records of partition 0 to `path`, a line each."""
        request = self.log_pb.ReadRequest(topic=topic, partition=0, offset=0, stop_at_end=True)
        with open(path, "wb") as out:
            for response in self.log.Read(request):
                for record in response.records:
                    out.write(record.value + b"\n")

    def close(self):
        self.channel.close()
