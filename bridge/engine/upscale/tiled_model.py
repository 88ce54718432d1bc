"""A model that works on a picture larger than itself: denoiser and autoencoder, tile by tile.

The latents of the whole picture go through the scheduler together, with one noise; only what the denoiser predicts is
put together from overlapping tiles, at every step (MultiDiffusion, Bar-Tal et al. 2023,
https://arxiv.org/abs/2302.08113). So neighbouring tiles never drift apart, and there is no seam to hide.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from bridge.engine.conversion import Floats
from bridge.engine.latents import decode_latents, decodes_itself, encode_pixels
from bridge.protocol.errors import BridgeError, ErrorCode

from .tiles import Span, Tiles

Halves = npt.NDArray[np.float16]
COARSE = 16
"""What is coarser than this share of a tile's side comes from the source when colours are kept."""


def works_in_tiles(pipe: Any) -> bool:
    """Whether this kind of model can paint in tiles: its latents have to be a grid that we can encode and decode."""
    takes = inspect.signature(pipe.__call__).parameters
    return (
        decodes_itself(pipe)
        and not hasattr(pipe, "_pack_latents")
        and _denoiser(pipe) is not None
        and {"image", "strength"} <= takes.keys()
    )


def check_tiles(pipe: Any) -> None:
    """Raise `BridgeError` (`task_unsupported`) for a model that cannot paint in tiles."""
    if not works_in_tiles(pipe):
        raise BridgeError(
            ErrorCode.TASK_UNSUPPORTED,
            f"This kind of model ({type(pipe).__name__}) cannot paint in tiles.",
            hint="Take a Stable Diffusion model.",
        )


@contextmanager
def tiled_denoiser(pipe: Any, tiles: Tiles, on_tile: Callable[[], None]) -> Iterator[None]:
    """Have the denoiser see one tile at a time while the context lasts. Always undone at its end.

    Args:
        on_tile: called after every tile; may raise to stop.
    """
    denoiser = _denoiser(pipe)
    before = denoiser.__dict__.get("forward")
    original = denoiser.forward
    rows, columns = tiles.spans(pipe.vae_scale_factor)

    @functools.wraps(original)
    def forward(*args: Any, **kwargs: Any) -> Any:
        name = "" if args else ("hidden_states" if "hidden_states" in kwargs else "sample")
        latents = kwargs.pop(name) if name else args[0]
        blended = torch.zeros_like(latents, dtype=torch.float32)
        output: Any = None
        for row in rows:
            for column in columns:
                tile = _cut(latents, row, column)
                output = original(**{name: tile}, **kwargs) if name else original(tile, *args[1:], **kwargs)
                if blended.shape[1] != output[0].shape[1]:
                    shape = (latents.shape[0], output[0].shape[1], *latents.shape[2:])
                    blended = torch.zeros(shape, dtype=torch.float32, device=latents.device)
                _add(blended, output[0], row, column)
                on_tile()
        found = blended.to(latents.dtype)
        return (found, *output[1:]) if isinstance(output, tuple) else type(output)(sample=found)

    denoiser.forward = forward
    try:
        yield
    finally:
        if before is None:
            del denoiser.forward
        else:
            denoiser.forward = before


def encode_tiles(pipe: Any, tiles: Tiles, check: Callable[[], None]) -> torch.Tensor:
    """Latents (1, channels, h, w) of the source.

    Args:
        check: called before every tile; may raise to stop.
    """
    rows, columns = tiles.spans(pipe.vae_scale_factor)
    pixel_rows, pixel_columns = tiles.spans(1)
    latents: torch.Tensor | None = None
    for row, pixel_row in zip(rows, pixel_rows, strict=True):
        for column, pixel_column in zip(columns, pixel_columns, strict=True):
            check()
            source = tiles.source(pixel_column.start, pixel_row.start, len(pixel_column), len(pixel_row))
            pixels = torch.from_numpy(np.ascontiguousarray(source)).permute(2, 0, 1)[None]
            tile = _encoded(pipe, pixels)
            if latents is None:
                height, width = tiles.height // pipe.vae_scale_factor, tiles.width // pipe.vae_scale_factor
                latents = torch.zeros((1, tile.shape[1], height, width), dtype=torch.float32, device=tile.device)
            _add(latents, tile, row, column)
    if latents is None:
        raise ValueError("a picture has at least one tile")
    return latents


def decode_tiles(pipe: Any, tiles: Tiles, latents: torch.Tensor, check: Callable[[], None]) -> Halves:
    """Pixels (height, width, 3) of latents (1, channels, h, w), sRGB, 0 to 1, in half precision to spare memory."""
    rows, columns = tiles.spans(pipe.vae_scale_factor)
    pixel_rows, pixel_columns = tiles.spans(1)
    picture: Halves = np.zeros((tiles.height, tiles.width, 3), np.float16)
    for row, pixel_row in zip(rows, pixel_rows, strict=True):
        for column, pixel_column in zip(columns, pixel_columns, strict=True):
            check()
            pixels = decode_latents(pipe, _cut(latents, row, column)).cpu()
            if tiles.keep_colours:
                source = tiles.source(pixel_column.start, pixel_row.start, len(pixel_column), len(pixel_row))
                pixels = _with_colours_of(pixels, source, max(4, tiles.side // COARSE))
            painted = pixels[0].permute(1, 2, 0).numpy()
            weights = pixel_row.weights[:, None, None] * pixel_column.weights[None, :, None]
            picture[np.ix_(pixel_row.places, pixel_column.places)] += (painted * weights).astype(np.float16)
    return picture


def _denoiser(pipe: Any) -> Any:
    return getattr(pipe, "unet", None) or getattr(pipe, "transformer", None)


def _cut(latents: torch.Tensor, row: Span, column: Span) -> torch.Tensor:
    rows, columns = (torch.from_numpy(span.places).to(latents.device) for span in (row, column))
    return latents.index_select(-2, rows).index_select(-1, columns)


def _add(blended: torch.Tensor, tile: torch.Tensor, row: Span, column: Span) -> None:
    device = blended.device
    rows, columns = (torch.from_numpy(span.places).to(device) for span in (row, column))
    down, across = (torch.from_numpy(span.weights).to(device) for span in (row, column))
    blended[:, :, rows[:, None], columns[None, :]] += tile.float() * (down[:, None] * across[None, :])


def _encoded(pipe: Any, pixels: torch.Tensor) -> torch.Tensor:
    vae = pipe.vae
    upcast = vae.dtype == torch.float16 and getattr(vae.config, "force_upcast", False)
    if upcast:
        vae.to(torch.float32)
    try:
        return encode_pixels(pipe, pixels)
    finally:
        if upcast:
            vae.to(torch.float16)


def _with_colours_of(pixels: torch.Tensor, source: Floats, block: int) -> torch.Tensor:
    """Pixels (1, 3, h, w) whose coarse part is that of the source (h, w, 3)."""
    wanted = torch.from_numpy(np.ascontiguousarray(source)).permute(2, 0, 1)[None]
    difference = wanted - pixels
    height, width = difference.shape[-2:]
    size = (max(1, height // block), max(1, width // block))
    coarse = functional.adaptive_avg_pool2d(difference, size)
    smooth = functional.avg_pool2d(functional.pad(coarse, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    shift = functional.interpolate(smooth, (height, width), mode="bilinear", align_corners=False)
    return (pixels + shift).clamp_(0, 1)
