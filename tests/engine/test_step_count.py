"""Progress announces as many denoising steps as are made then: whatever the family, scheduler, strength and task."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.engine.schedulers import ALIASES
from bridge.protocol.engine_link import Progressed
from bridge.protocol.errors import ErrorCode
from bridge.protocol.tasks import Generation, ImageToImage, Inpaint, TextToImage, Upscale
from tests.engine.bench import Bench, Outcome, mask_picture, random_picture
from tests.tiny_families import build_tiny

PICTURE = random_picture(32, 32)
MASK = mask_picture(32, 32, (8, 8, 16, 16))
NOISE = sorted(name for name in ALIASES if not name.startswith("flow"))
FLOW = ["", *sorted(name for name in ALIASES if name.startswith("flow"))]
FEW = settings(max_examples=12, deadline=None)
STRENGTHS = st.floats(0.01, 1).map(lambda share: round(share, 2))


@pytest.fixture(scope="module")
def counting(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """An engine with a family whose start is emulated, and one that asks its denoiser twice a step, besides."""
    root = tmp_path_factory.mktemp("counted")
    return Bench(
        {
            **models,
            **{family: build_tiny(family, root / family) for family in ("sana", "lcm", "qwen-image", "z-image")},
        }
    )


def check(outcome: Outcome) -> None:
    """What was announced at the beginning is what came, one by one."""
    assert outcome.ended.error is None, outcome.ended.error
    told = [message for message in outcome.messages if isinstance(message, Progressed) and message.stage == "denoising"]
    assert {message.steps for message in told} == {told[-1].steps}, "the total is right from the beginning"
    made = [message.step for message in told]
    assert made == sorted(made)
    assert sorted(set(made)) == list(range(told[-1].steps + 1))


def from_picture(scheduler: str, steps: int, strength: float, *, masked: bool) -> Generation:
    common = {"prompt": "a", "seed": 1, "scheduler": scheduler, "steps": steps, "strength": strength}
    return Inpaint(image=PICTURE, mask=MASK, **common) if masked else ImageToImage(image=PICTURE, **common)


@pytest.mark.parametrize("scheduler", NOISE)
def test_every_scheduler_at_a_strength_that_does_not_divide_its_steps(counting: Bench, scheduler: str) -> None:
    check(counting.run(from_picture(scheduler, 4, 0.7, masked=False), "sd"))
    check(counting.run(TextToImage(prompt="a", width=32, height=32, seed=1, scheduler=scheduler, steps=4), "sd"))


@FEW
@given(st.sampled_from(NOISE), st.integers(2, 12), STRENGTHS, st.booleans(), st.sampled_from(["sd", "sdxl", "inpaint"]))
def test_any_steps_at_any_strength(
    counting: Bench, scheduler: str, steps: int, strength: float, masked: bool, model: str
) -> None:
    outcome = counting.run(from_picture(scheduler, steps, strength, masked=masked or model == "inpaint"), model)
    check(outcome)


@FEW
@given(st.sampled_from(FLOW), st.integers(2, 12), STRENGTHS, st.booleans())
def test_any_steps_at_any_strength_with_flow(
    counting: Bench, scheduler: str, steps: int, strength: float, masked: bool
) -> None:
    check(counting.run(from_picture(scheduler, steps, strength, masked=masked), "sd3"))


@pytest.mark.parametrize("family", ["sana", "lcm", "z-image"])
@pytest.mark.parametrize("strength", [0.3, 0.7, 1.0])
def test_families_that_start_in_their_own_way(counting: Bench, family: str, strength: float) -> None:
    check(counting.run(from_picture("", 4, strength, masked=False), family))


@pytest.mark.parametrize(("scheduler", "model"), [("", "sd"), ("heun", "sd"), ("pndm", "sd"), ("", "qwen-image")])
def test_tiles_are_counted_over_all_steps(counting: Bench, scheduler: str, model: str) -> None:
    image = random_picture(48, 48)
    task = Upscale(prompt="a", image=image, scale=2, strength=0.7, steps=4, seed=1, scheduler=scheduler)
    check(counting.run(task, model))


def test_two_passes_count_as_one(counting: Bench) -> None:
    check(counting.run(TextToImage(prompt="a", width=130, height=96, seed=1, steps=5), "sd"))


def test_more_steps_than_a_consistency_model_can_make_of_a_strength_are_refused(counting: Bench) -> None:
    outcome = counting.run(from_picture("", 8, 0.1, masked=False), "lcm")
    assert outcome.error is ErrorCode.INVALID_FIELD
    assert outcome.ended.error.field == "task.steps"
