# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of any length: Blender cuts labels that do not fit into their region."""

from __future__ import annotations

import textwrap

import bpy

CHARACTER = 6.3
"""Width of one in Blender's font, on average and at the usual scale, pixels."""
BESIDE, ICON = 45, 32
"""What margins, boxes and tabs take, and what an icon does, likewise."""
FEWEST = 20


def draw_wrapped(layout: bpy.types.UILayout, text: str, icon: str = "NONE") -> None:
    """Labels below one another, broken where the region ends; the icon is before the first."""
    beside = BESIDE + (ICON if icon != "NONE" else 0)
    lines = textwrap.wrap(text, _characters(bpy.context.region, bpy.context.preferences.system.ui_scale, beside))
    column = layout.column(align=True)
    column.scale_y = 0.8 if len(lines) > 1 else 1
    for number, line in enumerate(lines):
        column.label(text=line, icon="BLANK1" if number and icon != "NONE" else icon)


def _characters(region: bpy.types.Region | None, scale: float, beside: int) -> int:
    """How many fit; without a region, as in scripts, as many as in a narrow sidebar."""
    width = region.width / scale - beside if region is not None else 0
    return max(FEWEST, int(width / CHARACTER))
