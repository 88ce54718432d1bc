# SPDX-License-Identifier: GPL-3.0-or-later
"""Preferences ▸ Add-ons ▸ Latent Bridge."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from . import session


class LATENTBRIDGE_AP_preferences(bpy.types.AddonPreferences):
    """Which daemon, and how Blender shares the GPU with it."""

    bl_idname = __package__

    address: StringProperty(
        name="Address", description="host:port of the daemon; empty for the one that runs on this machine"
    )
    token: StringProperty(name="Token", description="Empty to read the daemon's own token file", subtype="PASSWORD")
    lend_for_render: BoolProperty(
        name="Free the GPU for Renders",
        description="Before a render the daemon gives its models' memory back, and returns after it",
    )
    lend_minutes: FloatProperty(
        name="Longest Render",
        description="Minutes after which the daemon takes the GPU back by itself",
        default=60,
        min=1,
        max=1440,
    )

    def draw(self, context: bpy.types.Context) -> None:
        """The preferences' fields, and how the connection stands."""
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "address", text="Address", placeholder="this machine") if bpy.app.version >= (
            4,
            1,
            0,
        ) else layout.prop(self, "address")
        layout.prop(self, "token")
        present = session.current()
        row = layout.row()
        row.label(text=connection_text(present), icon="LINKED" if present.state == "connected" else "UNLINKED")
        row.operator("latent_bridge.connect")
        row.operator("latent_bridge.start_daemon")
        if present.error is not None and present.error.hint:
            layout.label(text=present.error.hint, icon="INFO")
        layout.separator()
        layout.prop(self, "lend_for_render")
        sub = layout.column()
        sub.active = self.lend_for_render
        sub.prop(self, "lend_minutes")


def connection_text(present: session.Session) -> str:
    """The connection in a line."""
    if present.state == "connected":
        return f"Connected to {present.welcome.daemon}" if present.welcome else "Connected"
    if present.error is not None:
        return present.error.message
    return {"off": "Not connected", "connecting": "Connecting…"}.get(present.state, "No daemon is running")


def register() -> None:
    """Register the preferences."""
    bpy.utils.register_class(LATENTBRIDGE_AP_preferences)


def unregister() -> None:
    """Take them away."""
    bpy.utils.unregister_class(LATENTBRIDGE_AP_preferences)
