"""The docker itself: that it is there, what it says of the connection, and how it looks."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from bridge.client.starter import is_alive, remember_executable
from bridge.protocol import locations

from .conftest import ARTEFACTS
from .harness.running import RunningKrita

pytestmark = pytest.mark.krita


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home without a daemon; one that was started meanwhile is ended."""
    monkeypatch.setenv(locations.HOME_VARIABLE, str(tmp_path))
    yield tmp_path
    found = locations.read_discovery()
    if found is not None and is_alive(found.pid):
        os.kill(found.pid, signal.SIGTERM)


def test_the_docker_of_the_imported_plugin_is_visible_and_connected(krita_factory, daemon):
    krita = krita_factory(daemon.home)
    krita.wait_text("connection", "Connected to latent-bridge")
    state = krita.docker()
    assert (state["title"], state["visible"], state["generate"]) == ("Latent Bridge", True, True)
    assert state["models"]
    assert krita.call("has_action", action="latent_bridge_generate")
    for action in ("cancel", "again", "vary", "recipe", "mode_fill", "mode_upscale"):
        assert krita.call("has_action", action=f"latent_bridge_{action}"), action
    assert krita.call("modal") is None
    krita.screenshot(ARTEFACTS / "krita_connected.png")
    look(krita, "connected")
    assert krita.quit() == 0


def look(krita: RunningKrita, name: str) -> None:
    """Keep pictures of the docker at a normal and at the narrowest width; nothing in it may be cut off."""
    for width in (320, 200):
        krita.call("float_docker", width=width, height=560)
        path = ARTEFACTS / f"docker_{name}_{width}.png"
        assert krita.call("grab_docker", path=str(path))[0]
        with Image.open(path) as picture:
            assert picture.width <= width + 10
        left = krita.widget("panel").x
        right = left + krita.widget("panel").width
        for part in ("generate", "cancel", "model", "mode", "seed", "random_seed", "progress", "connection"):
            widget = krita.widget(part)
            assert widget.width >= 30, part
            assert left <= widget.x, part
            assert widget.x + widget.width <= right, part
    krita.call("dock_docker")


def test_without_a_daemon_the_docker_says_so_and_its_button_starts_one_that_is_installed(krita_factory, home: Path):
    krita = krita_factory(home)
    krita.wait_text("connection", "not running")
    state = krita.docker()
    assert (state["generate"], state["start"]) == (False, True)
    look(krita, "absent")
    krita.call("show_docker", height=520)

    krita.click("start")  # nobody has noted yet where the daemon is installed
    krita.wait_text("hint", "latent-bridge serve")
    look(krita, "not_installed")
    krita.call("show_docker", height=520)

    remember_executable(sys.executable)
    krita.click("start")
    krita.wait_text("connection", "Connected")
    state = krita.docker()
    assert (state["generate"], state["start"], state["error"]) == (True, False, "")
    assert krita.quit() == 0
    found = locations.read_discovery()
    assert found is not None
    assert is_alive(found.pid)  # it is everybody's: it does not end with Krita


def test_what_was_typed_is_there_again_after_a_restart(krita_factory, home: Path):
    krita = krita_factory(home)
    krita.wait_text("connection", "not running")
    krita.click("prompt")
    krita.type_text("mossy stones")
    krita.key("Tab")
    krita.type_text("cats")
    assert krita.docker()["prompt"] == "mossy stones"
    assert krita.widget("negative_prompt").text == "cats"
    assert krita.quit() == 0
    again = RunningKrita(krita.profile, krita.display, LATENT_BRIDGE_HOME=str(home))
    try:
        again.call("show_docker", height=520)
        assert again.docker()["prompt"] == "mossy stones"
        assert again.quit() == 0
    finally:
        again.kill()
