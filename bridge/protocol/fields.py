"""Dataclass fields that know their documentation, range and unit.

Validation, the JSON Schema and `docs/protocol.md` are all derived from these, so that a limit is written once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_KEY = "bridge"
_REQUIRED = object()


@dataclass(frozen=True)
class FieldSpec:
    """What is known of a field beyond its type.

    Attributes:
        doc: one or two sentences for people.
        ge: smallest value allowed (numbers), inclusive.
        le: largest value allowed (numbers), inclusive.
        max_length: longest text, list or map allowed.
        pattern: regular expression that the whole text must match; empty for any.
        unit: "px", "s", "bytes"…; empty for plain numbers.
    """

    doc: str
    ge: float | None = None
    le: float | None = None
    max_length: int | None = None
    pattern: str = ""
    unit: str = ""


def spec(
    doc: str,
    *,
    default: Any = _REQUIRED,
    default_factory: Any = None,
    ge: float | None = None,
    le: float | None = None,
    max_length: int | None = None,
    pattern: str = "",
    unit: str = "",
) -> Any:
    """Declare a dataclass field. Without `default` and `default_factory` the field is required."""
    metadata = {_KEY: FieldSpec(doc, ge, le, max_length, pattern, unit)}
    if default_factory is not None:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    if default is _REQUIRED:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def spec_of(metadata: Mapping[str, Any]) -> FieldSpec:
    """The specification kept in a field's metadata; an empty one for fields declared without `spec`."""
    found = metadata.get(_KEY)
    return found if isinstance(found, FieldSpec) else FieldSpec("")
