"""A preview shows where the denoising leads, for every family and sampler, and costs next to nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch

from bridge.daemon.catalogue import read_folder
from bridge.daemon.config import BUILTIN_MODELS
from bridge.engine.clean_guess import CleanGuess, noise_level
from bridge.engine.conversion import channels_of
from bridge.engine.device import choose_device
from bridge.engine.latent_colours import fit_linear_colours
from bridge.engine.latents import decode_latents, encode_pixels
from bridge.engine.models.shelf import ModelShelf
from bridge.engine.schedulers import make_scheduler
from bridge.protocol.tasks import TextToImage
from tests.engine.adapters.outcomes import same
from tests.engine.bench import Bench
from tests.tiny_families import build_tiny

STEPS = 10


def guesses(scheduler: object, clean: torch.Tensor) -> list[torch.Tensor]:
    """What is guessed after each step of a model that is never wrong."""
    scheduler.set_timesteps(STEPS)
    look, found = CleanGuess(), []
    steps = len(scheduler.timesteps)
    alpha, sigma = noise_level(scheduler, steps)
    state = alpha * clean + sigma * torch.randn(clean.shape)
    flow = type(scheduler).__name__.startswith("Flow")
    for done, time in enumerate(scheduler.timesteps):
        if hasattr(scheduler, "scale_model_input"):
            scheduler.scale_model_input(state, time)
        alpha, sigma = noise_level(scheduler, steps - done)
        noise = (state - alpha * clean) / sigma
        state = scheduler.step(noise - clean if flow else noise, time, state, return_dict=False)[0]
        found.append(look.look(scheduler, state, steps - done - 1))
    return found


@pytest.mark.parametrize("name", ["ddim", "euler", "flow_euler", "dpmpp_2m", "unipc"])
def test_a_model_that_is_never_wrong_is_seen_through_after_two_steps(name: str, bench: Bench) -> None:
    own = bench.shelf.get(bench.source("sd3" if name == "flow_euler" else "sd"), lambda: None).own_scheduler
    torch.manual_seed(0)
    clean = torch.randn(1, 4, 8, 8)
    for guess in guesses(make_scheduler(name, own), clean)[1:]:
        assert torch.allclose(guess, clean, atol=0.05)


@pytest.mark.parametrize("name", ["euler_a", "ddpm", "lcm", "heun", "dpmpp_2m_sde"])
def test_samplers_that_draw_noise_are_shown_at_a_size_that_can_be_looked_at(name: str, bench: Bench) -> None:
    own = bench.shelf.get(bench.source("sd"), lambda: None).own_scheduler
    torch.manual_seed(0)
    for guess in guesses(make_scheduler(name, own), torch.randn(1, 4, 8, 8)):
        assert torch.isfinite(guess).all()
        assert guess.std() < 3


def test_the_map_shows_the_colours_of_a_photograph_that_it_was_not_fitted_to() -> None:
    device = choose_device("cpu")
    pipe = ModelShelf(device).get(read_folder(BUILTIN_MODELS / "bridge-textures").source, lambda: None).base
    photograph = torch.from_numpy(np.ascontiguousarray(skimage.data.astronaut()[:256, :256]))
    pictures = photograph.movedim(-1, 0)[None].float() / 255
    with torch.inference_mode():
        latents = encode_pixels(pipe, pictures)
        shown = fit_linear_colours(pipe).of(latents)
    truth = torch.nn.functional.adaptive_avg_pool2d(pictures, latents.shape[-2:]).movedim(1, -1)
    left = (shown - truth).square().mean() / (truth - truth.mean((0, 1, 2))).square().mean()
    assert left < 0.4, "the share of the picture's variance that the map does not explain"


def test_the_last_preview_resembles_the_result() -> None:
    source = read_folder(BUILTIN_MODELS / "bridge-textures").source
    bench = Bench({source.id: BUILTIN_MODELS / source.id})
    task = TextToImage(prompt="blue stripes", width=128, height=128, steps=8, seed=3)
    outcome = bench.run(task, source.id, preview_side=32)
    last = channels_of(outcome.previews[-1].picture).astype(float)
    result = channels_of(outcome.layer.picture)[..., :3].astype(float)
    assert max(last.shape[:2]) <= 32
    step = result.shape[0] // last.shape[0]
    small = result.reshape(last.shape[0], step, last.shape[1], step, 3).mean((1, 3))
    assert np.abs(last - small).mean() < 25


@pytest.mark.parametrize("model", ["sd", "sdxl", "sd3"])
def test_every_family_has_previews(bench: Bench, model: str) -> None:
    outcome = bench.run(TextToImage(prompt="a", width=64, height=64, seed=1, steps=4), model, preview_side=64)
    assert outcome.previews


def test_kandinsky_s_latents_are_shown_by_its_quantised_autoencoder(tmp_path: Path) -> None:
    bench = Bench({"kandinsky3": build_tiny("kandinsky3", tmp_path / "kandinsky3")})
    task = TextToImage(prompt="moss", width=64, height=64, seed=1, steps=4)
    seen = bench.run(task, "kandinsky3", preview_side=16)
    assert seen.previews
    assert same(bench.run(task, "kandinsky3"), seen), "with previews as without"
    pipe = bench.shelf.get(bench.source("kandinsky3"), lambda: None).base
    latents = encode_pixels(pipe, torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    with torch.inference_mode():
        theirs = pipe.movq.decode(latents, force_not_quantize=True).sample / 2 + 0.5
        assert torch.equal(decode_latents(pipe, latents), theirs.clamp(0, 1))
    # The real one is too large to decode a preview; a map is fitted to it instead.
    assert fit_linear_colours(pipe).of(latents).shape == (1, *latents.shape[-2:], 3)
