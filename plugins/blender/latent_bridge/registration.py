# SPDX-License-Identifier: GPL-3.0-or-later
"""What is registered with Blender, in order. Each part has `register()` and `unregister()`."""

from __future__ import annotations

import importlib

PARTS = (
    "preferences",
    "properties",
    "open_file",
    "ticking",
    "operators",
    "panels",
    "maps",
    "projection",
    "overlay",
    "render_hooks",
    "live",
    "status_bar",
    "shortcuts",
)


def _parts():
    return [importlib.import_module(f"{__package__}.{name}") for name in PARTS]


def register() -> None:
    """Register every part; when one fails, what was registered before is taken back."""
    done = []
    try:
        for part in _parts():
            part.register()
            done.append(part)
    except BaseException:
        for part in reversed(done):
            part.unregister()
        raise


def unregister() -> None:
    """Take everything back, last first."""
    for part in reversed(_parts()):
        part.unregister()
