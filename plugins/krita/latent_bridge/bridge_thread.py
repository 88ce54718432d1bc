# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to the daemon, seen from Krita's main thread.

Every method returns at once. The client calls back on a thread of its own; the signals carry that to the main
thread, because this object was made there.
"""

from __future__ import annotations

import threading
from typing import Any

from .daemon_choice import DaemonChoice
from .qt import QObject, pyqtSignal
from .vendored import errors, load_client, load_starter, tasks


class BridgeThread(QObject):
    """Connects, submits and cancels in the background.

    Signals:
        connection_changed: a `Connection`.
        welcomed: the daemon's `Welcome`, after every new connection.
        job_event: job id and `JobEvent`.
        fetched: job id, index of the image, and the `Layer` or the `BridgeError`.
        start_ended: how starting the daemon went: None, or the `BridgeError`.
        leaving: another daemon is about to be used.
    """

    connection_changed = pyqtSignal(object)
    welcomed = pyqtSignal(object)
    job_event = pyqtSignal(str, object)
    fetched = pyqtSignal(str, int, object)
    start_ended = pyqtSignal(object)
    leaving = pyqtSignal()

    def __init__(self, client_name: str, choice: DaemonChoice) -> None:
        super().__init__()
        self.client_name = client_name
        self._choice = choice
        self._bridge = None
        self._opening: Opening | None = None
        self._jobs: dict[str, object] = {}

    def open(self) -> None:
        """Begin to connect, and go on trying for as long as Krita runs. Harmless when it was begun before."""
        if self._opening is None:
            self._opening = opening = Opening()
            arguments = self._choice.arguments()
            in_background(lambda: self._open(opening, arguments), "open")

    def use(self, choice: DaemonChoice) -> None:
        """Work with another daemon from now on. Jobs under way stay with the former one."""
        if choice.arguments() == self._choice.arguments():
            self._choice = choice
            return
        self.leaving.emit()
        self._choice = choice
        self._jobs.clear()
        former, self._bridge, opening, self._opening = self._bridge, None, self._opening, None
        if former is not None:
            in_background(former.close, "close")
        if opening is not None:
            self.open()

    def _open(self, opening: Opening, arguments: dict[str, str]) -> None:
        # Importing the client takes a noticeable part of a second, which Krita's start is to be spared.
        client = load_client()
        bridge = client.connect(
            **arguments,
            wait=False,
            client_name=self.client_name,
            on_connection=lambda connection: self._on_connection(opening, connection),
        )
        opening.bridge = bridge
        if opening is self._opening:
            self._bridge = bridge
        else:
            in_background(bridge.close, "close")  # another daemon was chosen meanwhile
        opening.done.set()

    @property
    def bridge(self):
        """The client's `Bridge`, None while there is none. Its requests wait, so they are for the background."""
        return self._bridge

    def _on_connection(self, opening: Opening, connection) -> None:
        opening.done.wait()  # the client may call back before `connect` has returned
        if opening is not self._opening:
            return
        if connection.state == "connected":
            self.welcomed.emit(opening.bridge.welcome)
        self.connection_changed.emit(connection)

    def submit(self, task: tasks.Task) -> str:
        """Queue a job and return its id. Its pixels must not change until it has ended."""
        if self._bridge is None:
            raise errors.BridgeError(errors.ErrorCode.NOT_CONNECTED, "There is no connection to the daemon.")
        job = self._bridge.submit(task, on_event=lambda job, event: self.job_event.emit(job.id, event))
        self._jobs[job.id] = job
        return job.id

    def cancel(self, job_id: str) -> None:
        """Stop a job; harmless when it is over."""
        job = self._jobs.pop(job_id, None)
        if job is not None:
            job.cancel()

    def forget(self, job_id: str) -> None:
        """A job is over: its pixels need not be kept."""
        self._jobs.pop(job_id, None)

    def fetch(self, job_id: str, index: int) -> None:
        """Ask for a stored result of any job; `fetched` brings it."""
        in_background(lambda: self._fetch(job_id, index), "fetch")

    def _fetch(self, job_id: str, index: int) -> None:
        try:
            if self._bridge is None:
                raise errors.BridgeError(errors.ErrorCode.NOT_CONNECTED, "There is no connection to the daemon.")
            answer = self._bridge.fetch(job_id, index).layer
        except errors.BridgeError as error:
            answer = error
        self.fetched.emit(job_id, index, answer)

    def retry(self) -> None:
        """Try to connect now."""
        if self._bridge is not None:
            self._bridge.retry()

    def open_with_daemon(self) -> None:
        """Connect, and start an installed daemon if none runs."""
        self.open()
        self.start_daemon()

    def start_daemon(self) -> None:
        """Start an installed daemon; `start_ended` tells how it went."""
        in_background(self._start_daemon, "start daemon")

    def _start_daemon(self) -> None:
        try:
            load_starter().start_daemon()
        except errors.BridgeError as error:
            self.start_ended.emit(error)
            return
        self.start_ended.emit(None)
        self.retry()

    def close(self, timeout: float = 1.0) -> None:
        """Close the connection. A job under way stays with the daemon. Waits `timeout` seconds at most."""
        bridge, self._bridge = self._bridge, None
        if bridge is not None:
            in_background(bridge.close, "close").join(timeout)


class Opening:
    """A connection that was begun.

    Attributes:
        done: set when there is a bridge.
        bridge: the client's `Bridge`.
    """

    def __init__(self) -> None:
        self.done = threading.Event()
        self.bridge: Any = None


def in_background(action, name: str) -> threading.Thread:
    """Run an action on a thread of its own."""
    thread = threading.Thread(target=action, name=f"latent_bridge {name}", daemon=True)
    thread.start()
    return thread
