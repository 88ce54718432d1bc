"""What does not go together is refused in words, whatever it is: no job ends with an internal error.

Found by running every family with every task and every extra; here are the pairs that once tripped.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import ErrorCode
from bridge.protocol.tasks import Control, Generation, ImageToImage, Inpaint, Outpaint, Region, TextToImage, Upscale
from tests.engine.bench import Bench, mask_picture, random_picture
from tests.tiny_adapters import build_t2i_adapter
from tests.tiny_families import build_tiny

PICTURE = random_picture(64, 64)
MASK = mask_picture(64, 64, (16, 16, 24, 24))
TWO_STEPS: dict[str, Generation] = {
    "text-to-image": TextToImage(prompt="a", width=64, height=64, seed=1, steps=2),
    "image-to-image": ImageToImage(prompt="a", image=PICTURE, strength=1.0, seed=1, steps=2),
    "inpaint": Inpaint(prompt="a", image=PICTURE, mask=MASK, strength=1.0, seed=1, steps=2),
    "outpaint": Outpaint(prompt="a", image=PICTURE, right=16, seed=1, steps=2),
    "upscale": Upscale(prompt="a", image=PICTURE, scale=1.5, strength=1.0, seed=1, steps=2),
    "two passes": TextToImage(prompt="a", width=136, height=96, seed=1, steps=2),
    "regions": TextToImage(
        prompt="a", width=64, height=64, seed=1, steps=2, regions=(Region(mask=MASK, prompt="bricks"),)
    ),
    "seamless": TextToImage(prompt="a", width=64, height=64, seed=1, steps=2, seamless="xy"),
    "guided": TextToImage(
        prompt="a", width=64, height=64, seed=1, steps=2, controls=(Control(image=PICTURE, adapter="t2i"),)
    ),
}


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> AdapterSource:
    return AdapterSource("t2i", "t2i-adapter", str(build_t2i_adapter(tmp_path_factory.mktemp("adapter") / "t2i")))


@pytest.mark.parametrize("kind", TWO_STEPS)
def test_a_job_of_two_steps_shows_a_preview(bench: Bench, adapter: AdapterSource, kind: str) -> None:
    outcome = bench.run(TWO_STEPS[kind], preview_side=16, adapters=(adapter,))
    assert outcome.layer
    assert outcome.previews


def test_a_refiner_paints_nothing_from_a_prompt_alone(tmp_path: Path) -> None:
    bench = Bench({"sdxl-refiner": build_tiny("sdxl-refiner", tmp_path / "refiner")})
    assert bench.run(TWO_STEPS["text-to-image"], "sdxl-refiner").error is ErrorCode.TASK_UNSUPPORTED
    assert bench.run(TWO_STEPS["image-to-image"], "sdxl-refiner").layer


def test_a_unet_of_another_architecture_takes_no_guides(tmp_path: Path, adapter: AdapterSource) -> None:
    bench = Bench({"kandinsky3": build_tiny("kandinsky3", tmp_path / "kandinsky3")})
    outcome = bench.run(TWO_STEPS["guided"], "kandinsky3", adapters=(adapter,))
    assert outcome.error is ErrorCode.TASK_UNSUPPORTED
    assert "another architecture" in outcome.ended.error.message


def test_a_model_that_estimates_depth_first_is_shown_all_of_a_large_picture_and_takes_no_tiles(tmp_path: Path) -> None:
    bench = Bench({"sd2-depth": build_tiny("sd2-depth", tmp_path / "sd2-depth")})
    large = ImageToImage(prompt="a", image=random_picture(192, 192), strength=1.0, seed=1, steps=2)
    assert bench.run(large, "sd2-depth").layer.picture.width == 192
    assert bench.run(TWO_STEPS["upscale"], "sd2-depth").error is ErrorCode.TASK_UNSUPPORTED
