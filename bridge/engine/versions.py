"""Versions of what a result depends on."""

from __future__ import annotations

import importlib.metadata
import platform
from functools import lru_cache


@lru_cache(maxsize=1)
def versions() -> dict[str, object]:
    """Versions of Python, the bridge and the libraries that decide what a picture looks like."""
    found: dict[str, object] = {"python": platform.python_version()}
    for package in ("latent-bridge", "torch", "diffusers", "transformers"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
