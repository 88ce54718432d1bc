"""Hypothesis strategies for every message, derived from the declarations that the protocol itself is derived from."""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import Enum
from typing import Any, Literal, Union

from hypothesis import strategies as st

from bridge.protocol.fields import FieldSpec
from bridge.protocol.messages import Message
from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat
from bridge.protocol.plain import fields_of
from bridge.protocol.vocabulary import CLIENT_MESSAGES, DAEMON_MESSAGES

plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Small pictures of every format."""
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    pixel_format = draw(st.sampled_from(PixelFormat))
    nbytes = width * height * pixel_format.bytes_per_pixel
    pixels = draw(st.binary(min_size=nbytes, max_size=nbytes))
    return Picture(width, height, pixel_format, pixels, draw(st.sampled_from(ColourSpace)))


def instances(cls: type) -> st.SearchStrategy[Any]:
    """Valid instances of a dataclass of the protocol."""
    values = {info.name: _values(info.hint, info.spec) for info in fields_of(cls)}
    return st.fixed_dictionaries(values).map(lambda arguments: cls(**arguments))


def messages() -> st.SearchStrategy[Message]:
    """Any valid message of either side."""
    return st.sampled_from(CLIENT_MESSAGES + DAEMON_MESSAGES).flatmap(instances)


def _values(hint: Any, spec: FieldSpec) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return st.one_of([_values(member, spec) for member in arguments])
    if hint is type(None):
        return st.none()
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple and typing.get_origin(arguments[0]) is Literal:
        # Choices are made once each, and at least one of them.
        return st.lists(_values(arguments[0], FieldSpec("")), min_size=1, max_size=3, unique=True).map(tuple)
    if origin is tuple:
        return st.lists(_values(arguments[0], FieldSpec("")), max_size=min(spec.max_length or 3, 3)).map(tuple)
    if origin is dict:
        return st.dictionaries(st.text(max_size=6), plain_values, max_size=3)
    if hint is Picture:
        return pictures()
    if dataclasses.is_dataclass(hint):
        return instances(typing.cast("type", hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    return _scalars(hint, spec)


def _scalars(hint: Any, spec: FieldSpec) -> st.SearchStrategy[Any]:
    if hint is bool:
        return st.booleans()
    if hint is int:
        return st.integers(-(2**63) if spec.ge is None else int(spec.ge), 2**63 if spec.le is None else int(spec.le))
    if hint is float:
        return st.floats(spec.ge, spec.le, allow_nan=False, allow_infinity=False)
    if spec.pattern:
        return st.from_regex(spec.pattern, fullmatch=True)
    return st.text(max_size=min(spec.max_length or 40, 40))
