"""A virtual screen of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time

SCREEN = "1280x900x24"


class XServer:
    """An Xvfb that picks its own display number.

    Attributes:
        display: such as `:3`.
    """

    def __init__(self, screen: str = SCREEN) -> None:
        read_end, write_end = os.pipe()
        command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", screen, "-nolisten", "tcp", "-noreset"]
        self._process = subprocess.Popen(
            command, pass_fds=[write_end], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(write_end)
        with os.fdopen(read_end) as answer:
            number = answer.readline().strip()
        if not number:
            raise RuntimeError("Xvfb ended at once")
        self.display = f":{number}"
        self._wait_for_socket(f"/tmp/.X11-unix/X{number}")

    def _wait_for_socket(self, path: str) -> None:
        # The number is told before the socket listens; a program started in between dies.
        deadline = time.monotonic() + 20
        while True:
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(path) == 0:
                    return
            if time.monotonic() > deadline:
                raise RuntimeError("Xvfb never listened")
            time.sleep(0.02)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)
