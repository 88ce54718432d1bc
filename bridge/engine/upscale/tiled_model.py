"""A model that works on a picture larger than itself: denoiser and autoencoder, tile by tile.

The latents of the whole picture go through the scheduler together, with one noise; only what the denoiser predicts is
put together from overlapping tiles, at every step (MultiDiffusion, Bar-Tal et al. 2023,
https://arxiv.org/abs/2302.08113). So neighbouring tiles never drift apart, and there is no seam to hide.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from bridge.engine.conversion import Floats
from bridge.engine.denoiser import Forward, denoiser_of, replaced_forward
from bridge.engine.latent_grid import GridCall, gives_a_grid
from bridge.engine.latents import decode_latents, decodes_itself, encode_pixels, precise_enough
from bridge.engine.picture_tensor import picture_tensor
from bridge.engine.regions.blending import RegionBlend
from bridge.protocol.errors import BridgeError, ErrorCode

from .tile_guide import TileGuide
from .tiles import Span, Tiles

Halves = npt.NDArray[np.float16]
COARSE = 16
"""What is coarser than this share of a tile's side comes from the source when colours are kept."""


def works_in_tiles(pipe: Any) -> bool:
    """Whether this kind of model can paint in tiles: its latents have to be a grid that we can encode and decode.

    One that estimates the depth of its picture first has to see all of it.
    """
    takes = inspect.signature(pipe.__call__).parameters.keys()
    return decodes_itself(pipe) and gives_a_grid(pipe) and {"image", "strength"} <= takes and "depth_map" not in takes


def check_tiles(pipe: Any) -> None:
    """Raise `BridgeError` (`task_unsupported`) for a model that cannot paint in tiles."""
    if not works_in_tiles(pipe):
        raise BridgeError(
            ErrorCode.TASK_UNSUPPORTED,
            f"This kind of model ({type(pipe).__name__}) cannot paint in tiles.",
            hint="Take a Stable Diffusion model.",
        )


def tiled_denoiser(
    pipe: Any,
    tiles: Tiles,
    on_tile: Callable[[], None],
    guides: Sequence[TileGuide] = (),
    regions: RegionBlend | None = None,
) -> AbstractContextManager[None]:
    """Have the denoiser see one tile at a time while the context lasts. Always undone at its end.

    Args:
        on_tile: called after every tile; may raise to stop.
        guides: to be asked about every tile.
        regions: with prompts of their own.
    """

    def in_tiles(original: Forward) -> Forward:
        def forward(*args: Any, **kwargs: Any) -> Any:
            call = (GridCall if regions is None else regions.call)(original, args, kwargs)
            blended, side = _Blended(*call.latents.shape[-2:]), tiles.height // call.latents.shape[-2]
            for row, column in itertools.product(*tiles.spans(side)):
                tile = _cut(call.latents, row, column)
                left, top = column.start * side, row.start * side
                besides = {
                    name: value
                    for guide in guides
                    for name, value in guide.residuals(call, tile, left, top, side).items()
                }
                blended.add(call.predict(tile, besides, (row, column)), row, column)
                on_tile()
            return call.answer(blended.whole)

        return forward

    return replaced_forward(denoiser_of(pipe), in_tiles)


def encode_tiles(pipe: Any, tiles: Tiles, check: Callable[[], None]) -> torch.Tensor:
    """Latents (1, channels, h, w) of the source.

    Args:
        check: called before every tile; may raise to stop.
    """
    factor = pipe.vae_scale_factor
    blended = _Blended(tiles.height // factor, tiles.width // factor)
    with precise_enough(pipe.vae):
        for tile, place in _both_spans(tiles, factor):
            check()
            blended.add(encode_pixels(pipe, picture_tensor(_source(tiles, tile))), *place)
    return blended.whole


def decode_tiles(pipe: Any, tiles: Tiles, latents: torch.Tensor, check: Callable[[], None]) -> Halves:
    """Pixels (height, width, 3) of latents (1, channels, h, w), sRGB, 0 to 1, in half precision to spare memory."""
    picture: Halves = np.zeros((tiles.height, tiles.width, 3), np.float16)
    with precise_enough(pipe.vae):
        for tile, place in _both_spans(tiles, pipe.vae_scale_factor):
            check()
            pixels = decode_latents(pipe, _cut(latents, *place)).cpu()
            if tiles.keep_colours:
                pixels = _with_colours_of(pixels, _source(tiles, tile), max(4, tiles.side // COARSE))
            painted = pixels[0].permute(1, 2, 0).numpy()
            row, column = tile
            weights = row.weights[:, None, None] * column.weights[None, :, None]
            picture[np.ix_(row.places, column.places)] += (painted * weights).astype(np.float16)
    return picture


def _both_spans(tiles: Tiles, factor: int) -> Iterator[tuple[tuple[Span, Span], tuple[Span, Span]]]:
    """Rows and columns of every tile, in px and in latents of `factor` px."""
    in_pixels, in_latents = (itertools.product(*tiles.spans(unit)) for unit in (1, factor))
    return zip(in_pixels, in_latents, strict=True)


def _source(tiles: Tiles, tile: tuple[Span, Span]) -> Floats:
    row, column = tile
    return tiles.source(column.start, row.start, len(column), len(row))


class _Blended:
    """A grid (n, channels, height, width) put together from overlapping tiles."""

    def __init__(self, height: int, width: int) -> None:
        self._size = (height, width)
        self._whole: torch.Tensor | None = None

    @property
    def whole(self) -> torch.Tensor:
        """All of it, `float32`. Raises `ValueError` before the first tile."""
        if self._whole is None:
            raise ValueError("a picture has at least one tile")
        return self._whole

    def add(self, tile: torch.Tensor, row: Span, column: Span) -> None:
        """A tile (n, channels, h, w), by its weights."""
        if self._whole is None:
            self._whole = torch.zeros((*tile.shape[:2], *self._size), dtype=torch.float32, device=tile.device)
        rows, columns = (torch.from_numpy(span.places).to(tile.device) for span in (row, column))
        down, across = (torch.from_numpy(span.weights).to(tile.device) for span in (row, column))
        self._whole[:, :, rows[:, None], columns[None, :]] += tile.float() * (down[:, None] * across[None, :])


def _cut(latents: torch.Tensor, row: Span, column: Span) -> torch.Tensor:
    rows, columns = (torch.from_numpy(span.places).to(latents.device) for span in (row, column))
    return latents.index_select(-2, rows).index_select(-1, columns)


def _with_colours_of(pixels: torch.Tensor, source: Floats, block: int) -> torch.Tensor:
    """Pixels (1, 3, h, w) whose coarse part is that of the source (h, w, 3)."""
    difference = picture_tensor(source) - pixels
    height, width = difference.shape[-2:]
    size = (max(1, height // block), max(1, width // block))
    coarse = functional.adaptive_avg_pool2d(difference, size)
    smooth = functional.avg_pool2d(functional.pad(coarse, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    shift = functional.interpolate(smooth, (height, width), mode="bilinear", align_corners=False)
    return (pixels + shift).clamp_(0, 1)
