# SPDX-License-Identifier: GPL-3.0-or-later
"""Connecting to the daemon, and starting it."""

from __future__ import annotations

import bpy

from .. import session
from .reporting import reported


class LATENTBRIDGE_OT_connect(bpy.types.Operator):
    """Connect to the daemon now, with the address and token above"""

    bl_idname = "latent_bridge.connect"
    bl_label = "Connect"

    wait: bpy.props.FloatProperty(
        name="Wait", description="Seconds to wait for the connection, for scripts", default=0, min=0
    )

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """A new session: address and token may have changed. Jobs under way are taken up again."""
        present = session.restart()
        present.open()
        if self.wait and not present.wait(lambda: present.state == "connected", self.wait):
            self.report({"WARNING"}, str(present.error or "There is no connection yet."))
            return {"CANCELLED"}
        return {"FINISHED"}


class LATENTBRIDGE_OT_start_daemon(bpy.types.Operator):
    """Start the daemon that is installed on this machine"""

    bl_idname = "latent_bridge.start_daemon"
    bl_label = "Start Daemon"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only when there is none."""
        return session.current().state != "connected" and not session.preferences().address

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start it in the background."""
        present = session.current()
        present.open()

        def started(_: object, error: object) -> None:
            present.message = str(error or "")

        present.message = "Starting the daemon…"
        present.connection.start_daemon(started)
        return {"FINISHED"}


CLASSES = (LATENTBRIDGE_OT_connect, LATENTBRIDGE_OT_start_daemon)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
