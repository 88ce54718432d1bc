"""Runs a job of the task `surface-maps`: one result a map. Needs no model, and leaves those in memory alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from bridge.engine.conversion import Floats, dtype_of, from_floats, picture_of, read_rgb
from bridge.engine.recipe_inputs import digest_of
from bridge.engine.stages import Stages
from bridge.engine.versions import versions
from bridge.protocol.engine_link import LinkMessage, Produced
from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat
from bridge.protocol.plain import tag_of, to_plain
from bridge.protocol.tasks import Layer, SurfaceMap, SurfaceMaps

from .occlusion import DIRECTIONS
from .surface import Surface

LIBRARIES = ("latent-bridge", "numpy", "scipy")
ROWS = 256
"""Rows that are written together: floats on their way to integers take several times the memory of a map."""
_DEEP: frozenset[SurfaceMap] = frozenset({"normal", "height"})
_GREY = {8: PixelFormat.GRAY8, 16: PixelFormat.GRAY16, 32: PixelFormat.GRAY32F}
_COLOUR = {8: PixelFormat.RGB8, 16: PixelFormat.RGB16, 32: PixelFormat.RGB32F}


def make_maps(job_id: str, task: SurfaceMaps, first: int, stages: Stages, send: Callable[[LinkMessage], None]) -> None:
    """Make every map that is not done yet, announcing each before the next one starts.

    Args:
        job_id: the job.
        task: what is asked for.
        first: maps before this one are done already.
        stages: told of progress, and where the job can be stopped.
        send: takes the results.

    Raises:
        JobAborted: the job was stopped.
    """
    surface = Surface(read_rgb(task.image)[0], task)
    inputs = {"image": digest_of(task.image)}
    for index, name in enumerate(task.maps[first:], start=first):
        stages.image = index
        # Nothing of a map stays here while the next one is made.
        send(Produced(job_id=job_id, index=index, layer=_made(surface, name, stages, inputs)))


def _made(surface: Surface, name: SurfaceMap, stages: Stages, inputs: dict[str, str]) -> Layer:
    parts = len(DIRECTIONS) if name == "occlusion" else 1
    stages.enter("mapping", parts)
    values = surface.map(name, lambda done: stages.part_done(done, parts))
    picture = written(values, name, surface.task.bits)
    stages.check()
    return Layer(picture=picture, recipe=_recipe(surface.task, name, inputs))


def written(values: Floats, name: SurfaceMap, bits: int) -> Picture:
    """A map as it travels, from values 0 to 1 of shape (height, width) or (height, width, 3)."""
    planes = values if values.ndim == 3 else values[..., None]
    pixel_format = (_COLOUR if planes.shape[-1] == 3 else _GREY)[bits if name in _DEEP else 8]
    channels = np.empty(planes.shape, dtype_of(pixel_format))
    for top in range(0, len(planes), ROWS):
        channels[top : top + ROWS] = from_floats(planes[top : top + ROWS], pixel_format)
    return picture_of(channels, pixel_format, ColourSpace.DATA)


def _recipe(task: SurfaceMaps, name: SurfaceMap, inputs: dict[str, str]) -> dict[str, object]:
    """Everything from which one map can be made again. No device: the processor works it out on every machine."""
    alone = dataclasses.replace(task, maps=(name,))
    plain = to_plain(alone, lambda _: {})
    return {
        "task": tag_of(SurfaceMaps),
        "map": name,
        "parameters": {key: value for key, value in plain.items() if key not in ("kind", "image")},
        "inputs": inputs,
        "versions": versions(LIBRARIES),
    }
