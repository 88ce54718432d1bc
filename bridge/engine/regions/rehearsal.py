"""What a denoiser is told of a prompt, whatever its family: the pipeline is called, and stopped before it denoises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers.models.modeling_outputs import Transformer2DModelOutput

from bridge.engine.denoiser import Forward, denoiser_of, replaced_forward
from bridge.engine.latent_grid import latents_given

_OF_TEXTS = ("encoder_", "pooled_", "text_", "txt_", "attention_mask", "added_cond")
"""Parts of the names of arguments that come of the prompt; the others are of the picture, the step, or of guides."""
_OWN = 2
"""Arguments without a name that are not of the prompt: the latents and the time."""


@dataclass(frozen=True)
class Told:
    """What one call of a denoiser is told of the prompt.

    Attributes:
        args: arguments without a name, after the latents and the time.
        kwargs: those with one.
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def instead(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a call, with what it is told of its own prompt replaced by this."""
        changed = dict(kwargs)
        for name, value in self.kwargs.items():
            before = kwargs.get(name)
            # Guides that look at pictures put what they saw beside the text.
            changed[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
        return (*args[:_OWN], *self.args), changed


def rehearse(pipe: Any, scheduler: Any, arguments: Mapping[str, Any]) -> tuple[Told, ...]:
    """What the denoiser is told in each of its calls of one step, when `pipe` is called with these arguments.

    Args:
        scheduler: one that nobody else uses.
    """
    heard = _Heard()
    before = pipe.scheduler
    pipe.scheduler = scheduler
    scheduler.step = heard.enough
    try:
        with replaced_forward(denoiser_of(pipe), heard.instead_of):
            pipe(**arguments, output_type="latent", return_dict=False)
    except _EnoughError:
        pass
    finally:
        pipe.scheduler = before
    return tuple(heard.calls)


class _EnoughError(Exception):
    """All that was to be heard was said."""


@dataclass
class _Heard:
    calls: list[Told] = field(default_factory=list)

    def instead_of(self, _: Forward) -> Forward:
        def listen(*args: Any, **kwargs: Any) -> Transformer2DModelOutput:
            texts = {
                name: value
                for name, value in kwargs.items()
                if value is not None and any(part in name for part in _OF_TEXTS)
            }
            self.calls.append(Told(args[_OWN:], texts))
            given = latents_given(args, kwargs)
            nothing = torch.zeros_like(given) if isinstance(given, torch.Tensor) else [each * 0 for each in given]
            return Transformer2DModelOutput(sample=nothing)

        return listen

    def enough(self, *_: Any, **__: Any) -> Any:
        raise _EnoughError
