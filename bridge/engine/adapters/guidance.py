"""The pictures that guide a job: which pipeline takes them, and as which arguments."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from bridge.engine.conversion import Floats, read_rgb
from bridge.engine.models.loading import LoadedModel
from bridge.engine.picture_tensor import picture_tensor
from bridge.engine.plan import Plan, View
from bridge.engine.recipe_inputs import digest_of
from bridge.engine.resampling import resize
from bridge.engine.upscale.enlarging import enlarged_from
from bridge.engine.upscale.tile_guide import Part, TiledControlNets, TileGuide
from bridge.engine.upscale.tiles import Tiles
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import AdapterType
from bridge.protocol.tasks import Control

from .estimates import Estimates, names_of
from .guides import Guide
from .ip_adapter import ReferenceNet, referenced
from .preprocessing import check_name, preprocess
from .sources import find_source
from .t2i_adapter import Steering, TiledSteering, steered
from .transformer_controlnet import TransformerControlNets
from .union_modes import check_mode

T = TypeVar("T")

Nets = Sequence[tuple[Control, Any]]
"""Controls with their networks."""
TYPES: tuple[AdapterType, ...] = ("controlnet", "t2i-adapter", "ip-adapter")


def check_controls(controls: Sequence[Control], sources: Sequence[AdapterSource] = ()) -> None:
    """Refuse controls that make no sense with any model. Raises `BridgeError` (`invalid_field`)."""
    for number, control in enumerate(controls):
        if control.preprocess:
            check_name(control.preprocess, f"task.controls[{number}].preprocess", names_of(sources))
        if control.start > control.end:
            raise BridgeError(
                ErrorCode.INVALID_FIELD,
                f"Control {number + 1} begins at {control.start:g} of the steps and ends at {control.end:g} already.",
                hint="Its start comes before its end.",
                field=f"task.controls[{number}].start",
            )


@dataclass(frozen=True)
class Guided:
    """A pipeline with pictures to guide it.

    Attributes:
        pipe: the pipeline to call.
        arguments: what ControlNets take, beside everything else.
        steering: T2I-Adapters to attach.
        references: IP-Adapters to attach.
        nets: ControlNets for a transformer to attach, and the size of what they guide in px.
        in_tiles: all of these for what is painted in tiles; they then stand nowhere else.
    """

    pipe: Any
    arguments: Mapping[str, Any] = field(default_factory=dict)
    steering: Sequence[Steering] = ()
    references: Sequence[tuple[Control, ReferenceNet]] = ()
    nets: tuple[TransformerControlNets, int, int] | None = None
    in_tiles: Sequence[TileGuide] = ()

    @contextmanager
    def attached(self) -> Iterator[dict[str, Any]]:
        """Have the guides act on the pipeline's next call, and on no other. Yields what to call it with besides."""
        arguments = dict(self.arguments)
        with ExitStack() as stack:
            if self.steering:
                stack.enter_context(steered(self.pipe, self.steering))
            if self.references:
                arguments["ip_adapter_image"] = stack.enter_context(referenced(self.pipe, self.references))
            if self.nets is not None:
                nets, width, height = self.nets
                stack.enter_context(nets.whole(width, height))
            yield arguments


