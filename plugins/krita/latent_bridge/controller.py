# SPDX-License-Identifier: GPL-3.0-or-later
"""What a press of Generate leads to: read the document, ask the daemon, put the layer in. Main thread only.

One for the whole of Krita; the dockers of all its windows show the same state.
"""

from __future__ import annotations

from dataclasses import dataclass

from .bridge_thread import BridgeThread
from .form import Form, load_form, save_form
from .host import Host, OpenDocument
from .qt import QObject, pyqtSignal
from .request import Plan, layer_name, make_plan, make_task, place_of
from .state import DockerState
from .vendored import errors, messages

DEFAULT_NATIVE_SIZE = 512


@dataclass(frozen=True)
class Pending:
    """A job under way, and where its result belongs."""

    job_id: str
    document: OpenDocument
    plan: Plan
    prompt: str


class Controller(QObject):
    """Keeps the state and the form.

    Signals:
        changed: the new `DockerState`.
        welcomed: the daemon's `Welcome`.
        seed_used: the seed of a result.
    """

    changed = pyqtSignal(object)
    welcomed = pyqtSignal(object)
    seed_used = pyqtSignal(object)

    def __init__(self, host: Host, bridge: BridgeThread) -> None:
        super().__init__()
        self.state = DockerState()
        self.form = load_form(host.read_setting)
        self.welcome: messages.Welcome | None = None
        self._host = host
        self._bridge = bridge
        self._pending: Pending | None = None
        bridge.connection_changed.connect(self._on_connection)
        bridge.welcomed.connect(self._on_welcome)
        bridge.job_event.connect(self._on_job_event)
        bridge.start_ended.connect(self._on_start_ended)
        host.on_closing(self._on_closing)

    def show(self, state: DockerState) -> None:
        """Make this the state."""
        if state != self.state:
            self.state = state
            self.changed.emit(state)

    # What the user does.

    def open(self) -> None:
        """A docker is looked at: connect."""
        self._bridge.open()

    def edit(self, form: Form) -> None:
        """A field was changed."""
        self.form = form

    def generate(self) -> None:
        """Make a layer for the document in front."""
        if not self.state.can_generate:
            return
        save_form(self.form, self._host.write_setting)
        try:
            self._submit(self.form)
        except errors.BridgeError as error:
            self.show(self.state.failed(error.message, error.hint))

    def cancel(self) -> None:
        """Stop the job."""
        if not self.state.can_cancel:
            return
        self._bridge.cancel()
        self.show(self.state.cancelling())
        if not self.state.busy:
            self._pending = None

    def start_daemon(self) -> None:
        """Start the daemon."""
        if self.state.can_start:
            self.show(self.state.starting())
            self._bridge.start_daemon()

    def _submit(self, form: Form) -> None:
        document = self._host.active_document()
        if document is None:
            raise errors.BridgeError(
                errors.ErrorCode.INVALID_FIELD, "No picture is open.", hint="Open one, or make a new one."
            )
        plan = make_plan(document.canvas, document.selection(), form.strength, self._native_size(form.model))
        picture = document.pixels(plan.crop) if plan.needs_picture else b""
        mask = document.mask(plan.crop) if plan.needs_mask else b""
        task = make_task(plan, form, picture, mask)
        self.show(self.state.sending())
        self._pending = Pending(self._bridge.submit(task), document, plan, form.prompt)

    def _native_size(self, model: str) -> int:
        known = self.welcome.models if self.welcome is not None else ()
        for candidate in known:
            if candidate.id == model or not model:
                return candidate.native_size
        return DEFAULT_NATIVE_SIZE

    # What comes back.

    def _on_connection(self, connection) -> None:
        if connection.state == "connecting":
            self.show(self.state.connecting())
        elif connection.state == "connected":
            daemon = self.welcome.daemon if self.welcome is not None else ""
            self.show(self.state.connected(daemon))
        elif connection.state == "disconnected":
            self.show(self.state.disconnected(connection.error))

    def _on_welcome(self, welcome: messages.Welcome) -> None:
        self.welcome = welcome
        self.welcomed.emit(welcome)

    def _on_start_ended(self, error: errors.BridgeError | None) -> None:
        if error is not None:
            self.show(self.state.start_failed(error.message, error.hint))

    def _on_job_event(self, job_id: str, event: messages.JobEvent) -> None:
        pending = self._pending
        if pending is None or pending.job_id != job_id:
            return  # let go by the user
        if isinstance(event, messages.JobResult):
            self._take(pending, event)
            return
        if isinstance(event, messages.FINAL_EVENTS):
            self._pending = None
        self.show(self.state.happened(event))

    def _take(self, pending: Pending, event: messages.JobResult) -> None:
        """Put a result into its document, in one turn of the event loop."""
        self._pending = None
        layer = event.layer
        if not pending.document.is_open:
            self.show(
                self.state.failed(
                    "The picture is ready, but its document was closed. The daemon keeps it.",
                    f"`latent-bridge jobs show {pending.job_id} -o picture.png` saves it.",
                )
            )
            return
        place = place_of(pending.plan, layer)
        pending.document.add_layer(layer_name(pending.prompt, layer.seed), place, bytes(layer.picture.pixels))
        self.seed_used.emit(layer.seed)
        self.show(self.state.ended(f"New layer, seed {layer.seed}"))

    def _on_closing(self) -> None:
        save_form(self.form, self._host.write_setting)
        self._bridge.close()
