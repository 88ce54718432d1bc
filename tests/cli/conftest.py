"""The command line as a program, against a real daemon with a tiny model."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def tiny_daemon(daemon_factory, tmp_path_factory):
    """A daemon whose only named model is a tiny one with random weights."""
    from tests.tiny_models import build_tiny_sd

    return daemon_factory("--model", str(build_tiny_sd(tmp_path_factory.mktemp("models") / "tiny")))


@pytest.fixture
def latent_bridge(tiny_daemon, tmp_path: Path) -> Run:
    """Runs `latent-bridge …` in an empty folder, as a user of the tiny daemon."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bridge.cli.main", *map(str, arguments)]
        return subprocess.run(
            command,
            cwd=tmp_path,
            env={**tiny_daemon.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
