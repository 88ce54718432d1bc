# SPDX-License-Identifier: GPL-3.0-or-later
"""Connecting to the daemon, and starting it."""

from __future__ import annotations

import bpy

from .. import animation, session
from ..about import CLIENT_NAME
from ..trial import Trial, try_out
from ..vendored import errors
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
        animation.carry_over()
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
        """Only when there is none, and none elsewhere is wished for."""
        return session.current().state != "connected" and not session.preferences().address.strip()

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start it in the background."""
        present = session.current()
        present.open()

        def started(_: object, error: errors.BridgeError | None) -> None:
            if error is not None:
                present.state, present.error = "disconnected", error
                present.say(str(error))

        present.state, present.error, present.message = "starting", None, ""
        present.connection.start_daemon(started)
        return {"FINISHED"}


class LATENTBRIDGE_OT_test_connection(bpy.types.Operator):
    """Try the daemon named above, beside the connection that is in use: what it is, and how quickly it answers"""

    bl_idname = "latent_bridge.test_connection"
    bl_label = "Test Connection"

    wait: bpy.props.FloatProperty(
        name="Wait", description="Seconds to wait for the outcome, for scripts", default=0, min=0
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One at a time."""
        trial = session.current().trial
        return trial is None or not trial.runs

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Try it in the background; the preferences show the outcome."""
        present, choice = session.current(), session.chosen()

        def tried(lines: tuple[str, ...] | None, error: errors.BridgeError | None) -> None:
            present.trial = Trial(choice, lines or (), error)

        try:
            choice.check(session.online())
        except errors.BridgeError as refusal:
            tried(None, refusal)
            return {"FINISHED"}
        present.trial = Trial(choice)
        present.connection.aside(lambda: try_out(choice, CLIENT_NAME), tried)
        if self.wait:
            present.wait(lambda: not present.trial.runs, self.wait)
        return {"FINISHED"}


CLASSES = (LATENTBRIDGE_OT_connect, LATENTBRIDGE_OT_start_daemon, LATENTBRIDGE_OT_test_connection)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
