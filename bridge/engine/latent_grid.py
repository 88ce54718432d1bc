"""How denoisers are given the latents of a picture: as a grid, as a list of grids, or as a sequence of patches.

Whatever the form, a call is taken apart here into a grid (n, channels, height, width), which can be cut, rolled and put
together; and made again with another one. A patch counts as one cell, its latents as channels.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch

from .denoiser import Forward, denoiser_of
from .upscale.tiles import Span

Place = tuple[Span, Span]
"""Rows and columns of a part of a grid."""

_NAMES = ("hidden_states", "sample", "x")
"""What denoisers call their latents where they are not the first argument."""


def gives_a_grid(pipe: Any) -> bool:
    """Whether the calls of this pipeline's denoiser can be taken apart."""
    denoiser = denoiser_of(pipe)
    if denoiser is None:
        return False
    known = inspect.signature(denoiser.forward).parameters
    return not hasattr(pipe, "_pack_latents") or "img_ids" in known or "img_shapes" in known


def pixels_per_patch(pipe: Any) -> int:
    """Side in px of what a denoiser sees as one: a patch where it is a transformer, else one of the latents."""
    factor = int(getattr(pipe, "vae_scale_factor", 8))
    transformer = getattr(pipe, "transformer", None)
    if transformer is None:
        return factor
    # Those that pack latents do it two by two.
    packs = hasattr(pipe, "_pack_latents")
    return factor * (2 if packs else int(getattr(transformer.config, "patch_size", 1) or 1))


