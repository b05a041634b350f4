"""The statement that writes or reads one field."""

import cpp
from model import Field, Message


def write_field(f: Field) -> str:
    flexible = "false" if f.classic else "flexible"
    if f.is_array:
        kind = "WriteNullableArray" if f.nullable else "WriteArray"
        write = write_value(f, "e", flexible)
        return f"fields::{kind}(out, {flexible}, {f.name}, [&](const auto& e) {{ {write} }});"
    if f.nullable and f.is_struct:
        return f"fields::WriteNullableStruct(out, version, {f.name});"
    if f.nullable:
        return f"out.WriteNullable{cpp.METHODS[f.type]}({f.name}, {flexible});"
    return write_value(f, f.name, flexible)


def write_value(f: Field, value: str, flexible: str) -> str:
    if f.is_struct:
        return f"{value}.Encode(out, version);"
    length = f", {flexible}" if f.type in cpp.WITH_LENGTH else ""
    return f"out.Write{cpp.METHODS[f.type]}({value}{length});"


def read_field(f: Field, message: Message) -> str:
    flexible = "false" if f.classic else "flexible"
    if f.is_array:
        kind = "ReadNullableArray" if f.nullable else "ReadArray"
        size = message.element_size_min(f)
        read = "e->Decode(in, version);" if f.is_struct else f"*e = {read_value(f, flexible)};"
        return f"fields::{kind}(in, {flexible}, {size}, &{f.name}, [&](auto* e) {{ {read} }});"
    if f.nullable and f.is_struct:
        return f"fields::ReadNullableStruct(in, version, &{f.name});"
    if f.nullable:
        where = "in.Read" if f.type == "bytes" else "fields::Read"
        arguments = flexible if f.type == "bytes" else f"in, {flexible}"
        return f"{f.name} = {where}Nullable{cpp.METHODS[f.type]}({arguments});"
    return f"{f.name}.Decode(in, version);" if f.is_struct else f"{f.name} = {read_value(f, flexible)};"


def read_value(f: Field, flexible: str) -> str:
    if f.type == "string":
        return f"std::string(in.ReadString({flexible}))"
    if f.type == "records":
        return f"fields::ReadRecords(in, {flexible})"
    return f"in.Read{cpp.METHODS[f.type]}({flexible if f.type == 'bytes' else ''})"
