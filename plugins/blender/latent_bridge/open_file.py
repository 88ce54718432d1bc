# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file is open: a path tells that only once the file was saved, so every load gets an identity of its own."""

from __future__ import annotations

import uuid

import bpy


class _Open:
    """The identity of what is open now."""

    identity: str = uuid.uuid4().hex


def identity() -> str:
    """Changes with every load of a file, and never by saving."""
    return _Open.identity


def is_open(file: str, path: str) -> bool:
    """Whether the file that had this identity, or else lies at this path, is the one that is open."""
    return file == _Open.identity or (bool(path) and path == bpy.data.filepath)


@bpy.app.handlers.persistent
def _loaded(*_: object) -> None:
    _Open.identity = uuid.uuid4().hex


def register() -> None:
    """Notice loads."""
    bpy.app.handlers.load_post.append(_loaded)


def unregister() -> None:
    """Stop noticing."""
    if _loaded in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_loaded)
