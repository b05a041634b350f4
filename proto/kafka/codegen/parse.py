"""Reads the schema language (see ../README.md) into model.Message objects."""

import re
from pathlib import Path

from model import OPEN, Field, Message, SchemaError, Struct, Versions

TOKEN = re.compile(r"""\s+ | //[^\n]* | (?P<token> "[^"\n]*" | [A-Za-z_][A-Za-z0-9_]* | -?\d+ | \[\] | [][{}:;?=+-] )""", re.X)
VERSION_WORDS = re.compile(r"\d+$")


class Parser:
    def __init__(self, path: Path):
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.tokens = list(self._tokenize())
        self.at = 0

    def _tokenize(self):
        position = 0
        while position < len(self.text):
            match = TOKEN.match(self.text, position)
            line = self.text.count("\n", 0, position) + 1
            if not match:
                raise SchemaError(f"{self.path.name}:{line}: unexpected character {self.text[position]!r}")
            if match["token"]:
                yield match["token"], line
            position = match.end()

    def where(self) -> str:
        line = self.tokens[min(self.at, len(self.tokens) - 1)][1] if self.tokens else 1
        return f"{self.path.name}:{line}"

    def peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else "end of file"

    def next(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def accept(self, token: str) -> bool:
        if self.peek() != token:
            return False
        self.at += 1
        return True

    def expect(self, token: str) -> None:
        if not self.accept(token):
            raise SchemaError(f"{self.where()}: expected '{token}' but found '{self.peek()}'")

    def word(self, pattern: str, what: str) -> str:
        if not re.fullmatch(pattern, self.peek()):
            raise SchemaError(f"{self.where()}: expected {what} but found '{self.peek()}'")
        return self.next()

    def number(self) -> int:
        return int(self.word(r"-?\d+", "a number"))

    def versions(self) -> Versions:
        """`3`, `3+` or `3-13`. The dash glues itself to the number after it: 3-13 reads as 3, -13."""
        low = self.number()
        if self.accept("+"):
            return Versions(low)
        if re.fullmatch(r"-\d+", self.peek()):
            return Versions(low, -self.number())
        return Versions(low, low)

    def file(self) -> list[Message]:
        messages = []
        while self.peek() != "end of file":
            messages.append(self.message())
        return messages

    def message(self) -> Message:
        self.expect("message")
        name = self.word(r"[A-Z]\w*", "the name of a message")
        key = self.number() if self.accept("key") else None
        self.expect("versions")
        versions = self.versions()
        flexible = self.versions().low if self.accept("flexible") else OPEN
        message = Message(name, key, versions, flexible)
        message.fields = self.fields(message)
        message.check()
        return message

    def fields(self, message: Message) -> list[Field]:
        self.expect("{")
        fields = []
        while not self.accept("}"):
            fields.append(self.field(message))
        return fields

    def field(self, message: Message) -> Field:
        line = self.where()
        name = self.word(r"[a-z][a-z0-9_]*", "the name of a field")
        self.expect(":")
        is_array = self.accept("[")
        type_name = self.word(r"[A-Za-z]\w*", "a type")
        if is_array:
            self.expect("]")
        f = Field(name, type_name, is_array, message.versions, line=line)
        if self.accept("?"):
            f.nullable = self.versions() if self.peek()[0].isdigit() and self.tokens[self.at - 1][0] == "?" \
                and self.glued() else message.versions
        if self.peek()[0].isdigit():
            f.versions = self.versions()
        self.attributes(f)
        if self.peek() == "{":
            self.struct(message, f)
        else:
            self.expect(";")
        return f

    def glued(self) -> bool:
        raise NotImplementedError
