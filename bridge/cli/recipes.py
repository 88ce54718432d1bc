"""The recipe that a picture carries, and tasks built from it and from the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture
from bridge.protocol.plain import fields_of, tag_of, to_plain
from bridge.protocol.plain_reading import from_plain
from bridge.protocol.tasks import TASKS, Generation, Layer, SurfaceMaps

RECIPE_VERSION = 1
TaskT = TypeVar("TaskT", bound=Generation | SurfaceMaps)


@dataclass(frozen=True)
class Recipe:
    """How a picture was made.

    Attributes:
        task: kind of the task, such as `inpaint`.
        parameters: its fields without pictures, resolved as far as the engine told; the seed is that of this image.
        made_by: the engine's own account: every resolved value, the model with its hash, versions.
        x: left edge of the layer in its canvas, pixels.
        y: top edge of the layer in its canvas, pixels.
    """

    task: str
    parameters: dict[str, Any]
    made_by: dict[str, Any] = field(default_factory=dict)
    x: int = 0
    y: int = 0

    def to_json(self) -> str:
        """As it lies in a file."""
        return json.dumps(
            {
                "latent_bridge_recipe": RECIPE_VERSION,
                "task": self.task,
                "parameters": self.parameters,
                "x": self.x,
                "y": self.y,
                "made_by": self.made_by,
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read it back.

        Raises:
            BridgeError: `invalid_field` when it is none, or of a newer kind.
        """
        try:
            plain = json.loads(text)
            if int(plain["latent_bridge_recipe"]) > RECIPE_VERSION:
                raise BridgeError(
                    ErrorCode.INVALID_FIELD, "The recipe is of a newer version.", hint="Update latent-bridge."
                )
            return cls(
                task=str(plain["task"]),
                parameters=dict(plain["parameters"]),
                made_by=dict(plain.get("made_by", {})),
                x=int(plain.get("x", 0)),
                y=int(plain.get("y", 0)),
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BridgeError(ErrorCode.INVALID_FIELD, f"The recipe cannot be read: {error}.") from error


def recipe_of(kind: str, layer: Layer, asked: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of one image.

    Args:
        kind: the task's kind.
        layer: the image; its recipe is the engine's account, with every resolved value under `parameters`.
        asked: what was asked for, for values that the engine does not tell.
    """
    cls: Any = task_class(kind)
    names = [info.name for info in fields_of(cls) if info.hint is not Picture]
    told = layer.recipe.get("parameters")
    resolved = told if isinstance(told, Mapping) else {}
    parameters = {}
    for name in names:
        value = resolved.get(name)
        parameters[name] = (asked or {}).get(name) if value is None else value
    if issubclass(cls, Generation):
        parameters.update(seed=layer.seed, images=1)
    made_by = {name: value for name, value in layer.recipe.items() if name not in ("parameters", "task")}
    return Recipe(kind, parameters, made_by, layer.x, layer.y)


def plain_parameters(task: Generation | SurfaceMaps) -> dict[str, Any]:
    """The fields of a task as plain values, pictures left out."""
    plain = to_plain(task, lambda picture: {})
    cls: Any = type(task)
    return {info.name: plain[info.name] for info in fields_of(cls) if info.hint is not Picture}


def differences(before: Recipe, after: Recipe) -> list[str]:
    """Why a picture made again may differ from the one whose recipe was followed; sentences for people."""
    reasons = {
        "inputs": "The pictures given are not those that the recipe was made with.",
        "model": "The model is not the one that the recipe was made with.",
        "device": "It was made on another device, which may round differently.",
        "versions": "It was made by other versions, which may round differently.",
    }
    return [
        sentence
        for name, sentence in reasons.items()
        if name in before.made_by and name in after.made_by and before.made_by[name] != after.made_by[name]
    ]


def build_task(cls: type[TaskT], parameters: Mapping[str, Any], pictures: Mapping[str, Picture]) -> TaskT:
    """A task from plain parameters and pictures by field name. None stands for the default.

    Raises:
        BridgeError: `invalid_field`, as the daemon would, before anything is sent.
    """
    plain: dict[str, Any] = {name: value for name, value in parameters.items() if value is not None}
    plain.update({name: {} for name in pictures})

    def given(_: Mapping[str, Any], path: str) -> Picture:
        if path not in pictures:
            raise BridgeError(
                ErrorCode.INVALID_FIELD,
                f"The recipe was made with a picture ({path}) of which it holds the hash alone.",
                hint="Make it again from a program that has the picture.",
                field=path,
            )
        return pictures[path]

    return from_plain(cls, plain, given)


def task_class(kind: str) -> type[Generation] | type[SurfaceMaps]:
    """The task of this kind. Raises `BridgeError` for one that this version does not know."""
    for cls in TASKS:
        if tag_of(cls) == kind:
            return cls
    raise BridgeError(ErrorCode.INVALID_FIELD, f"The recipe is of an unknown task, {kind!r}.")
