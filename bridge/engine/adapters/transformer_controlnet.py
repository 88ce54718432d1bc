"""ControlNets for transformers: asked whatever the transformer is asked, whichever pipeline asks.

diffusers has pipelines with such a ControlNet for a few kinds of task. The transformer takes what ControlNets say at
any; so they are asked here, just before it, and every task has them, in tiles as well.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from bridge.engine.denoiser import Forward, replaced_forward
from bridge.engine.latent_grid import GridCall
from bridge.engine.latents import encode_pixels, packed_like
from bridge.engine.picture_tensor import picture_tensor
from bridge.engine.upscale.tile_guide import Asked, Part
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import Control

from .steps import StepsSeen, is_acting
from .union_modes import is_union, mode_argument

Place = tuple[int, int, int, int]
"""Left, top, width and height in px."""
_USUAL_GUIDANCE = 3.5
"""What a ControlNet is told that asks for guidance where its transformer takes none: Flux's own recommendation."""


@dataclass
class TransformerControlNets:
    """The ControlNets of one pipeline call.

    Attributes:
        pipe: the pipeline, whose autoencoder most of them see the guiding picture through.
        nets: each with its control and its guiding picture.
        kinds: of the guiding pictures, as `union_modes` calls them; "" where nobody knows and none has to.
    """

    pipe: Any
    nets: Sequence[tuple[Control, Any, Part]]
    kinds: Sequence[str]
    _steps: StepsSeen = field(default_factory=StepsSeen, init=False)
    _seen: dict[tuple[int, Place], torch.Tensor] = field(default_factory=dict, init=False)

    @contextmanager
    def attached(self, _: Any) -> Iterator[None]:
        """In tiles there is nothing to hear: each question comes with everything."""
        yield

    @contextmanager
    def whole(self, width: int, height: int) -> Iterator[None]:
        """Have them guide a picture of this size in px that is painted at once, while the context lasts."""

        def around(original: Forward) -> Forward:
            def guided(*args: Any, **kwargs: Any) -> Any:
                call = GridCall(original, args, kwargs)
                if call.has_references:
                    raise BridgeError(
                        ErrorCode.TASK_UNSUPPORTED,
                        "A model that looks at another picture while it paints takes no ControlNet.",
                        hint="Leave the controls out.",
                        field="task.controls",
                    )
                told = call.told(call.latents)
                return original(*args, **{**kwargs, **self._said(told, (0, 0, width, height))})

            return guided

        with replaced_forward(self.pipe.transformer, around):
            yield

    def residuals(self, call: Asked, tile: torch.Tensor, left: int, top: int, side: int) -> dict[str, Any]:
        """What the transformer is to be given for a tile."""
        return self._said(call.told(tile), (left, top, tile.shape[-1] * side, tile.shape[-2] * side))

    def _said(self, told: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """What they say to a transformer that is told this about a part of the picture, as its arguments."""
        step, steps = self._steps.at(told["timestep"]), int(self.pipe.num_timesteps)
        found: dict[str, Any] = {}
        for number, (control, net, part) in enumerate(self.nets):
            if is_acting(step, steps, control.start, control.end):
                if (number, place) not in self._seen:
                    self._seen[number, place] = _guiding(self.pipe, net, part, place, told["hidden_states"])
                guiding = self._seen[number, place]
                modes = _mode_of(net, self.kinds[number], told["hidden_states"])
                for name, samples in _asked(net, {**told, **modes}, guiding, control.strength).items():
                    found[name] = _added(found.get(name), samples)
        return found


def _mode_of(net: Any, kind: str, latents: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"controlnet_mode": mode_argument(kind, len(latents), latents.device)} if is_union(net) else {}


def _guiding(pipe: Any, net: Any, part: Part, place: Place, like: torch.Tensor) -> torch.Tensor:
    """The guiding picture (1, …) as a ControlNet takes it, beside latents like these."""
    pixels = picture_tensor(part(*place))
    if getattr(net, "input_hint_block", None) is not None:
        return (pixels * 2 - 1).to(like.device, net.dtype)
    latents = encode_pixels(pipe, pixels)
    if getattr(net.config, "force_zeros_for_pooled_projection", False):
        # Those of InstantX for Stable Diffusion 3 were trained on latents that were scaled, not shifted.
        latents = latents + pipe.vae.config.shift_factor * pipe.vae.config.scaling_factor
    return packed_like(pipe, latents, like).to(like.device, net.dtype)


def _asked(net: Any, told: Mapping[str, Any], guiding: torch.Tensor, strength: float) -> dict[str, Any]:
    known = inspect.signature(net.forward).parameters
    question = {name: value for name, value in told.items() if name in known}
    latents: torch.Tensor = told["hidden_states"]
    question["controlnet_cond"] = guiding.expand(len(latents), *guiding.shape[1:])
    question.update(_of_its_own(net, told, known), conditioning_scale=float(strength), return_dict=False)
    said = net(**question)
    match type(net).__name__:
        case "SD3ControlNetModel":
            return {"block_controlnet_hidden_states": said[0]}
        case "FluxControlNetModel":
            both = {"controlnet_block_samples": said[0], "controlnet_single_block_samples": said[1]}
            repeats = {"controlnet_blocks_repeat": True} if net.input_hint_block is not None else {}
            return {name: samples for name, samples in both.items() if samples is not None} | repeats
    return {"controlnet_block_samples": said}


def _of_its_own(net: Any, told: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """What a ControlNet, which knows these arguments, is told otherwise than its transformer."""
    config = net.config
    if "guidance" in known:
        given = told.get("guidance")
        usual = torch.full_like(told["timestep"], _USUAL_GUIDANCE) if given is None else given
        return {"guidance": usual if config.guidance_embeds else None}
    own: dict[str, Any] = {}
    if getattr(config, "force_zeros_for_pooled_projection", False):
        own["pooled_projections"] = torch.zeros_like(told["pooled_projections"])
    if "joint_attention_dim" in config and config.joint_attention_dim is None:
        own["encoder_hidden_states"] = None
    return own


def _added(before: Any, samples: Any) -> Any:
    if before is None or samples is True:
        return samples
    return [one + other for one, other in zip(before, samples, strict=True)]