def latents_given(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The latents among the arguments of a denoiser's call, in whatever form."""
    return args[0] if args else kwargs[_name_of_latents(kwargs)]


class GridCall:
    """One call of a denoiser."""

    def __init__(self, original: Forward, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self._original = original
        self._name = "" if args else _name_of_latents(kwargs)
        self._args, self._kwargs = tuple(args), dict(kwargs)
        self._form = _form_of(latents_given(args, kwargs), kwargs)
        self._output: Any = None

    @property
    def latents(self) -> torch.Tensor:
        """The grid of the whole picture."""
        return self._form.latents

    @property
    def has_references(self) -> bool:
        """Whether the denoiser sees other pictures beside this one."""
        return self._form.has_references

    def told(self, grid: torch.Tensor) -> dict[str, Any]:
        """The arguments with a name that a call about a grid, at most as large, has."""
        given, more = self._form.given(grid)
        return {**self._kwargs, **more, **({self._name: given} if self._name else {})}

    def predict(
        self, grid: torch.Tensor, besides: Mapping[str, Any] | None = None, _: Place | None = None
    ) -> torch.Tensor:
        """What the denoiser predicts for a grid that is at most as large; it takes that for the whole picture.

        Args:
            besides: arguments for this grid alone.
        """
        named = {**self.told(grid), **(besides or {})}
        # Networks take what guides them out of its list as they go, and may be asked again.
        named = {name: list(value) if isinstance(value, list) else value for name, value in named.items()}
        given = () if self._name else (self._form.given(grid)[0], *self._args[1:])
        self._output = self._original(*given, **named)
        return self._form.predicted(self._output[0], grid)

    def answer(self, prediction: torch.Tensor) -> Any:
        """A prediction for the whole picture in the form of the denoiser's own answers."""
        first = self._form.answer(prediction.to(self._form.latents.dtype))
        if isinstance(self._output, tuple):
            return (first, *self._output[1:])
        return type(self._output)(sample=first)


def _name_of_latents(kwargs: Mapping[str, Any]) -> str:
    return next(name for name in _NAMES if name in kwargs)


class _Form(Protocol):
    @property
    def latents(self) -> torch.Tensor: ...

    @property
    def has_references(self) -> bool: ...

    def given(self, grid: torch.Tensor) -> tuple[Any, Mapping[str, Any]]:
        """What to give for a grid, and which other arguments change with its size."""

    def predicted(self, output: Any, grid: torch.Tensor) -> torch.Tensor:
        """The grid of an answer to `grid`."""

    def answer(self, prediction: torch.Tensor) -> Any:
        """The reverse of that."""


def _form_of(given: Any, kwargs: Mapping[str, Any]) -> _Form:
    if not isinstance(given, torch.Tensor):
        return _Listed(given)
    return _Plain(given) if given.ndim == 4 else _Packed(given, kwargs)


class _Plain:
    """A grid as it is."""

    has_references = False

    def __init__(self, latents: torch.Tensor) -> None:
        self.latents = latents

    def given(self, grid: torch.Tensor) -> tuple[Any, Mapping[str, Any]]:
        return grid, {}

    def predicted(self, output: Any, grid: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = output
        return found

    def answer(self, prediction: torch.Tensor) -> Any:
        return prediction


class _Listed:
    """A list of films (channels, 1, height, width) of one frame."""

    has_references = False

    def __init__(self, latents: Sequence[torch.Tensor]) -> None:
        self.latents = torch.stack(list(latents)).squeeze(2)

    def given(self, grid: torch.Tensor) -> tuple[Any, Mapping[str, Any]]:
        return list(grid.unsqueeze(2).unbind()), {}

    def predicted(self, output: Any, grid: torch.Tensor) -> torch.Tensor:
        return torch.stack(list(output)).squeeze(2)

    def answer(self, prediction: torch.Tensor) -> Any:
        return list(prediction.unsqueeze(2).unbind())


class _Packed:
    """A sequence (n, patches, channels) with places or shapes; those of other pictures may follow the picture's."""

    def __init__(self, patches: torch.Tensor, kwargs: Mapping[str, Any]) -> None:
        self._kwargs = kwargs
        self._rows, self._columns = _shape(kwargs)
        own = self._rows * self._columns
        self._rest = patches[:, own:]
        self.has_references = self._rest.shape[1] > 0
        self.latents = patches[:, :own].transpose(1, 2).reshape(len(patches), -1, self._rows, self._columns)

    def given(self, grid: torch.Tensor) -> tuple[Any, Mapping[str, Any]]:
        rows, columns = grid.shape[-2:]
        patches = grid.flatten(2).transpose(1, 2)
        if self.has_references:
            patches = torch.cat([patches, self._rest], dim=1)
        if (rows, columns) == (self._rows, self._columns):
            return patches, {}
        return patches, {**self._places(rows, columns), **self._mask(rows * columns)}

    def predicted(self, output: Any, grid: torch.Tensor) -> torch.Tensor:
        rows, columns = grid.shape[-2:]
        found: torch.Tensor = output[:, : rows * columns].transpose(1, 2)
        return found.reshape(*found.shape[:2], rows, columns)

    def answer(self, prediction: torch.Tensor) -> Any:
        return prediction.flatten(2).transpose(1, 2)

    def _places(self, rows: int, columns: int) -> Mapping[str, Any]:
        shapes, ids = self._kwargs.get("img_shapes"), self._kwargs.get("img_ids")
        if shapes is not None:
            return {"img_shapes": [[(1, rows, columns), *each[1:]] for each in shapes]}
        if ids is None:
            return {}
        own = self._rows * self._columns
        grid = ids[..., :own, :].reshape(*ids.shape[:-2], self._rows, self._columns, ids.shape[-1])
        cut = grid[..., :rows, :columns, :].flatten(-3, -2)
        return {"img_ids": torch.cat([cut, ids[..., own:, :]], dim=-2)}

    def _mask(self, patches: int) -> Mapping[str, Any]:
        """Some have a mask over text and picture, of which the picture is the end and all there."""
        mask = self._kwargs.get("attention_mask")
        if mask is None:
            return {}
        return {"attention_mask": mask[..., : mask.shape[-1] - self._rows * self._columns + patches]}


def _shape(kwargs: Mapping[str, Any]) -> tuple[int, int]:
    """Rows and columns of patches of the picture that is painted, which is the first."""
    shapes = kwargs.get("img_shapes")
    if shapes is not None:
        _, rows, columns = shapes[0][0]
        return int(rows), int(columns)
    places = kwargs["img_ids"]
    places = places[0] if places.ndim == 3 else places  # (patches, 3 or 4): which picture, row, column…
    own = places[places[:, 0] == 0]
    columns = int((own[:, 1] == 0).sum())
    return len(own) // columns, columns
