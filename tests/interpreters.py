"""The Pythons of this machine that a host program may bring."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def interpreters() -> list[str]:
    """One Python of each version from 3.10 to 3.13 that can be found here and runs."""
    found: dict[str, str] = {}
    for minor in range(10, 14):
        candidates = [shutil.which(f"python3.{minor}")]
        candidates += map(str, sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3.{minor}")))
        for candidate in filter(None, candidates):
            check = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            answer = subprocess.run(check, capture_output=True, text=True, check=False)
            if answer.returncode == 0:
                found.setdefault(answer.stdout.strip(), candidate)
    return list(found.values())
