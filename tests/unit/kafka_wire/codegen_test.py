"""The schema language says what is wrong with a schema, and where."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "proto/kafka/codegen"))
sys.dont_write_bytecode = True

from model import OPEN, SchemaError, Versions  # noqa: E402
from parse import parse_file  # noqa: E402


def parse(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "00_x.kmsg"
        path.write_text(text, encoding="utf-8")
        return parse_file(path)


def fields(body, flexible="flexible 2+"):
    return parse(f"message XRequest key 0 versions 0-3 {flexible} {{ {body} }}")[0].fields


class SchemaLanguageTest(unittest.TestCase):
    def test_message_line(self):
        message = parse("message XRequest key 7 versions 1-4 flexible 3+ { }")[0]
        self.assertEqual(
            (message.name, message.key, message.versions, message.flexible_from),
            ("XRequest", 7, Versions(1, 4), 3),
        )
        self.assertEqual(parse("message X versions 2 { }")[0].flexible_from, OPEN)

    def test_field_with_everything(self):
        (field,) = fields('// A comment.\n name: string?(3+) 2+ tag 0 = "x" ignorable;')
        self.assertEqual(
            (field.type, field.versions, field.nullable, field.tag, field.default, field.ignorable),
            ("string", Versions(2, 3), Versions(3), 0, '"x"', True),
        )

    def test_structure_hands_its_versions_to_its_fields(self):
        (field,) = fields("a: [Item] 1-2 { b: int32; c: int8 2+; }")
        self.assertTrue(field.is_array)
        message = parse("message X versions 0-3 { a: [Item] 1-2 { b: int32; c: int8 2+; } }")[0]
        self.assertEqual(
            [f.versions for f in message.structs["Item"].fields], [Versions(1, 2), Versions(2, 2)]
        )

    def test_least_size_of_an_element_is_that_of_its_shortest_version(self):
        message = parse(
            "message X versions 0-3 flexible 2+ { a: [Item] { s: string; i: int32; j: int64 1+; t: int8 2+ tag 0; } }"
        )[0]
        # Version 0: 2 + 4. From version 2: 1 + 4 + 8 and the tag section.
        self.assertEqual(message.element_size_min(message.fields[0]), 6)

    def refused(self, body, reason, flexible="flexible 2+"):
        with self.assertRaisesRegex(SchemaError, reason):
            fields(body, flexible)

    def test_mistakes_are_named_with_their_line(self):
        self.refused("\n a int32;", r"00_x.kmsg:2: expected ':' but found 'int32'")
        self.refused("a: int32", "expected")
        self.refused("a: nonsense;", "type nonsense is neither primitive nor defined")
        self.refused("a: int32?;", "int32 a cannot be null")
        self.refused("a: int32 tag 0;", "begins before version 2")
        self.refused("a: int32 2+ tag 1;", r"tags of XRequest are \[1\]")
        self.refused("a: records? 2+ tag 0;", "cannot move")
        self.refused("a: int32 4+;", "has versions that XRequest has not")
        self.refused("a: [I] 1-2 { b: int8; } c: [I];", "has versions that the definition of I has not")
        self.refused("a: [I] { b: int8; } c: [I] { b: int8; }", "I is already defined")
        self.refused("a: $;", "unexpected character")


if __name__ == "__main__":
    unittest.main()
