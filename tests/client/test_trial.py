"""What a test of the connection says."""

from __future__ import annotations

from bridge.client import connect
from bridge.client.trial import described, findings
from bridge.protocol.messages import ModelInfo, Pong, Welcome
from tests.conftest import RunningDaemon


def test_a_daemon_is_described_by_what_an_illustrator_asks():
    models = (ModelInfo(id="a", title="A", family="sd15"), ModelInfo(id="b", title="B", family="sd15", unusable="torn"))
    welcome = Welcome(request_id=0, version=1, daemon="latent-bridge 0.1.0", models=models)
    pong = Pong(request_id=1, engine="ready", device="A Card", memory_free=6 << 30, memory_total=8 << 30)
    assert described(welcome, pong, 0.0021, 11.5e6) == (
        "Connected to latent-bridge 0.1.0",
        "Device: A Card, 6.0 of 8.0 GiB free",
        "Engine: ready; 1 model",
        "Round trip: 2.1 ms; 92 Mbit/s to it",
    )


def test_a_running_daemon_answers_every_question_and_every_canvas_is_left(tiny_daemon: RunningDaemon):
    with connect(tiny_daemon.url, token=tiny_daemon.token) as bridge:
        lines = findings(bridge)
        left = [each for each in bridge.list_canvases() if each.name.startswith("connection test")]
    assert [line.split(":")[0].split()[0] for line in lines] == ["Connected", "Device", "Engine", "Round"]
    assert "bit/s" in lines[-1]
    assert not any(canvas.members for canvas in left)
