# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON lines on a local socket, answered on the main thread."""

import json
import traceback

from PyQt5.QtCore import QElapsedTimer, QObject, QTimer
from PyQt5.QtNetwork import QLocalServer

from . import commands

HEARTBEAT_MS = 10


class Server(QObject):
    """Answers one command after another."""

    def __init__(self, path):
        super().__init__()
        commands.watch()
        # PyQt's slots and the garbage collector need somebody to hold on to the connections.
        self._connections = []
        self._server = QLocalServer(self)
        self._server.newConnection.connect(self._accept)
        if not self._server.listen(path):
            raise OSError(self._server.errorString())
        self._heart = Heart(self)

    def _accept(self):
        connection = self._server.nextPendingConnection()
        self._connections.append(connection)
        connection.readyRead.connect(self._read)

    def _read(self):
        connection = self.sender()
        while connection.canReadLine():
            request = json.loads(bytes(connection.readLine()).decode())
            connection.write(json.dumps(self._answer(request)).encode() + b"\n")

    def _answer(self, request):
        arguments = request["arguments"]
        if request["command"] == "longest_gap":
            return {"value": self._heart.take()}
        try:
            return {"value": getattr(commands, request["command"])(**arguments)}
        except Exception:  # noqa: BLE001 - told to the test, which fails
            return {"error": traceback.format_exc()}


class Heart(QObject):
    """Measures how long the main thread was away from its event loop."""

    def __init__(self, parent):
        super().__init__(parent)
        self._clock = QElapsedTimer()
        self._clock.start()
        self._longest = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._beat)
        self._timer.start(HEARTBEAT_MS)

    def _beat(self):
        self._longest = max(self._longest, self._clock.restart())

    def take(self):
        """Longest gap between two beats since the last call, milliseconds."""
        longest, self._longest = self._longest, 0
        return longest
