"""Soft change maps: what may not change ends as it began, and is as noisy as its surroundings on the way."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler

from bridge.engine import painter
from bridge.engine.scheduler_tap import SchedulerTap
from bridge.engine.schedulers import is_flow, make_scheduler
from bridge.engine.seamless import decode_seamless
from bridge.engine.soft_mask import SoftMask
from bridge.protocol.tasks import Inpaint
from tests.engine.bench import Bench, mask_picture, random_picture

NOISE_MODEL = DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False)
FLOW_MODEL = FlowMatchEulerDiscreteScheduler(shift=2.0)
DETERMINISTIC = ["ddim", "dpmpp_2m", "dpmpp_2m_karras", "dpmpp_2s", "euler", "euler_karras", "heun", "unipc", "deis"]
CASES = [(name, NOISE_MODEL) for name in DETERMINISTIC] + [("flow_euler", FLOW_MODEL), ("flow_heun", FLOW_MODEL)]


@pytest.fixture
def witnessed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The tap of the last job, and the latents that it decoded."""
    seen: dict[str, Any] = {}

    class Witness(SchedulerTap):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            seen["tap"] = self

    def decode(pipe: Any, latents: torch.Tensor, sides: Any) -> torch.Tensor:
        seen["latents"] = latents
        return decode_seamless(pipe, latents, sides)

    monkeypatch.setattr(painter, "SchedulerTap", Witness)
    monkeypatch.setattr(painter, "decode_seamless", decode)
    return seen


@pytest.mark.parametrize(
    ("model", "scheduler"),
    [("sd", name) for name in ("", "dpmpp_2m", "euler_a", "heun", "pndm", "lcm", "unipc")]
    + [("sdxl", ""), ("sdxl", "dpmpp_2m_sde"), ("sd3", ""), ("sd3", "flow_heun")],
)
def test_latents_that_may_not_change_end_exactly_as_they_began(
    bench: Bench, witnessed: dict[str, Any], model: str, scheduler: str
) -> None:
    task = Inpaint(
        image=random_picture(64, 64), mask=mask_picture(64, 64, (0, 0, 24, 24)), seed=1, prompt="a", grow=0, feather=0,
        blend=0, scheduler=scheduler, steps=5,
    )  # fmt: skip
    assert bench.run(task, model).layer.recipe["computed"]["width"] == 64
    latents, clean = witnessed["latents"], witnessed["tap"].clean
    assert torch.equal(latents[..., 13:, 13:], clean[..., 13:, 13:])
    assert not torch.allclose(latents[..., :12, :12], clean[..., :12, :12], atol=0.1)


@pytest.mark.parametrize(("name", "own"), CASES, ids=[name for name, _ in CASES])
@pytest.mark.parametrize("skipped", [0, 3])
def test_the_original_is_as_noisy_at_every_step_as_a_perfect_model_would_leave_it(
    name: str, own: Any, skipped: int
) -> None:
    generator = torch.Generator().manual_seed(1)
    clean, noise = torch.randn((2, 1, 4, 8, 8), generator=generator)
    tap = SchedulerTap(make_scheduler(name, own), on_timesteps=lambda: None, on_start=lambda: None)
    scheduler = tap.scheduler
    scheduler.set_timesteps(10)
    timesteps = scheduler.timesteps[skipped * scheduler.order :]
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(skipped * scheduler.order)
    first = timesteps[:1]
    flow = is_flow(scheduler)
    latents = scheduler.scale_noise(clean, first, noise) if flow else scheduler.add_noise(clean, noise, first)
    for step, timestep in enumerate(timesteps):
        if not flow:
            scheduler.scale_model_input(latents, timestep)
        latents = scheduler.step(noise - clean if flow else noise, timestep, latents, return_dict=False)[0]
        # Heun stands between two levels after the first half of a step; only whole steps can be compared.
        whole = scheduler.order == 1 or step % 2 == 1
        if whole and step + 1 < len(timesteps):
            expected = tap.noisy(len(timesteps) - 1 - step)
            assert (latents - expected).abs().max() < 0.02 * expected.abs().max()


def test_a_pixel_is_released_the_later_the_less_it_may_change() -> None:
    change = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]).reshape(1, 1, 1, 5)
    mask = SoftMask(change)
    tap = SchedulerTap(make_scheduler("ddim", NOISE_MODEL), lambda: None, lambda: None)
    tap.scheduler.set_timesteps(4)
    tap.scheduler.add_noise(torch.zeros(1, 1, 1, 5), torch.zeros(1, 1, 1, 5), tap.scheduler.timesteps[:1])
    free = [mask.hold_back(None, tap, torch.ones(1, 1, 1, 5), step, 4).flatten().tolist() for step in range(4)]
    assert free == [[0, 0, 0, 0, 1], [0, 0, 0, 1, 1], [0, 0, 1, 1, 1], [0, 1, 1, 1, 1]]
