# SPDX-License-Identifier: GPL-3.0-or-later
"""The same panel in several editors: Blender wants a class for each."""

from __future__ import annotations

import bpy

TAB = "Bridge"
EDITORS = {"view": "VIEW_3D", "node": "NODE_EDITOR", "image": "IMAGE_EDITOR"}


def in_editors(kind: type, *names: str) -> tuple[type, ...]:
    """A panel class for each of the named editors, derived from `kind`, which has `draw` and `bl_label`."""
    made = []
    for name in names:
        suffix = f"{kind.__name__.lower()}_{name}"
        fields = {
            "bl_idname": f"LATENTBRIDGE_PT_{suffix}",
            "bl_space_type": EDITORS[name],
            "bl_region_type": "UI",
            "bl_category": TAB,
            "__doc__": kind.__doc__,
        }
        made.append(type(fields["bl_idname"], (kind, bpy.types.Panel), fields))
    return tuple(made)


def is_shader_editor(context: bpy.types.Context) -> bool:
    """Whether a node editor, if this is one, shows materials."""
    space = context.space_data
    return space.type != "NODE_EDITOR" or space.tree_type == "ShaderNodeTree"
