# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user has filled in, and how it is remembered. Pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass

from .vendored import tasks

GROUP = "latent_bridge"
KEY = "form"

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
    """

    prompt: str = ""
    negative_prompt: str = ""
    strength: int = 100
    steps: int = 0
    seed: int = 0
    random_seed: bool = True
    model: str = ""

    def checked(self) -> Form:
        """The same with every number inside its range, whatever a settings file said."""
        return dataclasses.replace(
            self,
            strength=min(max(self.strength, 1), 100),
            steps=max(self.steps, 0),
            seed=min(max(self.seed, 0), tasks.MAX_SEED),
        )


def load_form(read: ReadSetting) -> Form:
    """The remembered form. Values that are missing or of another type take their defaults."""
    try:
        stored = json.loads(read(GROUP, KEY, "{}"))
    except ValueError:
        return Form()
    if not isinstance(stored, dict):
        return Form()
    values = {
        field.name: stored[field.name]
        for field in dataclasses.fields(Form)
        if field.name in stored and type(stored[field.name]) is type(field.default)
    }
    return Form(**values).checked()


def save_form(form: Form, write: WriteSetting) -> None:
    """Remember the form."""
    write(GROUP, KEY, json.dumps(dataclasses.asdict(form)))


def parse_seed(text: str) -> int:
    """The seed that a text stands for: its digits, at most 2**32 - 1; 0 when there are none."""
    digits = "".join(character for character in text if character in "0123456789")
    return min(int(digits), tasks.MAX_SEED) if digits else 0
