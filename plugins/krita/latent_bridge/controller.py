# SPDX-License-Identifier: GPL-3.0-or-later
"""What a press of Generate leads to: read the document, ask the daemon, put the layers in. Main thread only.

One for the whole of Krita; the dockers of all its windows show the same state.
"""

from __future__ import annotations

import dataclasses

from .bridge_thread import BridgeThread
from .daemon_choice import DaemonChoice, load_choice, save_choice
from .form import Form, form_of, load_form, save_form
from .gallery import Gallery
from .guides import fitting, with_triggers
from .history import Entry
from .host import Host, OpenDocument
from .jobs import Jobs, Pending
from .joined_steps import JoinedSteps
from .layer_guides import read_guides
from .memory import Memories, Memory
from .modes import Mode
from .packing import inverted, packed, unpacked
from .qt import QIcon, QObject, QTimer, pyqtSignal
from .request import Plan, make_plan, make_task
from .state import DockerState, Fix
from .vendored import errors, messages

DEFAULT_NATIVE_SIZE = 512
SAVE_DELAY_MS = 300


class Controller(QObject):
    """Keeps the state, the form and the jobs.

    Signals:
        changed: the new `DockerState`.
        queue_changed: the `Jobs`.
        form_changed: a `Form` that did not come from the fields.
        edited: a `Form` that came from the fields of one docker.
        welcomed: the daemon's `Welcome`.
        settings_wanted: the user asks for the settings.
    """

    changed = pyqtSignal(object)
    queue_changed = pyqtSignal(object)
    form_changed = pyqtSignal(object)
    welcomed = pyqtSignal(object)
    edited = pyqtSignal(object)
    settings_wanted = pyqtSignal()

    def __init__(self, host: Host, bridge: BridgeThread) -> None:
        super().__init__()
        self.choice = load_choice(host.read_setting)
        self.state = DockerState(elsewhere=self.choice.elsewhere)
        self.form = load_form(host.read_setting)
        self.welcome: messages.Welcome | None = None
        self.jobs = Jobs()
        self._memories = Memories()
        self._unsaved: Memory | None = None
        self._steps = JoinedSteps(host)
        self.gallery = Gallery(host, bridge, self._memories, self._steps)
        self._host = host
        self._bridge = bridge
        self._saving = QTimer(self)
        self._saving.setSingleShot(True)
        self._saving.setInterval(SAVE_DELAY_MS)
        self._saving.timeout.connect(self._save)
        bridge.connection_changed.connect(self._on_connection)
        bridge.welcomed.connect(self._on_welcome)
        bridge.job_event.connect(self._on_job_event)
        bridge.start_ended.connect(self._on_start_ended)
        self.gallery.failed.connect(lambda error: self.show(self.state.warned(error.message, error.hint)))
        host.on_closing(self._on_closing)

    def show(self, state: DockerState) -> None:
        """Make this the state."""
        if state != self.state:
            self.state = state
            self.changed.emit(state)

    def _show_jobs(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.queue_changed.emit(jobs)

    # What the user does.

    def open(self) -> None:
        """A docker is looked at: connect."""
        self._bridge.open()

    def look(self) -> None:
        """Another document is in front: show what it remembers."""
        self._save()
        document = self._host.active_document()
        memory = self._memories.of(document) if document is not None else None
        if memory is not None:
            form = memory.form or self.form.without_layers()
            if form != self.form:
                self.form = form
                self.form_changed.emit(form)
        self.gallery.look()

    def edit(self, form: Form) -> None:
        """A field was changed."""
        self.form = form
        document = self._host.active_document()
        if document is not None:
            self._unsaved = self._memories.of(document)
            self._unsaved.form = form
        self._saving.start()
        self.edited.emit(form)

    def generate(self) -> None:
        """Make a layer for the document in front."""
        if not self.state.can_generate:
            return
        save_form(self.form, self._host.write_setting)
        try:
            self._generate(self.form)
        except errors.BridgeError as error:
            fix = Fix.AUTOMATIC_MODE if self.form.mode != Mode.AUTO else Fix.NONE
            self.show(self.state.warned(error.message, error.hint, fix))

    def again(self, vary: bool = False) -> None:
        """Make the active layer's result again, or another one by the same recipe."""
        found = self.gallery.active_entry()
        if found is None or not self.state.can_generate:
            if found is None:
                self.show(self.state.warned("The active layer is no result.", "Pick a layer that was made here."))
            return
        document, entry = found
        if document.canvas != entry.plan.canvas:
            hint = "Undo the change of size first, or press Recipe and then Generate."
            self.show(self.state.warned("The picture has another size than when this layer was made.", hint))
            return
        self.gallery.end_preview(self._memories.of(document))
        form = dataclasses.replace(form_of(dict(entry.form)), random_seed=vary, seed=entry.seed or 0, images=1)
        visible = document.shows_layer(entry.layer)
        document.show_layer(entry.layer, False)
        try:
            mask = unpacked(entry.mask, entry.plan.crop.width * entry.plan.crop.height)
            self._submit(document, entry.plan, form, mask)
        except errors.BridgeError as error:
            self.show(self.state.warned(error.message, error.hint))
        finally:
            document.show_layer(entry.layer, visible)

    def vary(self) -> None:
        """Another result by the active layer's recipe."""
        self.again(vary=True)

    def use_recipe(self, entry: Entry | None = None) -> None:
        """Fill the fields with the recipe of a result: the given one, or that of the active layer."""
        if entry is None:
            found = self.gallery.active_entry()
            entry = found[1] if found is not None else None
        if entry is None:
            return
        form = dataclasses.replace(
            form_of(dict(entry.form)), seed=entry.seed or 0, random_seed=False, mode=entry.plan.mode.value
        )
        self.edit(form)
        self.form_changed.emit(form)

    def cancel(self, job_id: str = "") -> None:
        """Stop a job; the oldest when none is named."""
        front = self.jobs.front
        job = self.jobs.find(job_id) if job_id else front
        if job is None:
            return
        self._bridge.cancel(job.job_id)
        if job is front and self.state.can_cancel:
            self.show(self.state.cancelling())
            if not self.state.busy:
                self._over(job)

    def start_daemon(self) -> None:
        """Start the daemon."""
        if self.state.can_start:
            self.show(self.state.starting())
            self._bridge.start_daemon()

    def use_daemon(self, choice: DaemonChoice) -> None:
        """Work with this daemon from now on, and remember that. Jobs under way stay with the former one."""
        save_choice(choice, self._host.write_setting)
        changed = choice.arguments() != self.choice.arguments()
        self.choice = choice
        if changed:
            # Their entries wait in the history: they are looked for whenever a document comes to the front.
            left = len(self.jobs.pending)
            self._show_jobs(Jobs())
            self.welcome = None
            self.show(self.state.using(choice.elsewhere))
            if left:
                jobs = "A job goes" if left == 1 else f"{left} jobs go"
                self.warn(f"{jobs} on at the former daemon.", "Choose it again, and the results come.")
        self._bridge.use(choice)
        if changed:
            self._bridge.open()

    def fix(self) -> None:
        """Do what the button beside an error offers."""
        if self.state.fix is Fix.SETTINGS:
            self.settings_wanted.emit()
            return
        changes = {Fix.AUTOMATIC_MODE: {"mode": Mode.AUTO.value}, Fix.DEFAULT_MODEL: {"model": ""}}
        form = dataclasses.replace(self.form, **changes.get(self.state.fix, {}))
        self.show(self.state.warned("", ""))
        self.edit(form)
        self.form_changed.emit(form)

    def icon(self, name: str) -> QIcon:
        """One of Krita's own icons."""
        return self._host.icon(name)

    def warn(self, message: str, hint: str) -> None:
        """Say why what the user asked for cannot be done."""
        self.show(self.state.warned(message, hint))

    def insert_triggers(self, lora: str) -> None:
        """Put the words that a LoRA answers to into the prompt."""
        known = self.welcome.adapters if self.welcome is not None else ()
        triggers = next((adapter.triggers for adapter in known if adapter.id == lora), ())
        prompt = with_triggers(self.form.prompt, triggers)
        if prompt != self.form.prompt:
            self.edit(dataclasses.replace(self.form, prompt=prompt))
            self.form_changed.emit(self.form)

    def set_mode(self, mode: Mode) -> None:
        """Choose a mode."""
        self.edit(dataclasses.replace(self.form, mode=mode.value))
        self.form_changed.emit(self.form)

    def _generate(self, form: Form) -> None:
        document = self._host.active_document()
        if document is None:
            raise errors.BridgeError(
                errors.ErrorCode.INVALID_FIELD, "No picture is open.", hint="Open one, or make a new one."
            )
        self.gallery.end_preview(self._memories.of(document))
        plan = make_plan(document.canvas, document.selection(), form, self.native_size(form.model))
        mask = document.mask(plan.crop) if plan.needs_mask else b""
        self._submit(document, plan, form, inverted(mask) if plan.inverts_mask else mask)

    def _submit(self, document: OpenDocument, plan: Plan, form: Form, mask: bytes) -> None:
        picture = document.pixels(plan.crop) if plan.needs_picture else b""
        types = {adapter.id: adapter.type for adapter in self.welcome.adapters} if self.welcome is not None else {}
        task = make_task(plan, form, picture, mask, read_guides(document, plan, form, types))
        target = document.active_layer()
        job = Pending(self._bridge.submit(task), document, plan, form, packed(mask), target)
        if self.jobs.front is None:
            self.show(self.state.sending())
        else:
            self.show(self.state.warned("", ""))
        self._show_jobs(self.jobs.added(job))
        memory = self._memories.of(document)
        for index in reversed(range(form.images)):
            memory.history = memory.history.put(_entry_of(job, index))
        memory.save(self.form)

    def layers(self) -> list[tuple[str, str]]:
        """Ids and names of the layers of the document in front, from the top."""
        document = self._host.active_document()
        return document.layers() if document is not None else []

    def active_layer(self) -> tuple[str, str]:
        """Id and name of the layer that the user works on; empty, with a warning, when there is none."""
        document = self._host.active_document()
        layer = document.active_layer() if document is not None else ""
        name = next((name for known, name in self.layers() if known == layer), "")
        if not name:
            self.warn("There is no active layer.", "Click on a layer in the Layers docker.")
        return (layer, name) if name else ("", "")

    def family(self) -> str:
        """Family of the chosen model; empty when it is unknown."""
        known = self.welcome.models if self.welcome is not None else ()
        return next((model.family for model in known if model.id == self.form.model or not self.form.model), "")

    def loras(self) -> list[str]:
        """Ids of the LoRAs that fit the chosen model."""
        known = self.welcome.adapters if self.welcome is not None else ()
        return [adapter.id for adapter in fitting(known, ("lora",), self.family())]

    def native_size(self, model: str) -> int:
        """The side that a model was made for, pixels."""
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
            if not self.jobs.pending:
                self.gallery.connected()
        elif connection.state == "disconnected":
            self.show(self.state.disconnected(connection.error))

    def _on_welcome(self, welcome: messages.Welcome) -> None:
        self.welcome = welcome
        self.welcomed.emit(welcome)

    def _on_start_ended(self, error: errors.BridgeError | None) -> None:
        if error is not None:
            self.show(self.state.start_failed(error.message, error.hint))

    def _on_job_event(self, job_id: str, event: messages.JobEvent) -> None:
        if self.jobs.find(job_id) is None:
            return  # let go by the user
        self._show_jobs(self.jobs.happened(event))
        job = self.jobs.find(job_id)
        if isinstance(event, messages.JobResult):
            self._keep_result(job, event)
        if job.complete or (job.layers and isinstance(event, messages.FINAL_EVENTS)):
            self._take(job)
        elif isinstance(event, messages.FINAL_EVENTS):
            self._over(job, event)
        elif job is self.jobs.front or isinstance(event, messages.JobNotice):
            self.show(self.state.happened(event))

    def _keep_result(self, job: Pending, event: messages.JobResult) -> None:
        if job.document.is_open:
            self.gallery.arrived(self._memories.of(job.document), _entry_of(job, event.index), event.layer)

    def _take(self, job: Pending) -> None:
        """Put the results into their document, in one turn of the event loop."""
        # First, since Krita may handle events while it takes a layer in.
        self._show_jobs(self.jobs.without(job.job_id))
        if not job.document.is_open:
            self._over(job)
            self.show(
                self.state.failed(
                    "The picture is ready, but its document was closed. The daemon keeps it.",
                    f"`latent-bridge jobs show {job.job_id} -o picture.png` saves it.",
                )
            )
            return
        made = self._steps.place(job.document, job.plan, job.form, job.layers, job.target)
        memory = self._memories.of(job.document)
        for index, layer in enumerate(made):
            entry = memory.history.find((job.job_id, index)) or _entry_of(job, index)
            memory.history = memory.history.put(dataclasses.replace(entry, layer=layer))
        self.gallery.keep(memory, memory.history)
        seeds = ", ".join(str(layer.seed) for layer in job.layers)
        self._show_seed(job)
        self._over(job, text=f"New layer{'s' if len(made) > 1 else ''}, seed {seeds}")

    def _show_seed(self, job: Pending) -> None:
        """The seed of the last picture, ready to be kept by switching Random off; one that is kept stays."""
        front = self._host.active_document()
        if self.form.random_seed and front is not None and job.document.same(front):
            self.edit(dataclasses.replace(self.form, seed=job.layers[0].seed))

    def _over(self, job: Pending, event: messages.JobEvent | None = None, text: str = "Cancelled") -> None:
        """A job is over; the docker shows the next."""
        self._forget_missing(job)
        self._bridge.forget(job.job_id)
        self._show_jobs(self.jobs.without(job.job_id))
        self.show(self.state.happened(event) if event is not None else self.state.ended(text))
        front = self.jobs.front
        if front is not None:
            self.show(self.state.next_one(front.last))

    def _forget_missing(self, job: Pending) -> None:
        """Images that will never come are no entries of the history."""
        if not job.document.is_open:
            return
        memory = self._memories.of(job.document)
        history = memory.history
        for entry in history.missing:
            if entry.job_id == job.job_id:
                history = history.without(entry.key)
        self.gallery.keep(memory, history)

    # Remembering.

    def _save(self) -> None:
        """Write what was typed into the document that it was typed for, whichever is in front by now."""
        self._saving.stop()
        unsaved, self._unsaved = self._unsaved, None
        if unsaved is not None:
            unsaved.save()

    def _on_closing(self) -> None:
        save_form(self.form, self._host.write_setting)
        self._bridge.close()


def _entry_of(job: Pending, index: int) -> Entry:
    return Entry(job.job_id, index, job.plan, dataclasses.asdict(job.form), mask=job.mask)
