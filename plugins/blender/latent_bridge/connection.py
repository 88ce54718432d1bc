# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to the daemon, on threads that never touch Blender.

Every method returns at once. What happens is put into `inbox`, a queue that the main thread drains when it likes.
One worker thread of our own builds tasks and makes files of results; the client brings its own threads.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .daemon_choice import DaemonChoice
from .faults import told_of
from .jobs import Variant
from .pictures import file_of, thumbnail
from .vendored import errors, load_client, load_starter, messages, tasks

CLOSING_SECONDS = 1.0
"""Longest wait for the threads when Blender quits or the add-on is switched off."""

PREVIEW_SIDE = 256


@dataclass(frozen=True)
class ConnectionChanged:
    """The connection stands elsewhere now; `welcome` comes with every new one."""

    state: str
    error: errors.BridgeError | None = None
    welcome: messages.Welcome | None = None


@dataclass(frozen=True)
class JobHappened:
    """The daemon told something of a job."""

    job_id: str
    event: messages.JobEvent


@dataclass(frozen=True)
class VariantReady:
    """A result that Blender can take as it is."""

    job_id: str
    variant: Variant


@dataclass(frozen=True)
class SubmitFailed:
    """A job was never sent."""

    job_id: str
    error: errors.BridgeError


@dataclass(frozen=True)
class Answered:
    """Something that ran in the background is over: `callback(value, error)` is to be called by the main thread.

    `job_id` names the job that it was for, if there is one: a callback that breaks fails it.
    """

    callback: Callable[[Any, errors.BridgeError | None], None]
    value: Any = None
    error: errors.BridgeError | None = None
    job_id: str = ""


Happening = ConnectionChanged | JobHappened | VariantReady | SubmitFailed | Answered


