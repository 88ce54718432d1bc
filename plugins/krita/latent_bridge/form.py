# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user has filled in, and how it is remembered. Pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass

from .guides import MOST_CONTROLS, MOST_LORAS, MOST_REGIONS, ControlEntry, LoraEntry, RegionEntry, entries_of
from .modes import Mode, parse_mode
from .vendored import tasks

GROUP = "latent_bridge"
KEY = "form"

SIDES = ("left", "top", "right", "bottom")
MOST_IMAGES = 16
MOST_GUIDANCE = 30.0
MOST_SCALE = 800
"""Percent."""
MOST_EXPANSION = 4096
"""Pixels."""

ReadSetting = Callable[[str, str, str], str]
WriteSetting = Callable[[str, str, str], None]


@dataclass(frozen=True)
class Form:
    """The values of the docker's fields.

    Attributes:
        prompt: what to paint.
        negative_prompt: what to avoid.
        strength: percent of change, 1 to 100.
        steps: denoising steps; 0 leaves them to the model.
        seed: 0 to 2**32 - 1; used when `random_seed` is off.
        random_seed: draw a seed for every picture.
        model: model id; empty for the daemon's default.
        mode: value of a `Mode`.
        images: how many variants to make, 1 to 16.
        guidance: classifier-free guidance; 0 leaves it to the model.
        scheduler: name from `welcome`; empty for the model's own.
        scale: percent of the size after upscaling, 100 to 800.
        left, top, right, bottom: what expanding adds at each side, pixels.
        in_place: merge the result into the active layer instead of making a new one.
        loras: LoRAs to apply.
        controls: layers of the document that guide.
        regions: layers of the document with prompts of their own.
    """

    prompt: str = ""
    negative_prompt: str = ""
    strength: int = 100
    steps: int = 0
    seed: int = 0
    random_seed: bool = True
    model: str = ""
    mode: str = Mode.AUTO.value
    images: int = 1
    guidance: float = 0.0
    scheduler: str = ""
    scale: int = 200
    left: int = 0
    top: int = 0
    right: int = 128
    bottom: int = 0
    in_place: bool = False
    loras: tuple[LoraEntry, ...] = ()
    controls: tuple[ControlEntry, ...] = ()
    regions: tuple[RegionEntry, ...] = ()

    def without_layers(self) -> Form:
        """The same for another document, which has none of these layers."""
        return dataclasses.replace(self, controls=(), regions=())

    def checked(self) -> Form:
        """The same with every number inside its range, whatever a settings file said."""
        return dataclasses.replace(
            self,
            strength=min(max(self.strength, 1), 100),
            steps=max(self.steps, 0),
            seed=min(max(self.seed, 0), tasks.MAX_SEED),
            mode=parse_mode(self.mode).value,
            images=min(max(self.images, 1), MOST_IMAGES),
            guidance=min(max(self.guidance, 0.0), MOST_GUIDANCE),
            scale=min(max(self.scale, 100), MOST_SCALE),
            **{side: min(max(getattr(self, side), 0), MOST_EXPANSION) for side in SIDES},
        )


def load_form(read: ReadSetting) -> Form:
    """The form that was remembered when Krita was closed; see `form_of`."""
    try:
        stored = json.loads(read(GROUP, KEY, "{}"))
    except ValueError:
        return Form()
    return form_of(stored)


def form_of(stored: object) -> Form:
    """The form of stored values. Those that are missing or of another type take their defaults."""
    if not isinstance(stored, dict):
        return Form()
    values = {
        field.name: stored[field.name]
        for field in dataclasses.fields(Form)
        if field.name in stored and type(field.default) is not tuple and type(stored[field.name]) is type(field.default)
    }
    values["loras"] = entries_of(LoraEntry, stored.get("loras"), MOST_LORAS)
    values["controls"] = entries_of(ControlEntry, stored.get("controls"), MOST_CONTROLS)
    values["regions"] = entries_of(RegionEntry, stored.get("regions"), MOST_REGIONS)
    return Form(**values).checked()


def save_form(form: Form, write: WriteSetting) -> None:
    """Remember the form, but for the layers of its document."""
    write(GROUP, KEY, json.dumps(dataclasses.asdict(form.without_layers())))


def parse_seed(text: str) -> int:
    """The seed that a text stands for: its digits, at most 2**32 - 1; 0 when there are none."""
    digits = "".join(character for character in text if character in "0123456789")
    return min(int(digits), tasks.MAX_SEED) if digits else 0
