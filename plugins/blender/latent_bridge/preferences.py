# SPDX-License-Identifier: GPL-3.0-or-later
"""Preferences ▸ Add-ons ▸ Latent Bridge."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from . import kept_token, session
from .vendored import errors
from .wrapped import draw_wrapped

STARTING = "Starting the daemon…"


def _kept(_: bpy.types.AddonPreferences) -> str:
    return kept_token.read()


def _keep(_: bpy.types.AddonPreferences, token: str) -> None:
    try:
        kept_token.write(token)
    except errors.BridgeError as error:
        session.current().say(str(error))  # Blender lets no error out of a property


class LATENTBRIDGE_AP_preferences(bpy.types.AddonPreferences):
    """Which daemon, and how Blender shares the GPU with it."""

    bl_idname = __package__

    address: StringProperty(
        name="Address",
        description="host:port or wss://host:port of a daemon on another computer; empty for this computer's",
    )
    token: StringProperty(
        name="Token",
        description="The text in the token file of a daemon on another computer; empty for this computer's",
        subtype="PASSWORD",
        get=_kept,
        set=_keep,
    )
    certificate: StringProperty(
        name="Certificate",
        description="A PEM file: the daemon's own certificate, or the authority that signed it. "
        "Only if it is signed by nobody whom this computer knows",
        subtype="FILE_PATH",
    )
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
        layout, present = self.layout, session.current()
        layout.use_property_split = True
        layout.use_property_decorate = False
        placeholder = {"placeholder": "this computer"} if bpy.app.version >= (4, 1, 0) else {}
        layout.prop(self, "address", **placeholder)
        sub = layout.column()
        sub.active = bool(self.address.strip())
        sub.prop(self, "token")
        sub.prop(self, "certificate")
        self._draw_connection(layout.box().column(), present)
        layout.separator()
        layout.prop(self, "lend_for_render")
        sub = layout.column()
        sub.active = self.lend_for_render
        sub.prop(self, "lend_minutes")

    def _draw_connection(self, layout: bpy.types.UILayout, present: session.Session) -> None:
        linked = "LINKED" if present.state == "connected" else "UNLINKED"
        draw_wrapped(layout, connection_text(present), icon=linked)
        if present.error is not None:
            draw_wrapped(layout, session.chosen().in_our_words(present.error), icon="INFO")
        if present.message:
            draw_wrapped(layout, present.message, icon="ERROR")
        row = layout.row(align=True)
        row.operator("latent_bridge.connect", icon="FILE_REFRESH")
        row.operator("latent_bridge.start_daemon", icon="PLAY")
        row.operator("latent_bridge.test_connection", icon="VIEWZOOM")
        trial = present.trial
        if trial is None or trial.choice != session.chosen():
            return  # there is none, or it was about something else
        if trial.runs:
            layout.label(text="Connecting…", icon="TIME")
        for number, line in enumerate(trial.lines):
            layout.label(text=line, icon="BLANK1" if number else "CHECKMARK")
        if trial.error is not None and str(trial.error) != str(present.error):
            draw_wrapped(layout, trial.error.message, icon="ERROR")
            draw_wrapped(layout, trial.choice.in_our_words(trial.error), icon="INFO")


def connection_text(present: session.Session) -> str:
    """The connection in a line."""
    if present.state == "connected":
        return f"Connected to {present.welcome.daemon}" if present.welcome else "Connected"
    if present.error is not None:
        return present.error.message
    return {"off": "Not connected", "connecting": "Connecting…", "starting": STARTING}.get(
        present.state, "No daemon is running"
    )


def register() -> None:
    """Register the preferences."""
    bpy.utils.register_class(LATENTBRIDGE_AP_preferences)


def unregister() -> None:
    """Take them away."""
    bpy.utils.unregister_class(LATENTBRIDGE_AP_preferences)
