"""JSON Schema (2020-12) of messages and tasks, derived from their dataclasses."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, Union

from .fields import FieldSpec
from .pixels import MAX_SIDE, ColourSpace, Picture, PixelFormat
from .plain import fields_of, tag_of, to_plain
from .plain_reading import MAX_TEXT
from .tasks import TASKS
from .vocabulary import MESSAGE_TYPES
from .wire import ENCODINGS, RAW, describe_picture

DIALECT = "https://json-schema.org/draft/2020-12/schema"

PICTURE_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "A picture; its pixels are a blob of the frame or a shared file, rows top-down and tight.",
    "properties": {
        "width": {"type": "integer", "minimum": 1, "maximum": MAX_SIDE},
        "height": {"type": "integer", "minimum": 1, "maximum": MAX_SIDE},
        "format": {"enum": [member.value for member in PixelFormat]},
        "colour_space": {"enum": [member.value for member in ColourSpace], "default": "srgb"},
        "encoding": {"enum": [RAW, *ENCODINGS], "default": RAW},
        "blob": {"type": "integer", "minimum": 0},
        "file": {"type": "string"},
    },
    "required": ["width", "height", "format"],
    "oneOf": [{"required": ["blob"]}, {"required": ["file"]}],
}

_SCALARS: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def schema_of(cls: type) -> dict[str, Any]:
    """The schema of one dataclass, nested dataclasses included in place."""
    properties: dict[str, Any] = {}
    if hasattr(cls, "kind"):
        properties["kind"] = {"const": tag_of(cls)}
    for info in fields_of(cls):
        entry = {**_schema(info.hint, info.spec), "description": info.spec.doc}
        if not info.required:
            entry["default"] = to_plain(info.default, describe_picture)
        if info.spec.unit:
            entry["x-unit"] = info.spec.unit
        properties[info.name] = entry
    required = [info.name for info in fields_of(cls) if info.required]
    if hasattr(cls, "kind"):
        required.insert(0, "kind")
    return {
        "type": "object",
        "description": (cls.__doc__ or "").split("\n\n")[0].replace("\n", " "),
        "properties": properties,
        "required": required,
    }


def _schema(hint: Any, spec: FieldSpec) -> dict[str, Any]:
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin in (Union, types.UnionType):
        members = [_schema(member, spec) for member in arguments if member is not type(None)]
        if type(None) in arguments:
            members.append({"type": "null"})
        return {"anyOf": members}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return _with_length({"type": "array", "items": _schema(arguments[0], FieldSpec(""))}, spec, "maxItems")
    if origin is dict:
        return _with_length({"type": "object"}, spec, "maxProperties")
    if hint is Picture:
        return dict(PICTURE_SCHEMA)
    if dataclasses.is_dataclass(hint):
        return schema_of(typing.cast("type", hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    return _scalar(hint, spec)


def _scalar(hint: type, spec: FieldSpec) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": _SCALARS[hint]}
    if hint is str:
        if spec.pattern:
            schema["pattern"] = f"^(?:{spec.pattern})$"
        return _with_length(schema, spec, "maxLength")
    if spec.ge is not None:
        schema["minimum"] = spec.ge
    if spec.le is not None:
        schema["maximum"] = spec.le
    return schema


def _with_length(schema: dict[str, Any], spec: FieldSpec, key: str) -> dict[str, Any]:
    return {**schema, key: spec.max_length if spec.max_length is not None else MAX_TEXT}


@functools.cache
def task_schemas() -> Mapping[str, Any]:
    """The schema of every task's parameters, by its kind. Clients build their controls from it."""
    return {tag_of(task): schema_of(task) for task in TASKS}


def protocol_schema() -> dict[str, Any]:
    """The schema of all messages: an object with `type` and `body`, as in a frame's header."""
    definitions = {name: schema_of(cls) for name, cls in MESSAGE_TYPES.items()}
    return {
        "$schema": DIALECT,
        "title": "Messages of the bridge",
        "oneOf": [
            {
                "type": "object",
                "properties": {"type": {"const": name}, "body": {"$ref": f"#/$defs/{name}"}},
                "required": ["type", "body"],
            }
            for name in definitions
        ],
        "$defs": definitions,
    }
