"""A running Krita, driven from outside: commands to the probe, and mouse and keyboard of the virtual screen."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .profile import Profile

WAIT = 90.0
"""Longest wait for anything, seconds; only ever reached when something hangs."""


class KritaError(AssertionError):
    """Krita did not do what was asked."""


@dataclass(frozen=True)
class Widget:
    """What the probe says of a widget; positions are those of the screen.

    Attributes:
        uncovered: whether a click on its middle would reach it.
    """

    x: int
    y: int
    width: int
    height: int
    visible: bool
    enabled: bool
    uncovered: bool
    text: str

    @property
    def centre(self) -> tuple[int, int]:
        return self.x + self.width // 2, self.y + self.height // 2


class RunningKrita:
    """A Krita process with the probe in it."""

    def __init__(self, profile: Profile, display: str, *arguments: str, **environment: str) -> None:
        self.profile = profile
        self.display = display
        self.output = profile.root / "krita.out"
        profile.socket.unlink(missing_ok=True)
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                ["krita", "--nosplash", *arguments],
                env={**profile.environment(display), **environment},
                stdout=output,
                stderr=output,
                cwd=profile.root / "home",
            )
        self._connection: socket.socket | None = None
        self._received = b""
        self.until(self._listens, "the probe in Krita")
        self.until(lambda: self.call("ready"), "Krita's window")
        self._window = str(self.call("arrange", width=1280, height=900))
        self.focus()

    # The probe.

    def _listens(self) -> bool:
        self._check_alive()
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(WAIT)
        if connection.connect_ex(str(self.profile.socket)) != 0:
            connection.close()
            return False
        self._connection = connection
        return True

    def call(self, command: str, **arguments: Any) -> Any:
        """Run a command of the probe on Krita's main thread. A Krita that does not answer hangs."""
        if self._connection is None:
            raise KritaError("Krita is closed")
        request = json.dumps({"command": command, "arguments": arguments}).encode()
        try:
            answer = json.loads(self._asked(self._connection, request + b"\n"))
        except ConnectionError:
            status = self.process.wait(WAIT)
            raise KritaError(
                f"Krita went away before or during {command} with status {status}:\n{self.tail()}"
            ) from None
        if "error" in answer:
            raise KritaError(f"{command}: {answer['error']}")
        return answer["value"]

    def _asked(self, connection: socket.socket, request: bytes) -> bytes:
        connection.sendall(request)
        while b"\n" not in self._received:
            piece = connection.recv(1 << 16)
            if not piece:
                raise ConnectionResetError
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        return line

    def until(self, condition: Callable[[], Any], what: str, timeout: float = WAIT) -> Any:
        """Wait until a condition holds and return its value."""
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            self._check_alive()
            if time.monotonic() > deadline:
                raise KritaError(f"waited in vain for {what}; {self._state()}\n{self.tail()}")
            time.sleep(0.05)
        return value

    def _state(self) -> str:
        if self._connection is None:
            return "no more is known"
        picture = self.profile.root / "waited-in-vain.png"
        self.screenshot(picture)
        return f"the docker: {self.call('docker')}; the mouse: {self.call('pointed')}; the screen: {picture}"

    def _check_alive(self) -> None:
        if self.process.poll() is not None:
            raise KritaError(f"Krita ended with status {self.process.returncode}:\n{self.tail()}")

    def tail(self) -> str:
        """The last lines that Krita wrote."""
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-60:])

    # The docker.

    def widget(self, name: str) -> Widget:
        """A widget of the docker, by the last part of its name."""
        return Widget(**self.call("widget", name=f"latent_bridge_{name}"))

    def docker(self) -> dict[str, Any]:
        """The docker's texts and what is switched on."""
        return dict(self.call("docker"))

    def wait_text(self, name: str, wanted: str) -> str:
        """Wait until a line of the docker holds a text."""
        return str(
            self.until(
                lambda: wanted in self.docker()[name] and self.docker()[name], f"{wanted!r} in the docker's {name}"
            )
        )

    # Mouse and keyboard.

    def focus(self, dialog: str = "") -> None:
        """Give the main window or a dialog the keyboard; there is no window manager that would."""
        window = self.call("window_of", name=f"latent_bridge_{dialog}") if dialog else self._window
        self._xdotool("windowfocus", window)

    def click(self, name: str) -> None:
        """Press a widget of a docker with the mouse: scroll to it if need be, and wait until it has come to rest."""
        places = [self.widget(name)]

        def at_rest() -> bool:
            if not places[-1].uncovered:
                self.call("reveal", name=f"latent_bridge_{name}")
            places.append(self.widget(name))
            return places[-1].uncovered and places[-1] == places[-2]

        self.until(at_rest, f"{name} to be where it can be pressed")
        self.click_at(*places[-1].centre)

    def click_at(self, x: int, y: int, button: int = 1) -> None:
        """Press a button of the mouse: 1 the left one, 3 the right one."""
        self._xdotool("mousemove", x, y)
        time.sleep(0.1)
        self._xdotool("click", button)
        time.sleep(0.1)

    def double_click_at(self, x: int, y: int) -> None:
        """Press the left button of the mouse twice."""
        self._xdotool("mousemove", x, y)
        time.sleep(0.1)
        self._xdotool("click", "--repeat", 2, "--delay", 60, 1)
        time.sleep(0.1)

    def hold(self, x: int, y: int) -> None:
        """Put the left button down and keep it there."""
        self._xdotool("mousemove", x, y)
        time.sleep(0.2)
        self._xdotool("mousedown", 1)

    def let_go(self, x: int, y: int) -> None:
        """Move there and let the left button up."""
        self._xdotool("mousemove", x, y)
        time.sleep(0.1)
        self._xdotool("mouseup", 1)

    def drag(self, start: tuple[int, int], end: tuple[int, int], steps: int = 8) -> None:
        """Move the mouse with the left button down."""
        self._xdotool("mousemove", *start)
        time.sleep(0.2)
        self._xdotool("mousedown", 1)
        for number in range(1, steps + 1):
            x = start[0] + (end[0] - start[0]) * number // steps
            y = start[1] + (end[1] - start[1]) * number // steps
            self._xdotool("mousemove", x, y)
            time.sleep(0.03)
        self._xdotool("mouseup", 1)
        time.sleep(0.2)

    def type_text(self, text: str) -> None:
        """Type into whatever has the keyboard."""
        self._xdotool("type", "--delay", 12, text)

    def key(self, chord: str) -> None:
        """Press keys together, such as `ctrl+Return`."""
        self._xdotool("key", chord)
        time.sleep(0.05)

    def _xdotool(self, *arguments: object) -> None:
        subprocess.run(
            ["xdotool", *map(str, arguments)], env={**os.environ, "DISPLAY": self.display}, check=True, timeout=30
        )

    def screenshot(self, path: Path) -> None:
        """Keep a picture of the whole screen."""
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["import", "-window", "root", str(path)]
        subprocess.run(command, env={**os.environ, "DISPLAY": self.display}, check=True, timeout=30)

    # The end.

    def quit(self) -> int:
        """Leave Krita as its menu does, without saving; returns the exit status."""
        self.call("quit")
        return self.wait_end()

    def wait_end(self) -> int:
        """Wait for the end of the process; a Krita that hangs is ended, which fails."""
        try:
            return self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise KritaError(f"Krita hangs while it closes:\n{self.tail()}") from None
        finally:
            self._forget_connection()

    def kill(self) -> None:
        """End it without ceremony, for after a failure. Harmless when it is over."""
        self._forget_connection()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
