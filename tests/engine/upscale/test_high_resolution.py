"""When a canvas is too large to be composed in one go."""

import pytest

from bridge.engine.plan import Sizing
from bridge.engine.upscale.high_resolution import needs_two_passes
from bridge.protocol.tasks import TextToImage


@pytest.mark.parametrize(
    ("sizing", "side", "two"),
    [
        (Sizing(512, 8), 512, False),
        (Sizing(512, 8), 624, False),
        (Sizing(512, 8), 640, True),
        (Sizing(256, 8, whole=1024), 1024, False),
        (Sizing(256, 8, whole=1024), 1032, True),
        (Sizing(512, 8, whole=64), 624, False),
    ],
)
def test_above_the_size_that_the_model_holds_together(sizing, side, two):
    assert needs_two_passes(TextToImage(width=side, height=side), sizing) is two
