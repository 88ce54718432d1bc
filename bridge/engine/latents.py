"""From latents to pixels, and back to a common shape, for the families of pipelines."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

_DECODABLE = frozenset({"AutoencoderKL", "AutoencoderTiny", "AsymmetricAutoencoderKL", "AutoencoderDC"})


def decodes_itself(pipe: Any) -> bool:
    """Whether we know how to decode this pipeline's latents, so that the decode can be a stage of its own."""
    return type(getattr(pipe, "vae", None)).__name__ in _DECODABLE


def unpacked(pipe: Any, latents: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """Latents as (n, channels, h, w); some families carry them as a sequence of patches."""
    if latents.ndim == 4:
        return latents
    found: torch.Tensor = pipe._unpack_latents(latents, height, width, pipe.vae_scale_factor)
    return found


def packed_like(pipe: Any, latents: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Latents (n, channels, h, w) in the shape of `like`."""
    if latents.ndim == like.ndim:
        return latents
    if like.ndim == 5:
        return latents.reshape(like.shape)
    alone = len(inspect.signature(pipe._pack_latents).parameters) == 1
    found: torch.Tensor = pipe._pack_latents(latents) if alone else pipe._pack_latents(latents, *latents.shape)
    return found


@contextmanager
def precise_enough(vae: Any) -> Iterator[None]:
    """Have an autoencoder that overflows in half precision, and says so, work in full while the context lasts.

    Around a loop this saves it from being cast to and fro for every tile.
    """
    if vae.dtype != torch.float16 or not getattr(vae.config, "force_upcast", False):
        yield
        return
    vae.to(torch.float32)
    try:
        yield
    finally:
        vae.to(torch.float16)


def encode_pixels(pipe: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Latents (n, channels, h, w) of pixels (n, 3, height, width), 0 to 1: the likeliest, so nothing is drawn."""
    with precise_enough(pipe.vae):
        return _encoded(pipe, pixels)


def _encoded(pipe: Any, pixels: torch.Tensor) -> torch.Tensor:
    vae = pipe.vae
    values = (pixels * 2 - 1).to(vae.device if not hasattr(vae, "_hf_hook") else pixels.device, vae.dtype)
    if hasattr(pipe, "_encode_vae_image"):
        # Some see a picture as a film of one frame.
        film = vae.config.get("z_dim") is not None
        own: torch.Tensor = pipe._encode_vae_image(values[:, :, None] if film else values, None)
        return own.flatten(1, 2) if own.ndim == 5 else own
    encoded = vae.encode(values)
    raw: torch.Tensor = encoded.latent if hasattr(encoded, "latent") else encoded.latent_dist.mode()
    config = vae.config
    mean, std = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    if mean is not None and std is not None:
        mean_, std_ = (raw.new_tensor(each).view(1, -1, 1, 1) for each in (mean, std))
        return (raw - mean_) * float(config.scaling_factor) / std_
    return (raw - float(getattr(config, "shift_factor", None) or 0.0)) * float(config.scaling_factor)


def decode_latents(pipe: Any, latents: torch.Tensor) -> torch.Tensor:
    """Pixels (n, 3, height, width), 0 to 1, `float32`, of latents (n, channels, h, w)."""
    vae = pipe.vae
    config = vae.config
    latents = latents.to(vae.device) if not hasattr(vae, "_hf_hook") else latents
    mean, std = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    if mean is not None and std is not None:
        shape = (1, -1, 1, 1)
        mean_, std_ = (
            torch.tensor(each, device=latents.device, dtype=latents.dtype).view(shape) for each in (mean, std)
        )
        latents = latents * std_ / config.scaling_factor + mean_
    else:
        latents = latents / config.scaling_factor + (getattr(config, "shift_factor", None) or 0.0)
    with precise_enough(vae):
        pixels = vae.decode(latents.to(vae.dtype), return_dict=False)[0]
    found: torch.Tensor = (pixels.float() / 2 + 0.5).clamp_(0, 1)
    return found