class Connection:
    """Connects, submits and cancels in the background.

    Attributes:
        inbox: what happened, for the main thread.
    """

    def __init__(self, client_name: str, session: str) -> None:
        self.inbox: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self._client_name = client_name
        self._session = session
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None
        self._bridge: Any = None
        self._opened = threading.Event()
        self._jobs: dict[str, Any] = {}

    def open(self, choice: DaemonChoice) -> None:
        """Begin to connect, and go on trying."""
        if self._worker is None:
            self._worker = threading.Thread(target=self._run, name="latent_bridge worker", daemon=True)
            self._worker.start()
            self._work.put(lambda: self._open(choice))

    @property
    def opened(self) -> bool:
        """Whether `open` was called."""
        return self._worker is not None

    def submit(self, job_id: str, make_task: Callable[[], tasks.Task], preview_side: int = PREVIEW_SIDE) -> None:
        """Queue a job; `make_task` runs on the worker thread."""
        self._work.put(lambda: self._submit(job_id, make_task, preview_side))

    def attach(self, job_id: str) -> None:
        """Take up a job that an earlier Blender submitted in the same session."""
        self._work.put(lambda: self._attach(job_id))

    def cancel(self, job_id: str) -> None:
        """Stop a job; harmless when it is over."""
        self._work.put(lambda: self._jobs[job_id].cancel() if job_id in self._jobs else None)

    def retry(self) -> None:
        """Try to connect now."""
        self._work.put(lambda: self._bridge.retry() if self._bridge is not None else None)

    def in_background(self, action: Callable[[], Any], callback: Callable[[Any, Any], None], job_id: str = "") -> None:
        """Run something on the worker; the callback is called when the main thread drains the inbox.

        `job_id` names the job that it is for, if there is one.
        """
        self._work.put(lambda: self.inbox.put(_answer(callback, action, job_id)))

    def aside(self, action: Callable[[], Any], callback: Callable[[Any, Any], None]) -> None:
        """As `in_background`, on a thread of its own: for what may wait."""

        def run() -> None:
            self.inbox.put(_answer(callback, action))

        threading.Thread(target=run, name="latent_bridge question", daemon=True).start()

    def ask(self, question: Callable[[Any], Any], callback: Callable[[Any, Any], None]) -> None:
        """Ask the daemon: `question` gets the client's `Bridge`, on a thread of its own since it may wait."""
        self.aside(lambda: question(self._connected()), callback)

    def ask_and_wait(self, question: Callable[[Any], Any]) -> Any:
        """Ask and wait, for the rare moment that Blender itself must wait, such as before a render.

        Raises:
            BridgeError: the daemon's, or `not_connected`.
        """
        return question(self._connected())

    def start_daemon(self, callback: Callable[[Any, Any], None]) -> None:
        """Start an installed daemon and connect to it."""

        def start() -> None:
            load_starter().start_daemon()
            if self._bridge is not None:
                self._bridge.retry()

        self.in_background(start, callback)

    def close(self) -> None:
        """Close for good, waiting `CLOSING_SECONDS` at most. Jobs under way stay with the daemon."""
        if self._worker is None:
            return
        self._work.put(self._close)
        self._work.put(None)
        self._worker.join(CLOSING_SECONDS)

    # On the worker thread.

    def _run(self) -> None:
        while (action := self._work.get()) is not None:
            try:
                action()
            except Exception as error:  # noqa: BLE001 - every later job needs this thread
                told_of(error)

    def _open(self, choice: DaemonChoice) -> None:
        try:
            self._bridge = _client().connect(
                **choice.arguments(),
                session=self._session,
                client_name=self._client_name,
                wait=False,
                on_connection=self._on_connection,
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the user must hear why nothing connects
            self.inbox.put(ConnectionChanged("disconnected", told_of(error)))
        finally:
            self._opened.set()

    def _close(self) -> None:
        bridge, self._bridge = self._bridge, None
        if bridge is not None:
            bridge.close()

    def _connected(self) -> Any:
        bridge = self._bridge
        if bridge is None:
            raise errors.BridgeError(errors.ErrorCode.NOT_CONNECTED, "There is no connection to the daemon.")
        return bridge

    def _submit(self, job_id: str, make_task: Callable[[], tasks.Task], preview_side: int) -> None:
        try:
            task = make_task()
            self._jobs[job_id] = self._connected().submit(
                task, job_id=job_id, preview_side=preview_side, on_event=self._on_event
            )
        except Exception as error:  # noqa: BLE001 - such as too little memory: the job has failed, the thread lives on
            self.inbox.put(SubmitFailed(job_id, told_of(error)))

    def _attach(self, job_id: str) -> None:
        try:
            self._jobs[job_id] = self._connected().attach(job_id, on_event=self._on_event)
        except Exception as error:  # noqa: BLE001 - likewise
            self.inbox.put(SubmitFailed(job_id, told_of(error)))

    def _prepare(self, job_id: str, event: messages.JobResult) -> None:
        try:
            self.inbox.put(VariantReady(job_id, _variant(event)))
        except (errors.BridgeError, ValueError) as error:  # what the daemon sent, and no fault of ours
            told = errors.BridgeError(errors.ErrorCode.INTERNAL, f"The result cannot be read: {error}")
            self.inbox.put(SubmitFailed(job_id, told))
        except Exception as error:  # noqa: BLE001 - likewise
            self.inbox.put(SubmitFailed(job_id, told_of(error)))

    # On the client's thread: quick, and never waiting.

    def _on_connection(self, connection: Any) -> None:
        self._opened.wait()  # the client may call back before `connect` has returned
        bridge = self._bridge
        greeted = connection.state == "connected" and bridge is not None
        welcome = bridge.welcome if greeted else None
        self.inbox.put(ConnectionChanged(connection.state.value, connection.error, welcome))

    def _on_event(self, job: Any, event: messages.JobEvent) -> None:
        if isinstance(event, messages.JobResult):
            self._work.put(lambda: self._prepare(job.id, event))
        elif isinstance(event, messages.LASTING_EVENTS):
            # Behind the results that came before it.
            self._work.put(lambda: self._last(job.id, event))
        else:
            self.inbox.put(JobHappened(job.id, event))

    def _last(self, job_id: str, event: messages.JobEvent) -> None:
        if isinstance(event, messages.FINAL_EVENTS):
            self._jobs.pop(job_id, None)
        self.inbox.put(JobHappened(job_id, event))


def _client() -> Any:
    try:
        return load_client()
    except ImportError as error:
        raise errors.BridgeError(
            errors.ErrorCode.INTERNAL,
            f"This Blender's Python does not work: {error}.",
            hint="Start Blender from its menu entry: a shell may show it the library of another Python.",
        ) from error


def _answer(
    callback: Callable[[Any, errors.BridgeError | None], None], action: Callable[[], Any], job_id: str = ""
) -> Answered:
    try:
        return Answered(callback, action(), job_id=job_id)
    except Exception as error:  # noqa: BLE001 - whatever it is, the thread lives on and the user hears of it
        return Answered(callback, error=told_of(error), job_id=job_id)


def _variant(event: messages.JobResult) -> Variant:
    picture, layer = event.layer.picture, event.layer
    return Variant(
        event.index,
        picture.width,
        picture.height,
        file=file_of(picture),
        seed=layer.seed,
        recipe=layer.recipe,
        thumbnail=None if picture.format.is_float else thumbnail(picture),
    )
