"""What `doctor` looks at. Every check says what it found and, when that is not well, what to do."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bridge.protocol import locations
from bridge.protocol.errors import BridgeError, ErrorCode

from .connecting import Whereabouts

Level = Literal["ok", "note", "wrong"]

OLDEST_PYTHON = (3, 11)
LITTLE_MEMORY = 2 << 30
"""Free bytes on the device below which even a small model is likely to fail."""
PROBE_TIMEOUT = 120.0


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        subject: what was looked at.
        level: `ok`; `note` for what is only missing if somebody wants it; `wrong` for what must be mended.
        found: what is the case.
        remedy: what to do about it; empty when it is ok.
    """

    subject: str
    level: Level
    found: str
    remedy: str = ""


def check_python(version: tuple[int, ...] = sys.version_info[:3], python: str = sys.executable) -> Finding:
    """Whether this Python can run the daemon."""
    text = f"{'.'.join(map(str, version))} at {python}"
    if version >= OLDEST_PYTHON:
        return Finding("python", "ok", text)
    return Finding("python", "wrong", text, "The daemon needs Python 3.11 or newer: install it with `python dev.py`.")


def probe_engine(python: str = sys.executable) -> dict[str, Any]:
    """Ask the engine's own process what it would run on; `{"error": …}` when it cannot say."""
    try:
        done = subprocess.run(
            [python, "-m", "bridge.engine", "--probe"],
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT,
            check=False,
        )
        lines = done.stdout.strip().splitlines()
        probed = json.loads(lines[-1]) if lines else {"error": _last_line(done.stderr)}
    except subprocess.TimeoutExpired:
        return {"error": f"it did not answer within {PROBE_TIMEOUT:.0f} s"}
    except (OSError, ValueError) as error:
        return {"error": str(error)}
    return probed if isinstance(probed, dict) else {"error": "it answered nonsense"}


def check_engine(probed: dict[str, Any]) -> Iterable[Finding]:
    """Torch, the device, and its free memory."""
    if "error" in probed:
        yield Finding(
            "torch",
            "wrong",
            f"the engine cannot be loaded: {probed['error']}",
            "Install it with `pip install 'latent-bridge[engine]'`, or run `python dev.py` again.",
        )
        return
    yield Finding("torch", "ok", f"{probed.get('torch')}, diffusers {probed.get('diffusers')}")
    device = f"{probed.get('device_name') or probed.get('device')}"
    if probed.get("device") == "cpu":
        yield Finding("device", "note", device, "Pictures take their time here; with a GPU, install torch for it.")
    else:
        yield Finding("device", "ok", device)
    free, total = int(probed.get("memory_free", 0)), int(probed.get("memory_total", 0))
    text = f"{free / (1 << 30):.1f} of {total / (1 << 30):.1f} GiB free"
    if free < LITTLE_MEMORY:
        yield Finding("memory", "wrong", text, "Close programs that use the device.")
    else:
        yield Finding("memory", "ok", text)


def check_models() -> Finding:
    """Models that a daemon started without options would find."""
    from bridge.daemon.catalogue import Catalogue
    from bridge.daemon.config import Settings

    infos = Catalogue((), Settings().model_folders).infos()
    usable = [info.id for info in infos if not info.unusable]
    broken = [f"{info.id} ({info.unusable})" for info in infos if info.unusable]
    if usable and not broken:
        return Finding("models", "ok", ", ".join(usable))
    found = "; ".join([*usable, *broken]) or "none"
    return Finding("models", "wrong", found, "Name one with `latent-bridge serve --model FOLDER`, or install again.")


def check_token(path: Path, posix: bool = os.name == "posix") -> Finding:
    """Whether the token is there and nobody else's."""
    if not path.exists():
        return Finding("token", "note", f"{path} does not exist yet", "`latent-bridge serve` makes it.")
    try:
        mode = path.stat().st_mode
        path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        return Finding("token", "wrong", f"{path} cannot be read: {error}", "Delete it; the daemon makes a new one.")
    if posix and mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Finding("token", "wrong", f"{path} can be read by other users", f"Run `chmod 600 {path}`.")
    return Finding("token", "ok", str(path))


def check_daemon(daemon: Whereabouts) -> Finding:
    """Whether a daemon runs, and how it is."""
    from bridge.client import connect

    try:
        with connect(
            daemon.address,
            token_file=daemon.token_file,
            certificate=daemon.certificate,
            client_name="latent-bridge doctor",
            timeout=5,
        ) as bridge:
            pong = bridge.ping()
            about = f"{bridge.welcome.daemon}, engine {pong.engine}"
    except BridgeError as error:
        missing = error.code is ErrorCode.NOT_CONNECTED and locations.read_discovery() is None
        return Finding("daemon", "note" if missing else "wrong", error.message, error.hint)
    if pong.engine == "stopped":
        log = locations.runtime_folder() / "engine.log"
        return Finding("daemon", "wrong", about, f"The engine does not start: look at {log}.")
    memory = f"{(pong.daemon_memory + pong.engine_memory) / (1 << 20):.0f} MiB"
    return Finding("daemon", "ok", f"{about}, {pong.queued} jobs waiting, {memory} resident")


def check_port(daemon_runs: bool, port: int = locations.DEFAULT_PORT) -> Finding:
    """Whether a daemon could listen on the port, the default one unless told otherwise."""
    from bridge.daemon.config import Settings
    from bridge.daemon.server import describe_occupant, open_listener

    settings = Settings(port=port)
    try:
        open_listener(settings).close()
    except BridgeError:
        occupant = describe_occupant(settings) or "another program is there"
        if daemon_runs and "bridge daemon" in occupant:
            return Finding("port", "ok", f"{settings.port}: {occupant}")
        return Finding("port", "wrong", f"{settings.port}: {occupant}", "Serve on another one with --port.")
    return Finding("port", "ok", f"{settings.port} is free")


def check_krita() -> Finding:
    """Whether Krita has the plugin and switches it on."""
    from .plugin_bundle import PLUGIN
    from .plugin_krita import configuration_file, is_enabled, resource_folder

    installed = (resource_folder() / "pykrita" / PLUGIN).is_dir()
    program = shutil.which("krita")
    if not installed:
        where = f"Krita is at {program}, without the plugin" if program else "no plugin is installed"
        return Finding("krita", "note", where, "Run `latent-bridge plugins install krita`.")
    settings = configuration_file()
    if settings.is_file() and is_enabled(settings.read_text(encoding="utf-8", errors="replace")):
        return Finding("krita", "ok", f"the plugin is in {resource_folder() / 'pykrita'} and switched on")
    return Finding("krita", "note", "the plugin is installed, but not switched on", "Tick it in Krita's settings.")


def check_blender() -> Finding:
    """Whether Blender is there. Which of its versions has the add-on is Blender's own affair."""
    program = shutil.which("blender")
    if program is None:
        return Finding("blender", "ok", "not installed")
    return Finding("blender", "ok", f"{program}; `latent-bridge plugins build` makes its add-on")


def all_findings(whereabouts: Whereabouts, probe: Callable[[], dict[str, Any]] = probe_engine) -> list[Finding]:
    """Every check, in the order of the report."""
    daemon = check_daemon(whereabouts)
    return [
        check_python(),
        *check_engine(probe()),
        check_models(),
        check_port(daemon_runs=daemon.level == "ok"),
        check_token(whereabouts.token_file or locations.token_file()),
        daemon,
        check_krita(),
        check_blender(),
    ]


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
