# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the panels hold to tasks of the protocol. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .vendored import errors, pixels, tasks


@dataclass(frozen=True)
class Wishes:
    """What the user typed. 0 steps and 0 guidance are the model's own.

    Attributes:
        seed: None draws one.
        images: variants to choose from.
        strength: 0 to 1.
    """

    prompt: str = ""
    negative_prompt: str = ""
    model: str = ""
    seed: int | None = None
    steps: int = 0
    guidance_scale: float = 0.0
    images: int = 1
    seamless: str = "none"
    strength: float = 0.6

    def common(self) -> dict[str, object]:
        """The parameters that every task shares."""
        return {
            "prompt": self.prompt.strip(),
            "negative_prompt": self.negative_prompt.strip(),
            "model": self.model,
            "seed": self.seed,
            "steps": self.steps or None,
            "guidance_scale": self.guidance_scale or None,
            "images": self.images,
            "seamless": self.seamless,
        }


def texture(wishes: Wishes, width: int, height: int) -> tasks.TextToImage:
    """A texture from the prompt alone."""
    return tasks.TextToImage(width=width, height=height, **wishes.common())


def edit(wishes: Wishes, image: pixels.Picture) -> tasks.ImageToImage:
    """The whole picture, changed towards the prompt."""
    return tasks.ImageToImage(image=image, strength=wishes.strength, **_like(wishes, image))


def inpaint(wishes: Wishes, image: pixels.Picture, mask: pixels.Picture) -> tasks.Inpaint:
    """The picture with its masked part repainted.

    Raises:
        BridgeError: `invalid_field` for a mask of another size, or one that masks nothing.
    """
    if (mask.width, mask.height) != (image.width, image.height):
        raise errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD,
            f"The mask has {mask.width} × {mask.height} pixels, the image {image.width} × {image.height}.",
            hint="Make a new mask; it takes the image's size.",
            field="mask",
        )
    if not any(mask.pixels):
        raise errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD,
            "The mask is empty.",
            hint="Drag a box, or paint white where the picture shall change.",
            field="mask",
        )
    return tasks.Inpaint(image=image, mask=mask, strength=wishes.strength, extent="canvas", **_like(wishes, image))


def outpaint(wishes: Wishes, image: pixels.Picture, sides: tuple[int, int, int, int]) -> tasks.Outpaint:
    """The picture with `left, top, right, bottom` pixels more.

    Raises:
        BridgeError: `invalid_field` when no side grows.
    """
    if not any(sides):
        raise errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD, "No side grows.", hint="Give the pixels to add to a side.", field="sides"
        )
    left, top, right, bottom = sides
    return tasks.Outpaint(
        image=image, left=left, top=top, right=right, bottom=bottom, extent="canvas", **_like(wishes, image)
    )


def upscale(wishes: Wishes, image: pixels.Picture, scale: float) -> tasks.Upscale:
    """The picture, enlarged."""
    return tasks.Upscale(image=image, scale=scale, strength=wishes.strength, **_like(wishes, image))


def _like(wishes: Wishes, image: pixels.Picture) -> dict[str, object]:
    """Results in the format of the picture: an image of floats keeps its range."""
    return {**wishes.common(), "result_format": image.format}
