"""Where Krita keeps its files on this system, and what its configuration says of a plugin."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from .plugin_bundle import PLUGIN

_SETTING = f"enable_{PLUGIN}"


def resource_folder(
    platform: str = sys.platform, environment: Mapping[str, str] = os.environ, home: Path | None = None
) -> Path:
    """Krita's resource folder of this user: it holds `pykrita` and `actions`. Not created here."""
    home = home or Path.home()
    if platform == "win32":
        return _given(environment, "APPDATA", home / "AppData" / "Roaming") / "krita"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "krita"
    return _given(environment, "XDG_DATA_HOME", home / ".local" / "share") / "krita"


def configuration_file(
    platform: str = sys.platform, environment: Mapping[str, str] = os.environ, home: Path | None = None
) -> Path:
    """The file with Krita's settings, `kritarc`."""
    home = home or Path.home()
    if platform == "win32":
        return _given(environment, "LOCALAPPDATA", home / "AppData" / "Local") / "kritarc"
    if platform == "darwin":
        return home / "Library" / "Preferences" / "kritarc"
    return _given(environment, "XDG_CONFIG_HOME", home / ".config") / "kritarc"


def enabled(configuration: str) -> str:
    """The text of a `kritarc` that switches the plugin on; every other line stays as it is.

    The file begins with settings outside any group, which the standard library's reader does not accept.
    """
    lines = configuration.splitlines()
    begin = next((number for number, line in enumerate(lines) if line.strip() == "[python]"), None)
    wanted = f"{_SETTING}=true"
    if begin is None:
        gap = [""] if lines and lines[-1].strip() else []
        return "\n".join([*lines, *gap, "[python]", wanted, ""])
    end = next((n for n in range(begin + 1, len(lines)) if lines[n].startswith("[")), len(lines))
    group = [line for line in lines[begin + 1 : end] if not re.match(rf"\s*{_SETTING}\s*=", line)]
    return "\n".join([*lines[: begin + 1], wanted, *group, *lines[end:], ""])


def is_enabled(configuration: str) -> bool:
    """Whether a `kritarc` switches the plugin on."""
    group = re.search(r"^\[python\]\s*$(.*?)(?=^\[|\Z)", configuration, re.MULTILINE | re.DOTALL)
    return group is not None and re.search(rf"^\s*{_SETTING}\s*=\s*true\s*$", group[1], re.MULTILINE) is not None


def _given(environment: Mapping[str, str], variable: str, fallback: Path) -> Path:
    value = environment.get(variable)
    return Path(value) if value and os.path.isabs(value) else fallback
