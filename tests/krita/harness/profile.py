"""A Krita profile: every folder that Krita writes to, apart from the user's own."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

PROBE = Path(__file__).parent / "probe"

KRITARC = """HideSplashScreen=true
FetchNews=false
sessionOnStartup=0
AutoSaveInterval=0

[python]
enable_bridge_probe=true
"""
KRITADISPLAYRC = """[General]
EnableSingleApplication=false
EnableHiDPI=false
OpenGLRenderer=none
canvasState=OPENGL_FAILED
"""


@dataclass(frozen=True)
class Profile:
    """A folder that stands in for the home of a user.

    Attributes:
        root: everything lies below it.
    """

    root: Path

    @property
    def resources(self) -> Path:
        """Krita's resource folder."""
        return self.root / "data" / "krita"

    @property
    def kritarc(self) -> Path:
        """Krita's settings."""
        return self.root / "config" / "kritarc"

    @property
    def socket(self) -> Path:
        """Where the probe listens."""
        return self.root / "run" / "probe"

    @classmethod
    def make(cls, root: Path) -> Profile:
        """A new profile with the probe; the first Krita in it fills its resource database, which takes long."""
        profile = cls(root)
        for name in ("home", "config", "data/krita/pykrita", "cache", "tmp"):
            (root / name).mkdir(parents=True)
        (root / "run").mkdir(mode=0o700)
        shutil.copytree(PROBE, profile.resources / "pykrita", dirs_exist_ok=True)
        profile.kritarc.write_text(KRITARC)
        (root / "config" / "kritadisplayrc").write_text(KRITADISPLAYRC)
        return profile

    def copy(self, root: Path) -> Profile:
        """A copy that starts warm."""
        shutil.copytree(self.root, root, ignore=shutil.ignore_patterns("probe.lock", "run"), symlinks=True)
        (root / "run").mkdir(mode=0o700)
        return Profile(root)

    def environment(self, display: str) -> dict[str, str]:
        """The whole environment of a Krita in this profile."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.root / "home"),
            "XDG_CONFIG_HOME": str(self.root / "config"),
            "XDG_DATA_HOME": str(self.root / "data"),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "XDG_RUNTIME_DIR": str(self.root / "run"),
            "TMPDIR": str(self.root / "tmp"),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "DISPLAY": display,
            "QT_QPA_PLATFORM": "xcb",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "NO_AT_BRIDGE": "1",
            "QT_LOGGING_RULES": "*.debug=false",
            "BRIDGE_PROBE_SOCKET": str(self.socket),
            "HF_HUB_OFFLINE": os.environ.get("HF_HUB_OFFLINE", "1"),
        }
