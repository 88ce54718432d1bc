"""The engine's process, where it cannot even begin; what becomes of jobs when it dies is in `test_crashes`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.daemon.engine_process import EngineProcess
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.shared_pixels import SharedPixels


async def test_a_program_that_is_gone_is_told_and_not_waited_for(tmp_path: Path):
    """As after an update that moved the environment under a daemon that runs."""
    pixels = SharedPixels(tmp_path)
    engine = EngineProcess((str(tmp_path / "gone"),), pixels, pixels, tmp_path / "engine.log")
    await engine.start()
    with pytest.raises(BridgeError) as caught:
        await engine.wait_ready()
    assert caught.value.code is ErrorCode.ENGINE_UNAVAILABLE
    assert "cannot be started" in caught.value.message
    assert "gone" in caught.value.message
    assert engine.status.state == "stopped"
    await engine.close()
