"""From latents to pixels, and back to a common shape, for the families of pipelines."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

_DECODABLE = frozenset(
    {"AutoencoderKL", "AutoencoderTiny", "AsymmetricAutoencoderKL", "AutoencoderDC", "AutoencoderKLQwenImage"}
)
_PATCHED = "AutoencoderKLFlux2"
"""Its latents are normalised patch by patch, so that a patch is what counts as one latent."""
_QUANTISED = "VQModel"
"""Kandinsky's, whose latents the denoiser knows as they are: unscaled, and not rounded to the codes of its book."""


def decodes_itself(pipe: Any) -> bool:
    """Whether we know how to decode this pipeline's latents, so that the decode can be a stage of its own."""
    return type(getattr(pipe, "vae", None)).__name__ in _DECODABLE


def shows_latents(pipe: Any) -> bool:
    """Whether we know what this pipeline's latents look like in the middle of denoising."""
    return decodes_itself(pipe) or type(autoencoder_of(pipe)).__name__ in (_PATCHED, _QUANTISED)


def autoencoder_of(pipe: Any) -> Any:
    """What makes pixels of this pipeline's latents; None when it has none that we know."""
    return getattr(pipe, "vae", None) or getattr(pipe, "movq", None)


def pixels_per_latent(pipe: Any) -> int:
    """Side in px of what one of the latents stands for that `decode_latents` takes."""
    autoencoder = autoencoder_of(pipe)
    if type(autoencoder).__name__ == _QUANTISED:
        return int(2 ** (len(autoencoder.config.block_out_channels) - 1))
    factor = int(getattr(pipe, "vae_scale_factor", 8))
    return 2 * factor if type(autoencoder).__name__ == _PATCHED else factor


def unpacked(pipe: Any, latents: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """Latents as (n, channels, h, w); some families carry them as a sequence of patches."""
    if latents.ndim == 4:
        return latents
    if type(pipe.vae).__name__ == _PATCHED:
        side = pixels_per_latent(pipe)
        return latents.transpose(1, 2).reshape(len(latents), -1, height // side, width // side)
    found: torch.Tensor = pipe._unpack_latents(latents, height, width, pipe.vae_scale_factor)
    return found.flatten(1, 2) if found.ndim == 5 else found  # Some see a picture as a film of one frame.


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
    autoencoder = autoencoder_of(pipe)
    if type(autoencoder).__name__ == _QUANTISED:
        found: torch.Tensor = autoencoder.encode((pixels * 2 - 1).to(autoencoder.device, autoencoder.dtype)).latents
        return found
    with precise_enough(autoencoder):
        return _encoded(pipe, pixels)


def _encoded(pipe: Any, pixels: torch.Tensor) -> torch.Tensor:
    vae = pipe.vae
    values = (pixels * 2 - 1).to(vae.device if not hasattr(vae, "_hf_hook") else pixels.device, vae.dtype)
    values = values[:, :, None] if _sees_films(vae) else values
    # Other pipelines have such a method too, which draws from what the encoder says instead of taking the likeliest.
    if type(vae).__name__ == _PATCHED:
        own: torch.Tensor = pipe._encode_vae_image(values, None)
        return own.flatten(1, 2) if own.ndim == 5 else own
    encoded = vae.encode(values)
    raw: torch.Tensor = encoded.latent if hasattr(encoded, "latent") else encoded.latent_dist.mode()
    raw = raw.flatten(1, 2) if raw.ndim == 5 else raw
    mean, std = getattr(vae.config, "latents_mean", None), getattr(vae.config, "latents_std", None)
    if mean is not None and std is not None:
        mean_, std_ = (raw.new_tensor(each).view(1, -1, 1, 1) for each in (mean, std))
        return (raw - mean_) * _scaling(vae) / std_
    return (raw - float(getattr(vae.config, "shift_factor", None) or 0.0)) * _scaling(vae)


def decode_latents(pipe: Any, latents: torch.Tensor) -> torch.Tensor:
    """Pixels (n, 3, height, width), 0 to 1, `float32`, of latents (n, channels, h, w)."""
    vae = autoencoder_of(pipe)
    if type(vae).__name__ == _QUANTISED:
        codes = latents.to(vae.device, vae.dtype)
        return _as_colours(vae.decode(codes, force_not_quantize=True, return_dict=False)[0])
    latents = _denormalised(pipe, latents.to(vae.device) if not hasattr(vae, "_hf_hook") else latents)
    with precise_enough(vae):
        latents = latents.to(vae.dtype)
        if _sees_films(vae):
            pixels = vae.decode(latents[:, :, None], return_dict=False)[0][:, :, 0]
        else:
            pixels = vae.decode(latents, return_dict=False)[0]
    return _as_colours(pixels)


def _as_colours(pixels: torch.Tensor) -> torch.Tensor:
    return (pixels.float() / 2 + 0.5).clamp_(0, 1)


def _denormalised(pipe: Any, latents: torch.Tensor) -> torch.Tensor:
    """Latents as the autoencoder made them, of such as denoisers know them."""
    vae, config = pipe.vae, pipe.vae.config
    if type(vae).__name__ == _PATCHED:
        spread = torch.sqrt(vae.bn.running_var + config.batch_norm_eps)
        mean, std = (each.view(1, -1, 1, 1).to(latents) for each in (vae.bn.running_mean, spread))
        whole: torch.Tensor = pipe._unpatchify_latents(latents * std + mean)
        return whole
    mean, std = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    if mean is not None and std is not None:
        mean, std = (latents.new_tensor(each).view(1, -1, 1, 1) for each in (mean, std))
        return latents * std / _scaling(vae) + mean
    return latents / _scaling(vae) + (getattr(config, "shift_factor", None) or 0.0)


def _scaling(vae: Any) -> float:
    return float(getattr(vae.config, "scaling_factor", None) or 1.0)


def _sees_films(vae: Any) -> bool:
    """Whether an autoencoder takes films, of which a picture is one frame."""
    return vae.config.get("z_dim") is not None
