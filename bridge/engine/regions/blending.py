"""Regions painted together: what the denoiser predicts for each one's prompt, put together by their shares.

The latents are one, with one noise; at every step each prompt has its say about all of it, and is heard as far as its
share goes (MultiDiffusion, Bar-Tal et al. 2023, https://arxiv.org/abs/2302.08113). So regions grow together without a
seam, with any family of models, with guidance (which is linear in what is predicted) and without.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from bridge.engine.denoiser import Forward, denoiser_of, replaced_forward
from bridge.engine.latent_grid import GridCall, Place, gives_a_grid
from bridge.engine.scheduler_tap import SchedulerTap
from bridge.protocol.errors import BridgeError, ErrorCode

from .mirrors import mirrored_places, shown
from .rehearsal import Told
from .shares import Shares

ALONE = 0.7
"""Share of the steps in which a prompt sees its own part alone: the picture takes shape in them."""
LEAST_SHARE = 1e-3
"""What has nowhere more to say than this is not asked."""


def check_blending(pipe: Any) -> None:
    """Raise `BridgeError` (`task_unsupported`) for a model that cannot be told of regions."""
    if not gives_a_grid(pipe):
        raise BridgeError(
            ErrorCode.TASK_UNSUPPORTED,
            f"This kind of model ({type(pipe).__name__}) takes no regions.",
            hint="Leave them out, or take another model.",
            field="task.regions",
        )


class RegionBlend:
    """The regions of one pipeline call.

    Args:
        told: for each region, what the denoiser is told of its prompt in each call of a step.
        shares: of the regions in what is computed.
        steps: denoising steps that there will be.
    """

    def __init__(self, told: Sequence[Sequence[Told]], shares: Shares, steps: int) -> None:
        self._told = told
        self._shares = shares
        self._call = 0
        self._steps_alone = math.ceil(steps * ALONE)

    @contextmanager
    def acting(self, pipe: Any, tap: SchedulerTap, *, in_tiles: bool) -> Iterator[None]:
        """Have the denoiser hear all prompts while the context lasts. Always undone at its end.

        Args:
            in_tiles: somebody else stands in its way and asks for `call`.
        """
        # Some pipelines ask twice a step, with and without the prompt: know which call is which.
        tap.before_every_step(self._stepped)
        if in_tiles:
            yield
            return

        def blended(original: Forward) -> Forward:
            def forward(*args: Any, **kwargs: Any) -> Any:
                call = self.call(original, args, kwargs)
                return call.answer(call.predict(call.latents))

            return forward

        with replaced_forward(denoiser_of(pipe), blended):
            yield

    def call(self, original: Forward, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> RegionCall:
        """One call of the denoiser, and the same for every region."""
        texts = [calls[self._call % len(calls)] for calls in self._told]
        self._call += 1
        calls = [GridCall(original, args, kwargs)]
        calls += [GridCall(original, *text.instead(args, kwargs)) for text in texts]
        return RegionCall(calls, self._shares.of(*calls[0].latents.shape[-2:]), alone=self._steps_alone > 0)

    def _stepped(self) -> None:
        self._call = 0
        self._steps_alone -= 1


class RegionCall:
    """A call of the denoiser with the task's own prompt, and the same with each region's.

    Args:
        calls: that one first.
        shares: (calls, rows, columns), which sum up to 1.
        alone: show every prompt its own part alone.
    """

    def __init__(self, calls: Sequence[GridCall], shares: torch.Tensor, *, alone: bool) -> None:
        self._calls = calls
        self._shares = shares
        self._alone = alone
        self._asked = calls[0]

    @property
    def latents(self) -> torch.Tensor:
        """The grid of the whole picture."""
        return self._calls[0].latents

    def told(self, grid: torch.Tensor) -> dict[str, Any]:
        """What is told with the task's own prompt; see `GridCall.told`."""
        return self._calls[0].told(grid)

    def predict(
        self, grid: torch.Tensor, besides: Mapping[str, Any] | None = None, place: Place | None = None
    ) -> torch.Tensor:
        """What is predicted for a grid, `float32`.

        Args:
            besides: arguments for this grid alone.
            place: where in the whole picture it lies; None if it is all of it.
        """
        shares = self._shares
        if place is not None:
            rows, columns = (torch.from_numpy(span.places) for span in place)
            shares = shares[:, rows[:, None], columns[None, :]]
        found: torch.Tensor | None = None
        for call, share in zip(self._calls, shares, strict=True):
            if float(share.max()) > LEAST_SHARE:
                self._asked = call
                seen = shown(grid, mirrored_places(share)) if self._alone else grid
                heard = call.predict(seen, besides).float() * share.to(grid.device)
                found = heard if found is None else found + heard
        if found is None:
            raise ValueError("shares sum up to 1")
        return found

    def answer(self, prediction: torch.Tensor) -> Any:
        """A prediction for the whole picture in the form of the denoiser's own answers."""
        return self._asked.answer(prediction)
