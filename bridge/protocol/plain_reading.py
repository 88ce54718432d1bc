"""Plain maps to dataclasses, checking every type, range and length.

What a field's type and limits ask for is worked out once, into a reader for each field: a job is a dozen messages, and
looking every type up again in each of them took longer than sending them.
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
from .fields import FieldSpec
from .pixels import Picture
from .plain import fields_of, tag_of

T = TypeVar("T")
PictureReader = Callable[[Mapping[str, Any], str], Picture]
Reader = Callable[[Any, PictureReader, str], Any]
"""Takes a plain value, what reads pictures, and the dotted path for errors."""

MAX_TEXT = 65536
"""Longest text of a field that declares no length of its own, in characters."""
MAX_DEPTH = 16
"""Deepest nesting of a free-form map."""
_ANYTHING = FieldSpec("")


def from_plain(cls: type[T], plain: Any, read_picture: PictureReader, path: str = "") -> T:
    """Build a dataclass from plain values.

    Unknown keys are ignored, so that a newer peer may say more. Missing keys take their defaults.

    Raises:
        BridgeError: `invalid_field`, with the dotted path of the first field that is wrong.
    """
    known: Any = cls  # classes hash; mypy doubts it for type[T]
    value: T = _dataclass_reader(known)(plain, read_picture, path)
    return value


def _invalid(path: str, problem: str) -> BridgeError:
    return BridgeError(ErrorCode.INVALID_FIELD, f"Field {path or 'message'}: {problem}.", field=path)


@functools.cache
def _dataclass_reader(cls: Any) -> Reader:
    infos = fields_of(cls)
    fields = tuple((info.name, f".{info.name}", _reader(info.hint, info.spec), info.required) for info in infos)

    def read(plain: Any, pictures: PictureReader, path: str) -> Any:
        if not isinstance(plain, Mapping):
            raise _invalid(path, f"expected a map for {cls.__name__}")
        values = {}
        for name, below, reader, required in fields:
            where = path + below if path else name
            if name in plain:
                values[name] = reader(plain[name], pictures, where)
            elif required:
                raise _invalid(where, "is missing")
        return cls(**values)

    return read


def _reader(hint: Any, spec: FieldSpec) -> Reader:
    """The reader for a field of this type. Raises `TypeError` for a type that cannot travel."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return _union_reader(arguments, spec)
    if origin is Literal:
        return _choice_reader(arguments)
    if origin is tuple:
        return _items_reader(_reader(arguments[0], _ANYTHING), spec)
    if origin is dict:
        return _free_map_reader(spec)
    if hint is Picture:
        return _read_picture
    if dataclasses.is_dataclass(hint):
        return _dataclass_reader(typing.cast("Any", hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_reader(hint)
    scalars = {bool: _bool_reader, str: _text_reader, int: _int_reader, float: _float_reader}
    if hint not in scalars:
        raise TypeError(f"no rule for fields of type {hint!r}")
    return scalars[hint](spec)


def _union_reader(members: tuple[Any, ...], spec: FieldSpec) -> Reader:
    concrete = [member for member in members if member is not type(None)]
    reader = _reader(concrete[0], spec) if len(concrete) == 1 else _tagged_reader(concrete)
    may_be_none = len(concrete) < len(members)

    def read(value: Any, pictures: PictureReader, path: str) -> Any:
        if value is not None:
            return reader(value, pictures, path)
        if not may_be_none:
            raise _invalid(path, "must not be empty")
        return None

    return read


def _tagged_reader(members: list[Any]) -> Reader:
    readers = {tag_of(member): _dataclass_reader(member) for member in members}

    def read(value: Any, pictures: PictureReader, path: str) -> Any:
        tag = value.get("kind") if isinstance(value, Mapping) else None
        if not isinstance(tag, str) or tag not in readers:
            raise _invalid(f"{path}.kind", f"expected one of {', '.join(sorted(readers))}")
        return readers[tag](value, pictures, path)

    return read


def _choice_reader(choices: tuple[Any, ...]) -> Reader:
    # Compare types as well: 1 == True == 1.0 in Python, not on the wire.
    known = {(type(choice), choice) for choice in choices}

    def read(value: Any, _pictures: PictureReader, path: str) -> Any:
        if not isinstance(value, (str, int, float)) or (type(value), value) not in known:
            raise _invalid(path, f"expected one of {', '.join(map(str, choices))}")
        return value

    return read


def _enum_reader(cls: type[Enum]) -> Reader:
    choice = _choice_reader(tuple(member.value for member in cls))
    return lambda value, pictures, path: cls(choice(value, pictures, path))


def _items_reader(item: Reader, spec: FieldSpec) -> Reader:
    def read(value: Any, pictures: PictureReader, path: str) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)):
            raise _invalid(path, "expected a list")
        _check_length(value, spec, path)
        return tuple(item(entry, pictures, f"{path}[{number}]") for number, entry in enumerate(value))

    return read


def _free_map_reader(spec: FieldSpec) -> Reader:
    def read(value: Any, _pictures: PictureReader, path: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _invalid(path, "expected a map")
        _check_length(value, spec, path)
        _check_free(value, path, 0)
        return dict(value)

    return read


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


def _read_picture(value: Any, pictures: PictureReader, path: str) -> Picture:
    if not isinstance(value, Mapping):
        raise _invalid(path, "expected a picture")
    return pictures(value, path)


def _bool_reader(_spec: FieldSpec) -> Reader:
    def read(value: Any, _pictures: PictureReader, path: str) -> bool:
        if not isinstance(value, bool):
            raise _invalid(path, "expected true or false")
        return value

    return read


def _int_reader(spec: FieldSpec) -> Reader:
    def read(value: Any, _pictures: PictureReader, path: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _invalid(path, "expected a whole number")
        _check_range(value, spec, path)
        return value

    return read


def _float_reader(spec: FieldSpec) -> Reader:
    def read(value: Any, _pictures: PictureReader, path: str) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
            raise _invalid(path, "expected a finite number")
        _check_range(value, spec, path)
        return float(value)

    return read


def _check_range(value: float, spec: FieldSpec, path: str) -> None:
    if spec.ge is not None and value < spec.ge:
        raise _invalid(path, f"{value:g} is below the smallest value allowed, {spec.ge:g}")
    if spec.le is not None and value > spec.le:
        raise _invalid(path, f"{value:g} is above the largest value allowed, {spec.le:g}")


def _text_reader(spec: FieldSpec) -> Reader:
    matches = re.compile(spec.pattern).fullmatch if spec.pattern else None

    def read(value: Any, _pictures: PictureReader, path: str) -> str:
        if not isinstance(value, str):
            raise _invalid(path, "expected text")
        _check_length(value, spec, path)
        if matches is not None and matches(value) is None:
            raise _invalid(path, f"does not have the form {spec.pattern}")
        return value

    return read


def _check_length(value: Any, spec: FieldSpec, path: str) -> None:
    longest = spec.max_length if spec.max_length is not None else MAX_TEXT
    if len(value) > longest:
        raise _invalid(path, f"is longer than {longest}")
