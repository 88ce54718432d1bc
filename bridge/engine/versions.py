"""Versions of what a result depends on."""

from __future__ import annotations

import importlib.metadata
import platform
from functools import lru_cache

LIBRARIES = ("latent-bridge", "torch", "diffusers", "transformers")
"""What decides how a picture looks that a model paints."""


@lru_cache(maxsize=4)
def versions(packages: tuple[str, ...] = LIBRARIES) -> dict[str, object]:
    """Versions of Python and of packages that decide what a result looks like."""
    found: dict[str, object] = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
