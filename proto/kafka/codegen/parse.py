"""Reads the schema language (see ../README.md) into model.Message objects."""

import re
from pathlib import Path

from model import OPEN, PRIMITIVES, Field, Message, SchemaError, Struct, Versions

TOKEN = re.compile(r'\s+|//[^\n]*|(?P<token>"[^"\n]*"|\w+\+|\d+-\d+|-?\w+|\[\]|[][{}():;?=])')
VERSIONS = r"\d+(\+|-\d+)?"
END = "end of file"


def parse_file(path: Path) -> list[Message]:
    parser = Parser(path)
    messages = []
    while parser.peek() != END:
        messages.append(parser.message())
    return messages


class Parser:
    """Recursive descent over a list of (token, line)."""

    def __init__(self, path: Path):
        self.name = path.name
        self.tokens = list(self._tokens(path.read_text(encoding="utf-8")))
        self.at = 0

    def _tokens(self, text: str):
        position = 0
        while position < len(text):
            match = TOKEN.match(text, position)
            line = text.count("\n", 0, position) + 1
            if not match:
                raise SchemaError(f"{self.name}:{line}: unexpected character {text[position]!r}")
            if match["token"]:
                yield match["token"], line
            position = match.end()
        yield END, text.count("\n") + 1

    def where(self) -> str:
        return f"{self.name}:{self.tokens[self.at][1]}"

    def peek(self) -> str:
        return self.tokens[self.at][0]

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][0]

    def accept(self, token: str) -> bool:
        found = self.peek() == token
        self.at += found
        return found

    def expect(self, token: str) -> None:
        if not self.accept(token):
            raise SchemaError(f"{self.where()}: expected '{token}' but found '{self.peek()}'")

    def match(self, pattern: str, what: str) -> str:
        if self.peek() == END or not re.fullmatch(pattern, self.peek()):
            raise SchemaError(f"{self.where()}: expected {what} but found '{self.peek()}'")
        return self.next()

    def versions(self) -> Versions:
        low, plus, high = re.fullmatch(
            r"(\d+)(\+?)-?(\d*)", self.match(VERSIONS, "versions such as 3, 3+ or 3-5")
        ).groups()
        return Versions(int(low), OPEN if plus else int(high or low))

    def message(self) -> Message:
        self.expect("message")
        name = self.match(r"[A-Z]\w*", "the name of a message")
        key = int(self.match(r"\d+", "an API key")) if self.accept("key") else None
        self.expect("versions")
        versions = self.versions()
        flexible = self.versions().low if self.accept("flexible") else OPEN
        message = Message(name, key, versions, flexible)
        message.fields = self.fields(message, message.versions)
        message.check()
        return message

    def fields(self, message: Message, within: Versions) -> list[Field]:
        self.expect("{")
        fields = []
        while not self.accept("}"):
            if self.accept("struct"):
                self.shared_struct(message)
            else:
                fields.append(self.field(message, within))
        return fields

    def field(self, message: Message, within: Versions) -> Field:
        line = self.where()
        name = self.match(r"[a-z][a-z0-9_]*", "the name of a field")
        self.expect(":")
        is_array = self.accept("[")
        f = Field(name, self.match(r"[A-Za-z]\w*", "a type"), is_array, within, line=line)
        if is_array:
            self.expect("]")
        if self.accept("?"):
            f.nullable = self.parenthesised_versions() if self.peek() == "(" else Versions(0)
        if re.fullmatch(VERSIONS, self.peek()):
            f.versions = self.versions().clip(within.high)
        self.attributes(f)
        if f.type not in PRIMITIVES and self.peek() == "{":
            self.struct(message, f.type, f.versions)
        else:
            self.expect(";")
        return f

    def parenthesised_versions(self) -> Versions:
        self.expect("(")
        versions = self.versions()
        self.expect(")")
        return versions

    def attributes(self, f: Field) -> None:
        while self.peek() not in (";", "{"):
            if self.accept("tag"):
                f.tag = int(self.match(r"\d+", "a tag number"))
            elif self.accept("="):
                f.default = "[]" if self.accept("[]") else self.match(r'-?\w+|".*"', "a default value")
            elif self.accept("ignorable"):
                f.ignorable = True
            elif self.accept("classic"):
                f.classic = True
            else:
                expected = "'tag', '=', 'ignorable', 'classic', '{' or ';'"
                raise SchemaError(f"{self.where()}: expected {expected} but found '{self.peek()}'")

    def shared_struct(self, message: Message) -> None:
        """`struct Name 0+ { ... }`: for a structure that several fields of different versions hold."""
        name = self.match(r"[A-Z]\w*", "the name of a structure")
        self.struct(message, name, self.versions().clip(message.versions.high))

    def struct(self, message: Message, name: str, versions: Versions) -> None:
        if name in message.structs:
            raise SchemaError(f"{self.where()}: structure {name} is already defined: name it without a body")
        message.structs[name] = Struct(name, self.fields(message, versions), versions)
