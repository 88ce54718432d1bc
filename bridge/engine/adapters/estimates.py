"""Guiding pictures that are made of the whole of an ordinary one, by a network that lies among the model folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.engine.conversion import Floats, read_rgb, write_picture
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.messages import AdapterType
from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat
from bridge.protocol.tasks import ESTIMATED, Control

from .depth import read_depth
from .normal_picture import normals_of_scene, normals_of_surface
from .persons import read_persons
from .pose import read_pose
from .segmentation import read_segmentation

if TYPE_CHECKING:
    from bridge.engine.models.loading import LoadedModel

NETWORKS: Mapping[AdapterType, Callable[[AdapterSource, Path], Any]] = {
    "depth": read_depth,
    "pose": read_pose,
    "segmentation": read_segmentation,
    "detection": read_persons,
}
"""How the networks of each type are read."""
NORMAL = "normal"


def names_of(sources: Sequence[AdapterSource]) -> list[str]:
    """What may be asked for as `preprocess` because a network for it is there."""
    makers = [source for source in sources if source.type in ESTIMATED]
    return [source.id for source in makers] + [source.type for source in makers]


@dataclass(frozen=True)
class Estimates:
    """What networks make of the pictures of a job's controls; of all of each, since they judge by the whole.

    Attributes:
        model: beside which the networks are kept.
        sources: what the job may use.
    """

    model: LoadedModel
    sources: Sequence[AdapterSource]
    _made: dict[int, Control] = field(default_factory=dict)

    def kind(self, control: Control) -> str:
        """What kind of guiding picture a control is, as far as is known; what it says itself goes before all."""
        if control.shows is not None:
            return control.shows
        maker = self._maker(control)
        return control.preprocess if maker is None or control.preprocess == NORMAL else maker.type

    def seen(self, number: int, control: Control) -> Control:
        """A control with the picture that is made of its own; itself where that takes no whole picture."""
        maker = self._maker(control)
        if maker is None and control.preprocess != NORMAL:
            return control
        if number not in self._made:
            rgb, _ = read_rgb(control.image)
            made = _as_picture(self._picture(rgb, control, maker, _field(number)))
            self._made[number] = replace(control, image=made, preprocess="")
        return self._made[number]

    def recipe(self, number: int, control: Control) -> dict[str, object]:
        """The hashes of the networks that take part."""
        return {
            f"{part}_hash": self.model.guides.get(self.model, source, _field(number)).fingerprint.result()
            for part, source in self.networks(control).items()
        }

    def networks(self, control: Control) -> dict[str, AdapterSource]:
        """The networks that take part in making its picture, by the parts that they have in that."""
        parts = {"preprocessor": self._maker(control), "detector": self._detector(control)}
        return {part: source for part, source in parts.items() if source is not None}

    def _picture(self, rgb: Floats, control: Control, maker: AdapterSource | None, at: str) -> Floats:
        if maker is None:
            return normals_of_surface(rgb)
        net: Any = self.model.guides.get(self.model, maker, at).net
        match maker.type:
            case "pose":
                detector = self._detector(control)
                found = [] if detector is None else self.model.guides.get(self.model, detector, at).net.boxes(rgb)
                made: Floats = net.pose(rgb, found)
            case "segmentation":
                made = net.segmentation(rgb)
            case _:
                made = net.depth(rgb)
        return normals_of_scene(made[..., 0]) if control.preprocess == NORMAL else made

    def _maker(self, control: Control) -> AdapterSource | None:
        """The network that `preprocess` names, by its id or by what it makes; depth for normals, where there is one."""
        makers = [source for source in self.sources if source.type in ESTIMATED]
        wanted = "depth" if control.preprocess == NORMAL else control.preprocess
        named = [source for source in makers if source.id == wanted and control.preprocess != NORMAL]
        return next(iter((*named, *(source for source in makers if source.type == wanted))), None)

    def _detector(self, control: Control) -> AdapterSource | None:
        """What finds the persons whose poses are wanted, where it is there."""
        maker = self._maker(control)
        if maker is None or maker.type != "pose":
            return None
        return next((source for source in self.sources if source.type == "detection"), None)


def _as_picture(made: Floats) -> Picture:
    return write_picture(made, None, PixelFormat.RGB16, ColourSpace.SRGB)


def _field(number: int) -> str:
    return f"task.controls[{number}].preprocess"
