"""What painting in tiles asks of a pipeline call, and how far it has come."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from diffusers.pipelines.flux.pipeline_flux import calculate_shift

from bridge.engine.latent_grid import pixels_per_patch
from bridge.engine.regions.blending import RegionBlend
from bridge.engine.stages import Stages

from .tile_guide import TileGuide
from .tiled_model import check_tiles, encode_tiles, tiled_denoiser
from .tiles import Tiles


@contextmanager
def in_tiles(
    pipe: Any,
    tiles: Tiles | None,
    progress: Callable[[], None],
    guides: Sequence[TileGuide] = (),
    regions: RegionBlend | None = None,
) -> Iterator[None]:
    """Have the denoiser paint in tiles, and tell of each, while the context lasts; nothing for None.

    Args:
        progress: told of every tile; may raise to stop.
        guides: to be asked about every tile.
        regions: with prompts of their own.
    """
    if tiles is None:
        yield
        return
    _shift_for_a_tile(pipe, tiles)
    with ExitStack() as attached, tiled_denoiser(pipe, tiles, progress, guides, regions):
        for guide in guides:
            attached.enter_context(guide.attached(pipe))
        yield


def tile_arguments(pipe: Any, tiles: Tiles | None, count: int, check: Callable[[], None]) -> dict[str, Any]:
    """The latents to start from, for `count` pictures, and the size that the model is to believe in.

    Raises:
        BridgeError: `task_unsupported` for a model that cannot paint in tiles.
    """
    if tiles is None:
        return {}
    check_tiles(pipe)
    latents: torch.Tensor = encode_tiles(pipe, tiles, check).to(pipe.dtype)
    expect_latents(pipe, latents)
    size = (tiles.side, tiles.side)
    return {"image": latents.expand(count, -1, -1, -1).contiguous(), "original_size": size, "target_size": size}


def expect_latents(pipe: Any, latents: torch.Tensor) -> None:
    """Have a pipeline recognise these as latents when they are given as its picture."""
    # Some leave the usual number of channels there, and take other latents for pictures.
    pipe.image_processor.register_to_config(vae_latent_channels=latents.shape[1])


def _shift_for_a_tile(pipe: Any, tiles: Tiles) -> None:
    """Have a scheduler that adds noise by the size of the picture go by that of a tile, which is all that is seen."""
    scheduler, side = pipe.scheduler, pixels_per_patch(pipe)
    patches = (min(tiles.side, tiles.width) // side) * (min(tiles.side, tiles.height) // side)
    config, original = scheduler.config, scheduler.set_timesteps

    @functools.wraps(original)
    def set_timesteps(*args: Any, **kwargs: Any) -> None:
        if kwargs.get("mu") is not None:
            kwargs["mu"] = calculate_shift(
                patches,
                config.get("base_image_seq_len", 256),
                config.get("max_image_seq_len", 4096),
                config.get("base_shift", 0.5),
                config.get("max_shift", 1.15),
            )
        original(*args, **kwargs)

    scheduler.set_timesteps = set_timesteps


class TileProgress:
    """Counts tiles over all denoising steps. Some pipelines ask about each tile twice a step; that is one all the same.

    Args:
        steps: denoising steps that there will be.
        tiles: in each of them.
    """

    def __init__(self, stages: Stages, steps: int, tiles: int) -> None:
        self._stages = stages
        self._steps = steps
        self._tiles = tiles
        self._step = 0
        self._asked = 0
        self._calls = 1
        self._done = 0

    def step_done(self) -> None:
        """All tiles of a step have been asked about, as often as this pipeline does."""
        self._calls = max(1, self._asked // self._tiles)
        self._step, self._asked = self._step + 1, 0

    def __call__(self) -> None:
        """A tile was done."""
        self._asked += 1
        in_step = min(self._asked // self._calls, self._tiles)
        self._done = max(self._done, self._step * self._tiles + in_step)
        self._stages.step_done(self._done, self._steps * self._tiles)
