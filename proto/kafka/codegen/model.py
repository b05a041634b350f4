"""What a schema file says, checked: messages, structures and fields, and the versions each exists in."""

from dataclasses import dataclass, field
from typing import Optional

OPEN = 32767  # The upper end of `3+`, and the flexible version of a message that has none.

# Bytes that a value takes on the wire at the least: classic, flexible.
PRIMITIVES = {
    "bool": (1, 1),
    "int8": (1, 1),
    "int16": (2, 2),
    "uint16": (2, 2),
    "int32": (4, 4),
    "int64": (8, 8),
    "float64": (8, 8),
    "uuid": (16, 16),
    "string": (2, 1),
    "bytes": (4, 1),
    "records": (4, 1),
}
NULLABLE = {"string", "bytes", "records"}


class SchemaError(Exception):
    """A mistake in a schema file; the text names the file and line."""


@dataclass(frozen=True)
class Versions:
    low: int
    high: int = OPEN

    def clip(self, high: int) -> "Versions":
        return Versions(self.low, min(self.high, high))

    def covers(self, other: "Versions") -> bool:
        return self.low <= other.low and self.high >= other.high

    def has(self, version: int) -> bool:
        return self.low <= version <= self.high


@dataclass
class Field:
    name: str
    type: str  # A primitive, or the name of a structure.
    is_array: bool
    versions: Versions
    nullable: Optional[Versions] = None
    tag: Optional[int] = None
    default: Optional[str] = None  # As written; None when the schema says nothing.
    ignorable: bool = False  # Dropped silently where the version lacks it; otherwise that is an error.
    classic: bool = False  # Never in the compact encoding (the client id of a request header).
    line: str = ""

    @property
    def is_struct(self) -> bool:
        return self.type not in PRIMITIVES

    def size_min(self, message: "Message", version: int) -> int:
        if not self.versions.has(version) or self.tag is not None:
            return 0
        flexible = version >= message.flexible_from and not self.classic
        if self.is_array:
            return 1 if flexible else 4
        if not self.is_struct:
            return PRIMITIVES[self.type][flexible]
        return 1 if self.nullable else message.structs[self.type].size_min_at(message, version)


@dataclass
class Struct:
    name: str
    fields: list[Field]
    versions: Versions  # Of the field that defines it: what its own fields have unless they say otherwise.

    def size_min_at(self, message: "Message", version: int) -> int:
        tags = 1 if version >= message.flexible_from else 0
        return tags + sum(f.size_min(message, version) for f in self.fields)


@dataclass
class Message:
    name: str
    key: Optional[int]  # None for the headers.
    versions: Versions
    flexible_from: int
    fields: list[Field] = field(default_factory=list)
    structs: dict[str, Struct] = field(default_factory=dict)  # Inner ones before those that hold them.
    comment: str = ""

    @property
    def top(self) -> Struct:
        return Struct(self.name, self.fields, self.versions)

    def is_held_nullable(self, struct: Struct) -> bool:
        """Does a field hold this structure, or null?"""
        return any(
            f.type == struct.name and f.nullable and not f.is_array
            for holder in [self.top, *self.structs.values()]
            for f in holder.fields
        )

    def element_size_min(self, f: Field) -> int:
        """The least that an element of the array `f` takes in any version: it bounds counts from the wire."""
        one = Field(f.name, f.type, False, f.versions, classic=f.classic)
        return max(1, min(one.size_min(self, v) for v in range(f.versions.low, f.versions.high + 1)))

    def check(self) -> None:
        for struct in [*self.structs.values(), self.top]:
            for f in struct.fields:
                self._check_field(f, struct)
            tags = sorted(f.tag for f in struct.fields if f.tag is not None)
            if tags != list(range(len(tags))):
                raise SchemaError(f"{self.name}: the tags of {struct.name} are {tags}, not 0, 1, 2 ...")

    def _check_field(self, f: Field, struct: Struct) -> None:
        if f.is_struct and f.type not in self.structs:
            raise SchemaError(
                f"{f.line}: type {f.type} is neither primitive nor defined earlier in {self.name}"
            )
        if not struct.versions.covers(f.versions) or f.versions.low > f.versions.high:
            raise SchemaError(f"{f.line}: {f.name} has versions that {struct.name} has not")
        if f.is_struct and not self.structs[f.type].versions.covers(f.versions):
            raise SchemaError(f"{f.line}: {f.name} has versions that the definition of {f.type} has not")
        if f.nullable and not (f.is_array or f.is_struct or f.type in NULLABLE):
            raise SchemaError(f"{f.line}: {f.type} {f.name} cannot be null on the wire")
        if f.tag is not None and f.versions.low < self.flexible_from:
            raise SchemaError(
                f"{f.line}: tagged {f.name} begins before version {self.flexible_from}, the first flexible"
            )
        if f.tag is not None and self._holds_records(f):
            raise SchemaError(f"{f.line}: tagged {f.name} holds records: the writer cannot move their place")

    def _holds_records(self, f: Field) -> bool:
        inner = self.structs[f.type].fields if f.is_struct else []
        return f.type == "records" or any(self._holds_records(g) for g in inner)
