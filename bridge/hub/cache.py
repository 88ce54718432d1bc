"""Where the hub's cache lies and what is in it, told by names alone: no network, no library.

The layout is documented under "Understand caching" of huggingface_hub: `models--OWNER--NAME` holds `refs/main` with the
commit, `snapshots/COMMIT` with the files under their names, and `blobs` with what these point to.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bridge.protocol.errors import BridgeError
from bridge.protocol.model_layout import INDEX_NAME, editions_of, parts_of

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_PREFIX = "models--"


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder in which every program of this user keeps what it has from the hub."""
    given = environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE")
    if given:
        return Path(os.path.expandvars(given)).expanduser()
    home = environment.get("HF_HOME") or os.path.join(environment.get("XDG_CACHE_HOME", "~/.cache"), "huggingface")
    return Path(os.path.expandvars(home)).expanduser() / "hub"


def repository_folder(cache: Path, hub_id: str) -> Path:
    """Where a repository lies in the cache."""
    return cache / (_PREFIX + hub_id.replace("/", "--"))


def snapshot_of(repository: Path) -> Path | None:
    """The folder with the newest files of a repository; None when it has none."""
    try:
        commit = (repository / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    folder = repository / "snapshots" / commit
    return folder if commit and folder.is_dir() else None


def cached_models(cache: Path) -> Iterator[tuple[str, Path]]:
    """Id and snapshot of every repository in the cache that has the diffusers layout."""
    for repository in sorted(cache.glob(f"{_PREFIX}*--*")):
        snapshot = snapshot_of(repository)
        if snapshot is not None and (snapshot / INDEX_NAME).is_file():
            yield repository.name.removeprefix(_PREFIX).replace("--", "/", 1), snapshot


def missing_from(snapshot: Path, *, weights: bool = True) -> str:
    """The first part of a model that is not completely here; empty when all are.

    Args:
        weights: False to look for settings alone.

    Raises:
        BridgeError: `model_unusable` for an index that cannot be used.
        OSError, ValueError: one that cannot be read.
    """
    index: Any = json.loads((snapshot / INDEX_NAME).read_text(encoding="utf-8"))
    for part in parts_of(index if isinstance(index, dict) else {}):
        folder = snapshot / part.name
        if part.optional and not part.weights:
            continue
        names = [path.name for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
        if not names or (part.weights and weights and not editions_of(names)):
            # An encoder of pictures is only needed by adapters, and not every repository that names one has it.
            if part.optional and not names:
                continue
            return part.name
    return ""


def complete_snapshot(cache: Path, hub_id: str) -> Path | None:
    """The folder of a model that is here with everything that it needs; None when something is lacking."""
    snapshot = snapshot_of(repository_folder(cache, hub_id))
    try:
        return snapshot if snapshot is not None and not missing_from(snapshot) else None
    except (BridgeError, OSError, ValueError):
        return None
