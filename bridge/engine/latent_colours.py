"""Colours from latents, for previews: by the decoder itself where it is small, else by a linear map.

Latents of every family are nearly linear in the colours of the patch that they stand for. Instead of a table of
measured factors for each family, the map is fitted to the model's own autoencoder when it is first wanted: a few
smooth random pictures are encoded, and least squares does the rest. So it fits models that nobody has seen yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from .latents import autoencoder_of, decode_latents, encode_pixels, pixels_per_latent

SAMPLES, CELLS = 4, 16
"""Test pictures, and their sides in latents."""


SMALL_DECODER = 5_000_000
"""An autoencoder of fewer parameters is quick enough to show previews by itself."""


class LatentColours(Protocol):
    """Shows latents."""

    @property
    def pixels(self) -> int:
        """Side of what it makes of one latent."""
        ...

    def of(self, latents: torch.Tensor) -> torch.Tensor:
        """Colours (n, h · pixels, w · pixels, 3), 0 to 1, of latents (n, channels, h, w)."""
        ...


@dataclass(frozen=True)
class DecodedColours:
    """Colours as the model's own small decoder makes them."""

    pipe: Any
    pixels: int

    def of(self, latents: torch.Tensor) -> torch.Tensor:
        """Decode."""
        return decode_latents(self.pipe, latents).movedim(1, -1)


@dataclass(frozen=True)
class LinearColours:
    """Colours as a linear function of latents.

    Attributes:
        weights: (channels + 1, 3) `float32`; the last row is the constant.
        pixels: 1.
    """

    weights: torch.Tensor
    pixels: int = 1

    def of(self, latents: torch.Tensor) -> torch.Tensor:
        """Multiply."""
        flat = latents.float().movedim(1, -1)
        weights = self.weights.to(flat.device)
        return (flat @ weights[:-1] + weights[-1]).clamp(0, 1)


def latent_colours(pipe: Any) -> LatentColours:
    """The way of showing latents that suits a pipeline."""
    size = sum(parameter.numel() for parameter in autoencoder_of(pipe).parameters())
    if size < SMALL_DECODER:
        return DecodedColours(pipe, pixels_per_latent(pipe))
    return fit_linear_colours(pipe)


def fit_linear_colours(pipe: Any) -> LinearColours:
    """Fit the map to a pipeline's autoencoder. Draws from a generator of its own; no job's noise is touched."""
    colours = _smooth_pictures(torch.Generator("cpu").manual_seed(0))
    pictures = torch.nn.functional.interpolate(colours, scale_factor=pixels_per_latent(pipe), mode="bicubic").clamp(
        0, 1
    )
    with torch.inference_mode():
        latents = encode_pixels(pipe, pictures).float().cpu()
    means = torch.nn.functional.adaptive_avg_pool2d(pictures, (latents.shape[-2], latents.shape[-1]))
    rows = latents.movedim(1, -1).flatten(0, 2)
    rows = torch.cat([rows, torch.ones(len(rows), 1)], dim=1)
    # By the normal equations with a little ridge: latents of a barely trained autoencoder may be all alike.
    gram = rows.T @ rows + 1e-4 * len(rows) * torch.eye(rows.shape[1])
    return LinearColours(torch.linalg.solve(gram, rows.T @ means.movedim(1, -1).flatten(0, 2)))


def _smooth_pictures(generator: torch.Generator) -> torch.Tensor:
    """Random colours (SAMPLES, 3, CELLS, CELLS), 0 to 1, that change little from cell to cell."""
    coarse = torch.rand(SAMPLES, 3, CELLS // 4, CELLS // 4, generator=generator)
    return torch.nn.functional.interpolate(coarse, (CELLS, CELLS), mode="bilinear", align_corners=False)
