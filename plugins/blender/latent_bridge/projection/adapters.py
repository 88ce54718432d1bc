# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the daemon's adapters makes a picture follow what a view shows of the meshes. Pure."""

from __future__ import annotations

from ..vendored import messages

TYPES = ("controlnet", "t2i-adapter")
GUIDES = {
    "depth": ("depth",),
    "normal": ("normal",),
    "edges": ("lineart", "canny", "softedge", "hed", "scribble", "sketch", "edge"),
}
"""What guides, as the fields of a `Look` are called, and words in the names of the adapters for it, the best first."""


def guide_adapters(welcome: messages.Welcome | None, model: str) -> dict[str, str]:
    """By what they follow, the ids of adapters that fit the model.

    Args:
        welcome: what the daemon can do; None before it is connected.
        model: its id; empty for the daemon's default.
    """
    if welcome is None or not welcome.models:
        return {}
    family = next((each.family for each in welcome.models if each.id == model), welcome.models[0].family)
    fitting = [
        each
        for kind in TYPES
        for each in welcome.adapters
        if each.type == kind and not each.unusable and each.family == family
    ]
    found = {}
    for guide, words in GUIDES.items():
        named = (each.id for word in words for each in fitting if word in f"{each.id} {each.title}".lower())
        found[guide] = next(named, "")
    return {guide: adapter for guide, adapter in found.items() if adapter}
