"""What an installed package carries beside the modules: the sources of the plugins, all of them, in their own tree."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACE = "share/latent-bridge"


def test_every_file_of_the_plugins_is_installed_where_the_tree_has_it():
    tomllib = pytest.importorskip("tomllib", reason="part of Python since 3.11")
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    installed = {
        f"{folder}/{path.name}"
        for folder, patterns in wanted.items()
        for pattern in patterns
        for path in ROOT.glob(pattern)
    }
    present = {
        f"{PLACE}/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "plugins").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert installed == present
