# SPDX-License-Identifier: GPL-3.0-or-later
"""Where courses lie that are not over. Without numpy: also a Blender that has none may throw them away. Pure."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

from ..vendored import locations

FORGOTTEN_DAYS = 30
"""A course that nobody has touched for so long belongs to a journal that is gone."""


def path_of(course: str) -> Path:
    """The file of a course, by its id.

    Raises:
        ValueError: it is no such id; journals are files that anything may have written.
    """
    if not re.fullmatch(r"[0-9a-f]{32}", course):
        raise ValueError(f"{course!r} is no id of a course")
    return locations.data_folder() / "blender" / "projections" / f"{course}.npz"


def forget(course: str) -> None:
    """Throw a course away, and those that were forgotten."""
    with contextlib.suppress(OSError, ValueError):
        file = path_of(course)
        file.unlink(missing_ok=True)
        for other in file.parent.iterdir():
            if time.time() - other.stat().st_mtime > FORGOTTEN_DAYS * 24 * 3600:
                other.unlink(missing_ok=True)
