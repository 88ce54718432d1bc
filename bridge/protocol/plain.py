"""Dataclasses to plain maps and back, with validation.

A value is *plain* when msgpack and JSON can hold it: None, bool, int, float, text, list, map. Pictures are left
to the caller, because where their pixels go differs: blobs of a frame on the wire, shared files beside a pipe.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Literal, TypeVar, Union

from .errors import BridgeError, ErrorCode
from .fields import FieldSpec, spec_of
from .pixels import Picture

T = TypeVar("T")
PictureWriter = Callable[[Picture], Mapping[str, Any]]
PictureReader = Callable[[Mapping[str, Any], str], Picture]

MAX_TEXT = 65536
"""Longest text of a field that declares no length of its own, in characters."""
MAX_DEPTH = 16
"""Deepest nesting of a free-form map."""


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


def to_plain(value: Any, write_picture: PictureWriter) -> Any:
    """Turn a dataclass (or anything in one) into plain values.

    Raises:
        BridgeError: `invalid_field` for a value that has no plain form.
    """
    if isinstance(value, Picture):
        return dict(write_picture(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        plain = {info.name: to_plain(getattr(value, info.name), write_picture) for info in fields_of(type(value))}
        if hasattr(value, "kind"):
            plain["kind"] = tag_of(type(value))
        return plain
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_plain(item, write_picture) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item, write_picture) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise BridgeError(ErrorCode.INVALID_FIELD, f"A {type(value).__name__} cannot be sent.")


def from_plain(cls: type[T], plain: Any, read_picture: PictureReader, path: str = "") -> T:
    """Build a dataclass from plain values, checking every type, range and length.

    Unknown keys are ignored, so that a newer peer may say more. Missing keys take their defaults.

    Raises:
        BridgeError: `invalid_field`, with the dotted path of the first field that is wrong.
    """
    if not isinstance(plain, Mapping):
        raise _invalid(path, f"expected a map for {cls.__name__}")
    values = {}
    for info in fields_of(cls):  # type: ignore[arg-type]  # classes hash; mypy doubts it for type[T]
        where = f"{path}.{info.name}" if path else info.name
        if info.name in plain:
            values[info.name] = _read(info.hint, plain[info.name], info.spec, read_picture, where)
        elif info.required:
            raise _invalid(where, "is missing")
    return cls(**values)


def _invalid(path: str, problem: str) -> BridgeError:
    return BridgeError(ErrorCode.INVALID_FIELD, f"Field {path or 'message'}: {problem}.", field=path)


def _read(hint: Any, value: Any, spec: FieldSpec, read_picture: PictureReader, path: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_union(typing.get_args(hint), value, spec, read_picture, path)
    if origin is Literal:
        return _read_choice(value, typing.get_args(hint), path)
    if origin is tuple:
        return _read_items(typing.get_args(hint)[0], value, spec, read_picture, path)
    if origin is dict:
        return _read_free_map(value, spec, path)
    if hint is Picture:
        if not isinstance(value, Mapping):
            raise _invalid(path, "expected a picture")
        return read_picture(value, path)
    if dataclasses.is_dataclass(hint):
        return from_plain(typing.cast("type[Any]", hint), value, read_picture, path)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(_read_choice(value, tuple(member.value for member in hint), path))
    return _read_scalar(hint, value, spec, path)


def _read_union(members: tuple[Any, ...], value: Any, spec: FieldSpec, read_picture: PictureReader, path: str) -> Any:
    concrete = [member for member in members if member is not type(None)]
    if value is None:
        if len(concrete) == len(members):
            raise _invalid(path, "must not be empty")
        return None
    if len(concrete) == 1:
        return _read(concrete[0], value, spec, read_picture, path)
    by_tag = {tag_of(member): member for member in concrete}
    tag = value.get("kind") if isinstance(value, Mapping) else None
    if not isinstance(tag, str) or tag not in by_tag:
        raise _invalid(f"{path}.kind", f"expected one of {', '.join(sorted(by_tag))}")
    return from_plain(by_tag[tag], value, read_picture, path)


def _read_choice(value: Any, choices: tuple[Any, ...], path: str) -> Any:
    # Compare types as well: 1 == True == 1.0 in Python, not on the wire.
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        raise _invalid(path, f"expected one of {', '.join(map(str, choices))}")
    return value


def _read_items(item: Any, value: Any, spec: FieldSpec, read_picture: PictureReader, path: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise _invalid(path, "expected a list")
    _check_length(value, spec, path)
    return tuple(_read(item, entry, FieldSpec(""), read_picture, f"{path}[{n}]") for n, entry in enumerate(value))


def _read_free_map(value: Any, spec: FieldSpec, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _invalid(path, "expected a map")
    _check_length(value, spec, path)
    _check_free(value, path, 0)
    return dict(value)


def _check_free(value: Any, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _invalid(path, f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise _invalid(path, "has a key that is not text")
            _check_free(item, path, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_free(item, path, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise _invalid(path, "holds a number that is not finite")
    elif not (value is None or isinstance(value, (bool, int, float, str))):
        raise _invalid(path, "holds a value that is neither text, number, list nor map")


def _read_scalar(hint: Any, value: Any, spec: FieldSpec, path: str) -> Any:
    if hint is bool:
        if not isinstance(value, bool):
            raise _invalid(path, "expected true or false")
        return value
    if hint is str:
        return _read_text(value, spec, path)
    if hint is int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _invalid(path, "expected a whole number")
    elif hint is float:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
            raise _invalid(path, "expected a finite number")
        value = float(value)
    else:
        raise TypeError(f"{path}: no rule for fields of type {hint!r}")
    if spec.ge is not None and value < spec.ge:
        raise _invalid(path, f"{value:g} is below the smallest value allowed, {spec.ge:g}")
    if spec.le is not None and value > spec.le:
        raise _invalid(path, f"{value:g} is above the largest value allowed, {spec.le:g}")
    return value


def _read_text(value: Any, spec: FieldSpec, path: str) -> str:
    if not isinstance(value, str):
        raise _invalid(path, "expected text")
    _check_length(value, spec, path)
    if spec.pattern and re.fullmatch(spec.pattern, value) is None:
        raise _invalid(path, f"does not have the form {spec.pattern}")
    return value


def _check_length(value: Any, spec: FieldSpec, path: str) -> None:
    longest = spec.max_length if spec.max_length is not None else MAX_TEXT
    if len(value) > longest:
        raise _invalid(path, f"is longer than {longest}")
