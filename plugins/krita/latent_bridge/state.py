# SPDX-License-Identifier: GPL-3.0-or-later
"""What the docker shows: connection and job as one value that events turn into the next one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from .vendored import errors, messages, wording


class Link(Enum):
    """Where the connection stands, in the user's eyes."""

    OFF = auto()
    CONNECTING = auto()
    CONNECTED = auto()
    ABSENT = auto()
    STARTING = auto()
    REFUSED = auto()


class Phase(Enum):
    """Where the present job stands."""

    IDLE = auto()
    SENDING = auto()
    QUEUED = auto()
    RUNNING = auto()
    CANCELLING = auto()


class Fix(Enum):
    """What a press of a button can do about an error; the values are its text."""

    NONE = ""
    AUTOMATIC_MODE = "Set to Automatic"
    DEFAULT_MODEL = "Use the default model"
    SETTINGS = "Settings…"


RUN_HINT = "Press Start, or run `latent-bridge serve` in a terminal."
AWAY_HINT = "Does it still run, and is the network there?"


@dataclass(frozen=True)
class DockerState:
    """Everything in the docker that the user did not type.

    Attributes:
        link: the connection.
        daemon: name and version of the daemon, once it has been greeted.
        elsewhere: address of a daemon on another computer; empty for that of this one.
        phase: the present job.
        text: what is going on with the job, or how the last one ended.
        fraction: how much of the job is done, 0 to 1; None when that cannot be told.
        error: what went wrong, in the user's words; empty for nothing.
        hint: what to do about it.
        fix: what a button offers to do about it.
    """

    link: Link = Link.OFF
    daemon: str = ""
    elsewhere: str = ""
    phase: Phase = Phase.IDLE
    text: str = ""
    fraction: float | None = 0.0
    error: str = ""
    hint: str = ""
    fix: Fix = Fix.NONE

    # What follows from it.

    @property
    def busy(self) -> bool:
        """Whether a job is under way."""
        return self.phase is not Phase.IDLE

    @property
    def can_generate(self) -> bool:
        """Whether Generate would do something."""
        return self.link is Link.CONNECTED

    @property
    def can_cancel(self) -> bool:
        """Whether Cancel would do something."""
        return self.busy and self.phase is not Phase.CANCELLING

    @property
    def can_start(self) -> bool:
        """Whether starting the daemon is offered."""
        return self.link is Link.ABSENT and not self.elsewhere

    @property
    def link_text(self) -> str:
        """The connection in a line."""
        absent = f"No daemon answers at {self.elsewhere}" if self.elsewhere else "The daemon is not running"
        where = f" at {self.elsewhere}" if self.elsewhere else ""
        return {
            Link.OFF: "Not connected",
            Link.CONNECTING: "Connecting…",
            Link.CONNECTED: f"Connected to {self.daemon or 'the daemon'}{where}",
            Link.ABSENT: absent if not self.busy else "Connection lost; waiting",
            Link.STARTING: "Starting the daemon…",
            Link.REFUSED: "The daemon refuses this connection",
        }[self.link]

    @property
    def why_not(self) -> str:
        """Why Generate is off; empty when it is on."""
        return "" if self.can_generate else "There is no connection to the daemon."

    # The connection.

    def connecting(self) -> DockerState:
        """An attempt begins. Not shown over a failure that is known: it would flicker at every attempt."""
        return replace(self, link=Link.CONNECTING) if self.link is Link.OFF else self

    def connected(self, daemon: str) -> DockerState:
        """The daemon has greeted us."""
        if self.link is Link.CONNECTED:
            return replace(self, daemon=daemon)
        text = "Connected again; waiting for the picture" if self.busy else self.text
        return replace(self, link=Link.CONNECTED, daemon=daemon, text=text, error="", hint="", fix=Fix.NONE)

    def disconnected(self, error: errors.BridgeError | None) -> DockerState:
        """The connection failed or was lost; the client goes on trying."""
        if error is not None and error.code in _REFUSALS:
            return replace(self, link=Link.REFUSED, error=error.message, hint=error.hint, fix=Fix.SETTINGS)
        if self.link is Link.STARTING:
            return self
        state = replace(self, link=Link.ABSENT)
        if self.busy:
            text = "The daemon is gone. The picture will be made when it is back."
            return replace(state, text=text, fraction=None, hint=AWAY_HINT if self.elsewhere else RUN_HINT)
        if error is not None and (self.elsewhere or error.code is not errors.ErrorCode.NOT_CONNECTED):
            return replace(state, error=error.message, hint=error.hint)
        return state

    def using(self, elsewhere: str) -> DockerState:
        """Another daemon was chosen; nothing is known of it yet.

        Args:
            elsewhere: its address; empty for that of this computer.
        """
        return DockerState(elsewhere=elsewhere)

    def starting(self) -> DockerState:
        """The user asked to start the daemon."""
        return replace(self, link=Link.STARTING, error="", hint="")

    def start_failed(self, message: str, hint: str) -> DockerState:
        """The daemon did not start."""
        return replace(self, link=Link.ABSENT, error=message, hint=hint)

    # The job.

    def sending(self) -> DockerState:
        """Generate was pressed."""
        return replace(self, phase=Phase.SENDING, text="Sending…", fraction=None, error="", hint="", fix=Fix.NONE)

    def next_one(self, event: messages.JobEvent | None) -> DockerState:
        """The job before it is over: from now on this is the job that is shown, after its newest event."""
        state = replace(self, phase=Phase.QUEUED, text="Waiting", fraction=None)
        return state.happened(event) if event is not None else state

    def cancelling(self) -> DockerState:
        """Cancel was pressed. Without a connection nobody could confirm it, so the job is let go at once."""
        if self.link is not Link.CONNECTED:
            return self.ended("Cancelled")
        return replace(self, phase=Phase.CANCELLING, text="Cancelling…", fraction=None)

    def happened(self, event: messages.JobEvent) -> DockerState:
        """Something happened to the job."""
        if not self.busy:
            return self
        if isinstance(event, messages.JobFailed):
            return self.failed(event.error.message, event.error.hint, fix_of(event.error.code))
        if isinstance(event, messages.JobCancelled):
            return self.ended("Cancelled")
        if isinstance(event, messages.JobNotice):
            return replace(self, error=event.notice.message, hint=event.notice.hint)
        if self.phase is Phase.CANCELLING:
            return self
        if isinstance(event, messages.JobQueued):
            text = f"Waiting: {event.position} before it" if event.position else "Waiting"
            return replace(self, phase=Phase.QUEUED, text=text, fraction=None)
        if isinstance(event, messages.JobProgress):
            text, share = wording.progress_text(event), wording.progress_share(event)
            return replace(self, phase=Phase.RUNNING, text=text, fraction=share)
        return self

    def ended(self, text: str) -> DockerState:
        """The job is over and nothing is wrong."""
        return replace(self, phase=Phase.IDLE, text=text, fraction=0.0)

    def failed(self, message: str, hint: str = "", fix: Fix = Fix.NONE) -> DockerState:
        """The job is over, or was never begun, for a reason that the user must know."""
        return replace(self, phase=Phase.IDLE, text="", fraction=0.0, error=message, hint=hint, fix=fix)

    def warned(self, message: str, hint: str = "", fix: Fix = Fix.NONE) -> DockerState:
        """Something that the user asked for cannot be done; the job goes on."""
        return replace(self, error=message, hint=hint, fix=fix)


_REFUSALS = frozenset(
    {
        errors.ErrorCode.UNAUTHORISED,
        errors.ErrorCode.FORBIDDEN,
        errors.ErrorCode.UNTRUSTED,
        errors.ErrorCode.INVALID_FIELD,
        errors.ErrorCode.UNSUPPORTED_VERSION,
    }
)


def fix_of(code: errors.ErrorCode) -> Fix:
    """What a button can do about an error of the daemon."""
    models = (errors.ErrorCode.UNKNOWN_MODEL, errors.ErrorCode.MODEL_UNUSABLE, errors.ErrorCode.TASK_UNSUPPORTED)
    return Fix.DEFAULT_MODEL if code in models else Fix.NONE
