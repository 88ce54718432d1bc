# SPDX-License-Identifier: GPL-3.0-or-later
"""Esc cancels the running job.

The key belongs to the keymap “Screen”, which Blender asks after what waits for keys (moving, a knife, a render, a text
field) and after the editors' own keymaps. Where no job runs the operator's poll hands the key on. The Esc that ends the
playback of an animation is in the same keymap, and Blender hands it on once it has done so: that press is not ours.
"""

from __future__ import annotations

import bpy

LOOK_SECONDS = 0.1
"""Between looks at whether an animation plays."""


class _State:
    """What is to be taken away again, and whether an animation played at the last look.

    Attributes:
        items: keys that were added.
        played: at the last look.
    """

    items: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []
    played: bool = False


def means_us(context: bpy.types.Context) -> bool:
    """Whether Esc is free for us: no animation plays, nor did until this very press."""
    return not _State.played and not _plays(context.screen)


def _plays(screen: bpy.types.Screen | None) -> bool:
    return screen is not None and screen.is_animation_playing


def _look() -> float:
    _State.played = any(_plays(window.screen) for window in bpy.context.window_manager.windows)
    return LOOK_SECONDS


def register() -> None:
    """Add the key; the user may change it in Preferences ▸ Keymap ▸ Screen."""
    keys = bpy.context.window_manager.keyconfigs.addon
    if bpy.app.background or keys is None:
        return
    bpy.app.timers.register(_look, persistent=True)
    keymap = keys.keymaps.new(name="Screen", space_type="EMPTY")
    _State.items.append((keymap, keymap.keymap_items.new("latent_bridge.cancel_running", "ESC", "PRESS")))


def unregister() -> None:
    """Take it away."""
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)
    for keymap, item in _State.items:
        keymap.keymap_items.remove(item)
    _State.items.clear()
