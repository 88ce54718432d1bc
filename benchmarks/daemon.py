"""A daemon to measure."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.client import Bridge, connect
from bridge.protocol import locations


@contextmanager
def running_daemon(home: Path, *arguments: str) -> Iterator[Bridge]:
    """A daemon with a home of its own, and a connection to it."""
    os.environ[locations.HOME_VARIABLE] = str(home)
    command = [sys.executable, "-m", "bridge.cli.main", "serve", "--port", "0", "--log-level", "warning", *arguments]
    process = subprocess.Popen(command)
    try:
        while locations.read_discovery() is None:
            if process.poll() is not None:
                raise SystemExit("the daemon did not start")
            time.sleep(0.02)
        with connect(client_name="benchmark") as bridge:
            while bridge.ping().engine != "ready":
                time.sleep(0.1)
            yield bridge
    finally:
        process.terminate()
        process.wait(20)
