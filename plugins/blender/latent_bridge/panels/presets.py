# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets of the fields, stored where Blender stores presets."""

from __future__ import annotations

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel

FOLDER = "latent_bridge"
FIELDS = (
    "prompt", "negative_prompt", "model", "size", "width", "height", "seamless", "variants", "fixed_seed", "seed",
    "steps", "guidance_scale", "strength", "scale", "detail",
)  # fmt: skip


class LATENTBRIDGE_PT_presets(PresetPanel, bpy.types.Panel):
    """Presets of prompt and parameters"""

    bl_label = "Bridge Presets"
    bl_idname = "LATENTBRIDGE_PT_presets"
    preset_subdir = FOLDER
    preset_operator = "script.execute_preset"
    preset_add_operator = "latent_bridge.preset_add"


class LATENTBRIDGE_OT_preset_add(AddPresetBase, bpy.types.Operator):
    """Add or remove a preset"""

    bl_idname = "latent_bridge.preset_add"
    bl_label = "Add Bridge Preset"
    preset_menu = "LATENTBRIDGE_PT_presets"
    preset_defines = ["settings = bpy.context.scene.latent_bridge"]
    preset_values = [f"settings.{name}" for name in FIELDS]
    preset_subdir = FOLDER


register, unregister = bpy.utils.register_classes_factory((LATENTBRIDGE_OT_preset_add,))