@dataclass(frozen=True)
class JobGuidance:
    """The controls of a job. One of strength 0, or that ends where it begins, is as if it were not there."""

    model: LoadedModel
    controls: Sequence[Control]
    sources: Sequence[AdapterSource]

    def prepared(self, plan: Plan) -> Guided:
        """The pipeline for a plan, with everything that guides it.

        Raises:
            BridgeError: `unknown_adapter`, `model_unusable` or `task_unsupported`, naming the field.
        """
        acting = self._acting()
        if not acting:
            return Guided(self.model.pipeline(plan.mode))
        found: dict[str, list[tuple[Control, Any]]] = {kind: [] for kind in TYPES}
        for number, control in acting:
            seen = self._estimates.seen(number, control)
            found[self._source(number, control).type].append((seen, self._guide(number, control).net))
        makers = sum(len(self._estimates.networks(control)) for _, control in acting)
        self.model.guides.forget_old(self.model, len(acting) + makers)
        nets, steering, references = (found[kind] for kind in TYPES)
        kinds = [self._kind(*each) for each in acting if self._source(*each).type == "controlnet"]
        if plan.tiles is not None:
            return self._in_tiles(plan, plan.tiles, nets, steering, references, kinds)
        steerings = [(control, net, _picture(control, plan)) for control, net in steering]
        if not nets:
            return Guided(self.model.pipeline(plan.mode), {}, steerings, references)
        guiding = [(control, net, _picture(control, plan)) for control, net in nets]
        if self._for_transformer:
            pipe = self.model.pipeline(plan.mode)
            shown = [(control, net, _always(seen)) for control, net, seen in guiding]
            always = TransformerControlNets(pipe, shown, kinds)
            return Guided(pipe, {}, steerings, references, (always, plan.width, plan.height))
        pipe = self.model.controlled_pipeline(plan.mode, [net for _, net in nets])
        arguments = _controlnet_arguments(pipe, plan.start is not None, [(c, seen) for c, _, seen in guiding])
        return Guided(pipe, arguments, steerings, references)

    def _in_tiles(
        self, plan: Plan, tiles: Tiles, nets: Nets, steering: Nets, references: Nets, kinds: Sequence[str]
    ) -> Guided:
        guides: list[TileGuide] = []
        if steering:
            guides.append(TiledSteering([(control, net, _part_of(control, tiles)) for control, net in steering]))
        if not nets or self._for_transformer:
            pipe = self.model.pipeline(plan.mode)
            parts = [(control, net, _part_of(control, tiles)) for control, net in nets]
            guides += [TransformerControlNets(pipe, parts, kinds)] if parts else []
            return Guided(pipe, {}, (), references, None, guides)
        pipe = self.model.controlled_pipeline(plan.mode, [net for _, net in nets])
        controls = [control for control, _ in nets]
        blank = np.zeros((tiles.side, tiles.side, 3), np.float32)
        arguments = _controlnet_arguments(pipe, True, [(control, blank) for control in controls])
        # The blank pictures stand in for those of the whole canvas, of which no more than a tile is ever made.
        arguments.update(width=tiles.side, height=tiles.side)
        guides.append(TiledControlNets([_part_of(control, tiles) for control in controls]))
        return Guided(pipe, arguments, (), references, None, guides)

    def recipe(self) -> list[dict[str, object]]:
        """What the recipe says of these controls: adapter with hash, picture by its hash, strength, start and end."""
        return [
            {
                "id": control.adapter,
                "type": self._source(number, control).type,
                "hash": self._guide(number, control).fingerprint.result(),
                "image": digest_of(control.image),
                "preprocess": control.preprocess,
                "shows": control.shows,
                **self._estimates.recipe(number, control),
                "strength": control.strength,
                "start": control.start,
                "end": control.end,
            }
            for number, control in self._acting()
        ]

    @cached_property
    def _estimates(self) -> Estimates:
        return Estimates(self.model, self.sources)

    @property
    def _for_transformer(self) -> bool:
        return getattr(self.model.base, "unet", None) is None

    def _kind(self, number: int, control: Control) -> str:
        """What kind of guiding picture its ControlNet is shown, as far as is known. Raises `BridgeError`."""
        kind = self._estimates.kind(control)
        check_mode(self._guide(number, control).net, kind, f"task.controls[{number}].shows")
        return kind

    def _acting(self) -> list[tuple[int, Control]]:
        return [
            (n, control) for n, control in enumerate(self.controls) if control.strength and control.start < control.end
        ]

    def _source(self, number: int, control: Control) -> AdapterSource:
        return find_source(self.sources, control.adapter, TYPES, _field(number))

    def _guide(self, number: int, control: Control) -> Guide:
        return self.model.guides.get(self.model, self._source(number, control), _field(number))


def _always(picture: Floats) -> Part:
    """The whole of a guiding picture, which is all that is asked for."""
    return lambda *_: picture


def _field(number: int) -> str:
    return f"task.controls[{number}].adapter"


def _no_controls(message: str) -> BridgeError:
    return BridgeError(ErrorCode.TASK_UNSUPPORTED, message, hint="Leave the controls out.", field="task.controls")


def _view_of(plan: Plan) -> View:
    if plan.view is None:
        raise _no_controls("This task takes no controls.")
    return plan.view


def _picture(control: Control, plan: Plan) -> Floats:
    """The guiding picture (height, width, 3) as the model sees it: transparent parts black, lines at its own scale."""
    view = _view_of(plan)
    rgb, alpha = read_rgb(control.image)
    if alpha is not None:
        rgb = rgb * alpha[..., None]
    seen = view.seen(resize(rgb, view.width, view.height))
    return preprocess(control.preprocess, seen, "task.controls") if control.preprocess else seen


def _part_of(control: Control, tiles: Tiles) -> Part:
    """As `_picture`, of any part of what is painted in tiles."""
    width, height = tiles.canvas
    whole = replace(enlarged_from(control.image, width, height, "none"), wrap_x=tiles.wrap_x, wrap_y=tiles.wrap_y)

    def part(left: int, top: int, width: int, height: int) -> Floats:
        rgb, alpha = whole.region(left, top, width, height)
        if alpha is not None:
            rgb = rgb * alpha[..., None]
        return preprocess(control.preprocess, rgb, "task.controls") if control.preprocess else rgb

    return part


def _controlnet_arguments(pipe: Any, has_start: bool, guiding: Sequence[tuple[Control, Floats]]) -> dict[str, Any]:
    """As lists for several ControlNets, bare for one, which is what every family of pipelines understands."""
    tensors = [picture_tensor(picture) for _, picture in guiding]
    controls = [control for control, _ in guiding]
    # Where there is no other picture, some families call the guiding one plainly `image`.
    name = "image" if not has_start and not _takes(pipe, "control_image") else "control_image"
    return {
        name: _one_or_all(tensors),
        "controlnet_conditioning_scale": _one_or_all([float(control.strength) for control in controls]),
        "control_guidance_start": _one_or_all([control.start for control in controls]),
        "control_guidance_end": _one_or_all([control.end for control in controls]),
    }


def _takes(pipe: Any, name: str) -> bool:
    return name in inspect.signature(pipe.__call__).parameters


def _one_or_all(values: list[T]) -> T | list[T]:
    return values[0] if len(values) == 1 else values
