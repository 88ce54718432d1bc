"""Dataclasses to plain maps; `plain_reading` has the way back.

A value is *plain* when msgpack and JSON can hold it: None, bool, int, float, text, list, map. Pictures are left
to the caller, because where their pixels go differs: blobs of a frame on the wire, shared files beside a pipe.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from .errors import BridgeError, ErrorCode
from .fields import FieldSpec, spec_of
from .pixels import Picture

PictureWriter = Callable[[Picture], Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class FieldInfo:
    """One field of a message: its resolved type and what was declared about it."""

    name: str
    hint: Any
    spec: FieldSpec
    default: Any
    required: bool


@functools.cache
def fields_of(cls: Any) -> tuple[FieldInfo, ...]:
    """The fields of a dataclass with their type hints resolved."""
    hints = typing.get_type_hints(cls)
    infos = []
    for item in dataclasses.fields(cls):
        default = item.default
        if default is dataclasses.MISSING and item.default_factory is not dataclasses.MISSING:
            default = item.default_factory()
        required = default is dataclasses.MISSING
        infos.append(
            FieldInfo(item.name, hints[item.name], spec_of(item.metadata), None if required else default, required)
        )
    return tuple(infos)


def tag_of(cls: type) -> str:
    """The value of `kind` that tells the members of a union apart."""
    return str(getattr(cls, "kind", cls.__name__))


_SCALARS = frozenset({type(None), bool, int, float, str})


@functools.cache
def _layout(cls: type) -> tuple[tuple[str, ...], str | None]:
    """Names of a dataclass's fields, and its tag if it has one."""
    return tuple(info.name for info in fields_of(cls)), tag_of(cls) if hasattr(cls, "kind") else None


def to_plain(value: Any, write_picture: PictureWriter) -> Any:
    """Turn a dataclass (or anything in one) into plain values.

    Raises:
        BridgeError: `invalid_field` for a value that has no plain form.
    """
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Picture):
        return dict(write_picture(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names, tag = _layout(type(value))
        plain = {name: to_plain(getattr(value, name), write_picture) for name in names}
        if tag is not None:
            plain["kind"] = tag
        return plain
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_plain(item, write_picture) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item, write_picture) for item in value]
    if isinstance(value, (bool, int, float, str)):
        return value
    raise BridgeError(ErrorCode.INVALID_FIELD, f"A {type(value).__name__} cannot be sent.")
