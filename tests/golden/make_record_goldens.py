#!/usr/bin/env python3
"""Writes record_*.hex: the same four records, as kafka-python's own batch writer lays them out, once a codec.

Not part of the build: the files are kept, so that what a foreign writer wrote once is read for ever.
Needs kafka-python 2.0.2, cramjam or python-snappy, lz4, zstandard. Run it in this folder.
"""
import importlib.metadata
import textwrap

from kafka.record.default_records import DefaultRecordBatchBuilder

BASE_MS = 1700000000000
RECORDS = [  # timestamp, key, value, headers
    (BASE_MS, b"k0", b"v0", []),
    (BASE_MS + 5, None, b"sluice" * 50, [("trace", b"\x00\xff"), ("empty", b""), ("none", None)]),
    (BASE_MS - 3, b"k2", None, []),
    (BASE_MS + 100000, b"", b"", [("\u00e9", b"utf-8")]),
]
WRITERS = ["kafka-python", "lz4", "python-snappy", "zstandard", "cramjam"]


def build(codec, producer_id=-1, producer_epoch=-1, base_sequence=-1, transactional=False):
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=codec, is_transactional=transactional, producer_id=producer_id,
        producer_epoch=producer_epoch, base_sequence=base_sequence, batch_size=1 << 20)
    for offset, (timestamp, key, value, headers) in enumerate(RECORDS):
        builder.append(offset, timestamp, key, value, headers)
    return bytes(builder.build())


def write(name, batch):
    versions = ", ".join(f"{w} {importlib.metadata.version(w)}" for w in WRITERS)
    with open(f"record_{name}.hex", "w", encoding="ascii") as file:
        file.write(f"# Written by make_record_goldens.py with {versions}.\n")
        file.write("\n".join(textwrap.wrap(batch.hex(), 100)) + "\n")


for number, codec in enumerate(["none", "gzip", "snappy", "lz4", "zstd"]):
    write(codec, build(number))
write("transactional", build(0, producer_id=4711, producer_epoch=3, base_sequence=2147483646, transactional=True))
