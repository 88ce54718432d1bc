# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the daemon's adapters makes a picture follow the depth of a view. Pure."""

from __future__ import annotations

from ..vendored import messages

TYPES = ("controlnet", "t2i-adapter")


def depth_adapter(welcome: messages.Welcome | None, model: str) -> str:
    """The id of an adapter that follows depth and fits the model; empty when there is none.

    Args:
        welcome: what the daemon can do; None before it is connected.
        model: its id; empty for the daemon's default.
    """
    if welcome is None or not welcome.models:
        return ""
    family = next((each.family for each in welcome.models if each.id == model), welcome.models[0].family)
    for kind in TYPES:
        for each in welcome.adapters:
            fits = each.type == kind and not each.unusable and each.family == family
            if fits and "depth" in f"{each.id} {each.title}".lower():
                return each.id
    return ""
