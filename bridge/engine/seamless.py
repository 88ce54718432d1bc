"""Pictures that continue across their own sides: every convolution of a model looks round the edge, for one call.

What a convolution would see beyond the edge is taken from the opposite side, in denoiser and autoencoder alike.
Attention and normalisation see the whole picture anyway. Transformers have no convolutions between their layers, so
there the latents are rolled by another offset at every step: what is the edge in one step lies inside in the next.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import Seamless

from .denoiser import Forward, replaced_forward
from .latent_grid import GridCall, gives_a_grid
from .latents import decode_latents, decodes_itself

_GOLDEN = 0.6180339887498949
"""Multiples of it, modulo 1, spread evenly however many there are: no edge comes to lie where one was before."""
_GUIDED_BY = ("block_controlnet_hidden_states", "controlnet_block_samples", "controlnet_single_block_samples")
"""What ControlNets say to transformers, about latents that were not rolled."""
_MARGIN = 16
"""Latents repeated beyond each side when an autoencoder that works in tiles cannot look round the edge itself."""


@contextmanager
def seamless(pipe: Any, sides: Seamless) -> Iterator[None]:
    """Have a pipeline's parts continue across `sides` while the context lasts. Always undone at its end.

    Raises:
        BridgeError: `task_unsupported` for a model whose latents cannot be made to.
    """
    with ExitStack() as stack:
        if sides != "none":
            _check_possible(pipe)
            parts = [part for part in pipe.components.values() if isinstance(part, nn.Module)]
            for part in parts:
                stack.enter_context(_wrapped_convolutions(part, sides))
            transformer = getattr(pipe, "transformer", None)
            if transformer is not None:
                stack.enter_context(_rolled_latents(transformer, sides))
        yield


def decode_seamless(pipe: Any, latents: torch.Tensor, sides: Seamless) -> torch.Tensor:
    """As `decode_latents`, within `seamless`. An autoencoder that works in tiles gets a margin from the other side."""
    if sides == "none" or not getattr(pipe.vae, "use_tiling", False):
        return decode_latents(pipe, latents)
    height, width = latents.shape[-2:]
    rows, columns = min(_MARGIN, height) * ("y" in sides), min(_MARGIN, width) * ("x" in sides)
    pixels = decode_latents(pipe, functional.pad(latents, (columns, columns, rows, rows), mode="circular"))
    factor = pixels.shape[-1] // (width + 2 * columns)
    top, left = rows * factor, columns * factor
    return pixels[..., top : top + height * factor, left : left + width * factor]


def wrap_multiple(pipe: Any) -> int:
    """Sides of latents have to be multiples of this, so that halving them keeps both edges together."""
    unet = getattr(pipe, "unet", None)
    return 1 if unet is None else 2 ** (len(unet.config.block_out_channels) - 1)


def _check_possible(pipe: Any) -> None:
    transformer = getattr(pipe, "transformer", None)
    if not decodes_itself(pipe) or (transformer is not None and not gives_a_grid(pipe)):
        raise _impossible(f"this kind of model ({type(pipe).__name__})")


def _impossible(kind: str) -> BridgeError:
    return BridgeError(
        ErrorCode.TASK_UNSUPPORTED,
        f"Seamless pictures are not possible with {kind}.",
        hint="Take a Stable Diffusion model, or leave `seamless` at none.",
        field="task.seamless",
    )


@contextmanager
def _wrapped_convolutions(part: nn.Module, sides: Seamless) -> Iterator[None]:
    one_sided = {id(convolution) for module in part.modules() for convolution in _after_one_sided_padding(module)}
    flat = [m for m in part.modules() if isinstance(m, nn.Conv2d) and _looks_around(m, one_sided)]
    with ExitStack() as stack:
        for module in part.modules():
            if isinstance(module, nn.Conv3d) and hasattr(module, "_padding"):
                stack.enter_context(_wrapped_film_convolution(module, sides))
        try:
            for module in flat:
                forward = functools.partial(_convolve, module, sides, id(module) in one_sided)
                module._conv_forward = forward  # type: ignore[method-assign]  # undone below
            yield
        finally:
            for module in flat:
                module.__dict__.pop("_conv_forward", None)


def _after_one_sided_padding(module: Any) -> Iterator[nn.Module]:
    """Convolutions that get a row and a column of zeros on the right and at the bottom, before they halve a picture."""
    if type(module).__name__ == "Downsample2D" and getattr(module, "padding", None) == 0:
        yield module.conv
    elif isinstance(module, nn.Sequential) and len(module) == 2 and isinstance(module[0], nn.ZeroPad2d):
        yield module[1]


def _looks_around(module: nn.Conv2d, one_sided: set[int]) -> bool:
    return id(module) in one_sided or any(module._reversed_padding_repeated_twice)


@contextmanager
def _wrapped_film_convolution(module: Any, sides: Seamless) -> Iterator[None]:
    """Autoencoders of films pad by themselves before they convolve: here is padded before that, around the edge."""
    left, right, top, bottom, *times = module._padding
    across, down = "x" in sides, "y" in sides
    around = (left * across, right * across, top * down, bottom * down, 0, 0)

    def pad(_: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(functional.pad(film, around, mode="circular") if film is not None else None for film in given)

    before = module._padding
    handle = module.register_forward_pre_hook(pad)
    module._padding = (left - around[0], right - around[1], top - around[2], bottom - around[3], *times)
    try:
        yield
    finally:
        handle.remove()
        module._padding = before


def _convolve(
    module: nn.Conv2d,
    sides: Seamless,
    one_sided: bool,
    values: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
) -> torch.Tensor:
    """A convolution whose padding comes from the opposite side where `sides` says so.

    Args:
        one_sided: the caller has padded one row and one column of zeros on the right and at the bottom, as the
            encoders of autoencoders do before they halve a picture; they are replaced.
    """
    left, right, top, bottom = module._reversed_padding_repeated_twice
    if one_sided:
        columns, rows = int("x" in sides), int("y" in sides)
        values = values[..., : values.shape[-2] - rows, : values.shape[-1] - columns]
        values = functional.pad(values, (0, columns, 0, rows), mode="circular")
    else:
        values = _padded(values, (left, right, 0, 0), "x" in sides)
        values = _padded(values, (0, 0, top, bottom), "y" in sides)
    return functional.conv2d(values, weight, bias, module.stride, 0, module.dilation, module.groups)


def _padded(values: torch.Tensor, amounts: tuple[int, int, int, int], wrap: bool) -> torch.Tensor:
    return functional.pad(values, amounts, mode="circular" if wrap else "constant")


def _rolled_latents(transformer: nn.Module, sides: Seamless) -> AbstractContextManager[None]:
    """Roll what the transformer sees, and roll back what it says. Scheduler and noise never notice."""
    offsets = _Offsets(sides)

    def around(original: Forward) -> Forward:
        def rolled(*args: Any, **kwargs: Any) -> Any:
            call = GridCall(original, args, kwargs)
            if call.has_references:
                raise _impossible("a model that looks at another picture while it paints")
            if any(kwargs.get(name) is not None for name in _GUIDED_BY):
                raise _impossible("a ControlNet for a transformer")
            height, width = call.latents.shape[-2:]
            rows, columns = offsets.at(kwargs.get("timestep", args[1] if len(args) > 1 else None), height, width)
            predicted = call.predict(torch.roll(call.latents, (rows, columns), (-2, -1)))
            return call.answer(torch.roll(predicted, (-rows, -columns), (-2, -1)))

        return rolled

    return replaced_forward(transformer, around)


class _Offsets:
    """The offset of every step, the same for every call within it, and for every seed."""

    def __init__(self, sides: Seamless) -> None:
        self._sides = sides
        self._last: float | None = None
        self._step = 0

    def at(self, timestep: Any, height: int, width: int) -> tuple[int, int]:
        """Rows and columns to roll by."""
        now = float(timestep.flatten()[0]) if isinstance(timestep, torch.Tensor) else None
        if now is None or now != self._last:
            self._step += 1
            self._last = now
        share = (self._step * _GOLDEN) % 1
        return int(share * height) * ("y" in self._sides), int(share * width) * ("x" in self._sides)
