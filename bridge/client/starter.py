"""Starting a daemon in the background, for programs whose user has none running.

A plugin lives in a host's own Python and cannot import the daemon: it runs the Python that the daemon was installed
into, which that Python notes in a small file of the user's configuration.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bridge.protocol import locations
from bridge.protocol.errors import BridgeError, ErrorCode

INSTALLED_NAME = "installed.json"
LOG_NAME = "daemon.log"
SERVE = ("-m", "bridge.cli.main", "serve")


def remember_executable(python: str = "") -> None:
    """Note which Python the daemon is installed in. A folder that cannot be written is passed over."""
    path = locations.config_folder() / INSTALLED_NAME
    text = json.dumps({"python": python or sys.executable})
    with contextlib.suppress(OSError):
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)


def installed_python() -> str | None:
    """The Python that has the daemon, as noted by `latent-bridge serve` or `plugins install`; None when unknown."""
    try:
        noted = json.loads((locations.config_folder() / INSTALLED_NAME).read_text(encoding="utf-8"))
        python = str(noted["python"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return python if Path(python).is_file() else None


def daemon_command(extra: Sequence[str] = (), python: str | None = None) -> list[str]:
    """The command line that serves.

    Args:
        extra: further options of `latent-bridge serve`.
        python: the Python to use; None takes the noted one.

    Raises:
        BridgeError: `not_connected` when no installed daemon is known.
    """
    python = python or installed_python()
    if python is None:
        raise BridgeError(
            ErrorCode.NOT_CONNECTED,
            "It is not known where the daemon is installed.",
            hint="Run `latent-bridge serve` once in a terminal.",
        )
    return [python, *SERVE, *extra]


def start_daemon(command: Sequence[str] | None = None, *, timeout: float = 30.0) -> locations.Discovery:
    """Start a daemon that outlives this program, and wait until it listens. Harmless when one is running already.

    Args:
        command: the command line; None takes `daemon_command()`, at a free port where somebody else has the usual one.
            It must serve this user's own locations.
        timeout: seconds.

    Raises:
        BridgeError: `not_connected` when it ends instead of listening or takes too long; names its log.
    """
    running = locations.read_discovery()
    if running is not None and is_alive(running.pid):
        return running
    command = list(command) if command is not None else daemon_command(_port_options())
    folder = locations.runtime_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log_path = folder / LOG_NAME
    with open(log_path, "ab") as log:
        process = _spawn(command, log.fileno())
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = locations.read_discovery()
        if found is not None and is_alive(found.pid):
            return found
        if process.poll() is not None:
            raise _did_not_start(f"It ended with status {process.returncode}: {_last_line(log_path)}", log_path)
        time.sleep(0.05)
    raise _did_not_start(f"It does not listen after {timeout:g} s.", log_path)


def _port_options() -> tuple[str, ...]:
    # The discovery file tells clients the port, so that any will do; somebody else may use this computer as well.
    if locations.PORT_VARIABLE in os.environ:
        return ()
    with socket.socket() as usual:
        if sys.platform != "win32":
            usual.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the daemon does
        try:
            usual.bind((locations.DEFAULT_HOST, locations.DEFAULT_PORT))
        except OSError:
            return ("--port", "0")
    return ()


def is_alive(pid: int) -> bool:
    """Whether a process of this id runs."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _is_alive_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_alive_windows(pid: int) -> bool:
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    query_limited_information, still_active = 0x1000, 259
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return False
    status = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(status))
    kernel.CloseHandle(handle)
    return status.value == still_active


def _spawn(command: Sequence[str], log: int) -> subprocess.Popen[bytes]:
    ours = command[0] == sys.executable
    environment = {name: value for name, value in os.environ.items() if ours or name not in _HOST_VARIABLES}
    try:
        if sys.platform == "win32":
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, creationflags=flags
            )
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    except OSError as error:
        raise BridgeError(
            ErrorCode.NOT_CONNECTED, f"{command[0]} cannot be run: {error}.", hint="Is the daemon still installed?"
        ) from error


_HOST_VARIABLES = frozenset({"PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "QT_PLUGIN_PATH"})
"""What a host program sets for its own Python, and what would break another one."""


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:500] if lines else "it said nothing."


def _did_not_start(reason: str, log_path: Path) -> BridgeError:
    return BridgeError(ErrorCode.NOT_CONNECTED, f"The daemon did not start. {reason}", hint=f"Its log is {log_path}.")
