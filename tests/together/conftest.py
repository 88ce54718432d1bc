"""Fixtures: a running Blender that shares an image, beside what the folders of the programs have."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.blender.conftest import addon_zip  # noqa: F401 - a fixture
from tests.blender.harness.runners import Outcome, Runner, window_runner
from tests.conftest import DaemonFactory, RunningDaemon
from tests.krita.conftest import host_programs, krita_factory, plugin_zip, screen, warm_profile  # noqa: F401 - likewise
from tests.krita.harness.xserver import XServer
from tests.ports import free_port

WAIT = 60.0


class SharingBlender:
    """Debian's Blender in a window of its own, which shares an image that its cube wears."""

    def __init__(self, runner: Runner, archive: Path, home: Path, folder: Path) -> None:
        self._runner, self._archive, self._home, self._folder = runner, archive, home, folder
        self.begin("serve")

    def begin(self, scene: str) -> None:
        """Start Blender."""
        self._ended: list[Outcome | AssertionError] = []
        self._thread = threading.Thread(target=self._run, args=(scene,), daemon=True)
        self._thread.start()

    def _run(self, scene: str) -> None:
        try:
            outcome = self._runner.run(
                self._archive, f"together.py::{scene}", str(self._folder), home=self._home, timeout=4 * WAIT
            )
            self._ended.append(outcome)
        except AssertionError as error:
            self._ended.append(error)

    def kill(self) -> None:
        """End it as a crash would."""
        os.kill(self.ask("process"), signal.SIGKILL)
        self._thread.join(WAIT)

    def ask(self, name: str, *words: object) -> Any:
        """What Blender answers; see the scene."""
        answer = self._folder / "answer.json"
        self._say(name, *words)
        deadline = time.monotonic() + WAIT
        while not answer.exists():
            assert not self._ended, self._ended[0]
            assert time.monotonic() < deadline, "Blender does not answer"
            time.sleep(0.02)
        said = json.loads(answer.read_text())
        answer.unlink()
        return said

    def pixels(self) -> bytes:
        """The image, RGBA, rows from the top."""
        return bytes.fromhex(self.ask("pixels"))

    def end(self) -> Outcome | AssertionError:
        """Let it quit as by its menu."""
        self._say("end")
        self._thread.join(WAIT)
        return self._ended[0]

    def _say(self, *words: object) -> None:
        half = self._folder / "question.half"
        half.write_text(json.dumps(words))
        half.rename(self._folder / "question.json")


@pytest.fixture
def restartable_daemon(daemon_factory: DaemonFactory, tiny_model: Path) -> Iterator[RunningDaemon]:
    """A daemon on the tiny model that is found at the same port after a restart."""
    running = daemon_factory("--model", str(tiny_model), port=free_port())
    yield running
    running.stop()


@pytest.fixture
def blender(
    addon_zip: Path,  # noqa: F811 - the fixture
    restartable_daemon: RunningDaemon,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SharingBlender]:
    """A Blender that shares an image as “blender: worn”."""
    folder, server = tmp_path_factory.mktemp("together"), XServer()
    try:
        runner = window_runner(tmp_path_factory.mktemp("blender"), server.display)
    except LookupError as error:
        server.close()
        pytest.skip(str(error))
    running = SharingBlender(runner, addon_zip, restartable_daemon.home, folder)
    yield running
    running.end()
    server.close()
