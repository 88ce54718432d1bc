"""Scenes: the add-on is installed, switched off and on again."""

import sys

import bpy


def enable(addon):
    """What is there once the add-on is enabled."""
    return {
        "module": addon.__name__,
        "foreign": sorted(name for name in sys.modules if name.split(".")[0] in {"bridge", "websockets", "msgpack"}),
    }


def off_and_on(addon):
    """Switch it off and on a few times."""
    for _ in range(3):
        bpy.ops.preferences.addon_disable(module=addon.__name__)
        bpy.ops.preferences.addon_enable(module=addon.__name__)
    return addon.__name__ in bpy.context.preferences.addons
